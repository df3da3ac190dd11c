-- With whom do I talk? People by pseudonym; where nobody else takes part, the assistant.
-- grain: one row per partner
with others as (
    select
        *,
        list_filter(coalesce(participants, []), lambda p: p not in ('', user_id)) as people
    from main.stg_dialogues
),

partners as (
    select
        unnest(case when people = [] then ['assistant'] else list_distinct(people) end) as partner,
        source,
        turns,
        characters,
        coalesce(began_at::date, day) as first_day,
        coalesce(ended_at::date, day) as last_day
    from others
)

select
    partner,
    count(*) as dialogues,
    sum(turns)::bigint as turns,
    sum(characters)::bigint as characters,
    string_agg(distinct source, ', ' order by source) as sources,
    min(first_day) as first_day,
    max(last_day) as last_day
from partners
group by partner
order by dialogues desc, partner
