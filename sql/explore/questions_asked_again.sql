-- What do I ask again and again? First questions, letter case and punctuation aside.
-- grain: one row per question asked in two dialogues or more, the fifty most frequent
with opened as (
    select
        any_value(source) as source,
        coalesce(min(created_at)::date, any_value(day)) as day,
        arg_min(content, position) as question
    from main.stg_messages
    where role = 'user'
    group by dialogue_id
),

folded as (
    select
        *,
        trim(regexp_replace(lower(question), '[^а-яёa-z0-9]+', ' ', 'g')) as asked
    from opened
)

select
    min(question) as question,
    count(*) as dialogues,
    string_agg(distinct source, ', ' order by source) as sources,
    min(day) as first_day,
    max(day) as last_day
from folded
where asked != ''
group by asked
having count(*) > 1
order by dialogues desc, asked
limit 50
