-- one row per dialogue the model held with itself, kept or dropped
with kept as (
    select
        day,
        dialogue_id,
        session_id,
        method,
        generator,
        parents,
        ancestry_depth,
        tokens,
        seconds,
        'kept' as fate,
        '' as reason,
        messages
    from self_chats_dialogues
),

dropped as (
    select
        day,
        dialogue_id,
        session_id,
        method,
        generator,
        parents,
        ancestry_depth,
        tokens,
        seconds,
        'dropped' as fate,
        reason,
        messages
    from self_chats_dropped
)

select * from kept
union all
select * from dropped
