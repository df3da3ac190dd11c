-- one row per dialogue: its newest revision
with ranked as (
    select
        *,
        row_number() over (
            partition by dialogue_id
            order by day desc, turns desc, revision
        ) as nth_newest
    from cleaned_dialogues
)

select
    dialogue_id,
    revision,
    record_id,
    source,
    conversation_id,
    title,
    user_id,
    language,
    split,
    turns,
    characters,
    messages,
    day
from ranked
where nth_newest = 1
