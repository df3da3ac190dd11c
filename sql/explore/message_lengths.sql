-- How long are messages, by who says them? What a training's maximum length would cut.
-- grain: one row per source and role
select
    source,
    role,
    count(*) as messages,
    round(median(length(content)))::bigint as median_characters,
    quantile_disc(length(content), 0.95)::bigint as p95_characters,
    max(length(content)) as longest_characters
from main.stg_messages
group by source, role
order by source, role desc
