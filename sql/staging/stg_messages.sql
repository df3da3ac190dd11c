-- one row per message of the newest revision of a dialogue
with dialogues as (
    select * from stg_dialogues
),

numbered as (
    select
        dialogue_id,
        revision,
        source,
        split,
        day,
        unnest(messages) as message,
        generate_subscripts(messages, 1) - 1 as position
    from dialogues
)

select
    dialogue_id,
    revision,
    position,
    source,
    split,
    message.role as role,
    message.content as content,
    message.created_at as created_at,
    day
from numbered
