-- one row per dialogue the model held with itself, kept or dropped
with kept as (
    select
        day,
        dialogue_id,
        method,
        generator,
        parent_dialogue_id,
        'kept' as fate,
        '' as reason,
        messages
    from self_chats_dialogues
),

dropped as (
    select
        day,
        dialogue_id,
        method,
        generator,
        parent_dialogue_id,
        'dropped' as fate,
        reason,
        messages
    from self_chats_dropped
)

select * from kept
union all
select * from dropped
