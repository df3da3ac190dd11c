-- one row per source and split: how much of the training material comes from where
with dialogues as (
    select * from stg_dialogues
)

select
    source,
    split,
    count(*) as dialogues,
    sum(turns) as turns,
    sum(characters) as characters,
    min(day) as first_day,
    max(day) as last_day
from dialogues
group by source, split
order by source, split
