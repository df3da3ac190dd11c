-- Which languages do I talk in?
-- grain: one row per source and language
select
    source,
    language,
    count(*) as dialogues,
    round(count(*) / sum(count(*)) over (partition by source), 4) as share,
    sum(characters)::bigint as characters
from main.stg_dialogues
group by source, language
order by source, dialogues desc, language
