-- one row per pseudonym: whoever speaks in a dialogue, the owner among them
with dialogues as (
    select * from stg_dialogues
),

people as (
    select
        unnest(list_distinct(list_append(coalesce(participants, []), user_id))) as person_id,
        dialogue_id,
        consent,
        day
    from dialogues
)

select
    person_id,
    count(*) as dialogues,
    count(*) filter (consent = 'granted') as trainable,
    case count(distinct consent) when 1 then any_value(consent) else 'mixed' end as consent,
    min(day) as first_day,
    max(day) as last_day
from people
where person_id != ''
group by person_id
order by dialogues desc, person_id
