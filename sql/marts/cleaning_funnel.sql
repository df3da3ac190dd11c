-- one row per day, stage, grain, fate and reason: what became of every record that came in
-- grain: a dialogue, a preference (a choice between two answers), or a record that could not be read
with quarantined as (
    select day, 'raw' as stage, 'record' as grain, 'quarantined' as fate, reason, count(*) as records
    from raw_quarantined
    group by all
),

received as (
    select day, 'raw' as stage, 'dialogue' as grain, 'received' as fate, source as reason, count(*) as records
    from raw_records
    group by all
    union all
    select day, 'raw' as stage, 'preference' as grain, 'received' as fate, source as reason, count(*) as records
    from raw_preferences
    group by all
),

kept as (
    select day, 'cleaned' as stage, 'dialogue' as grain, 'kept' as fate, source as reason, count(*) as records
    from cleaned_dialogues
    group by all
    union all
    select day, 'cleaned' as stage, 'preference' as grain, 'kept' as fate, source as reason, count(*) as records
    from cleaned_preferences
    group by all
),

dropped as (
    select day, 'cleaned' as stage, grain, 'dropped' as fate, reason, count(*) as records
    from cleaned_dropped
    where grain != 'message'
    group by all
),

self_chats as (
    select
        day,
        'self_chats' as stage,
        'dialogue' as grain,
        fate,
        coalesce(nullif(reason, ''), method) as reason,
        count(*) as records
    from stg_self_chats
    group by all
),

unioned as (
    select * from received
    union all
    select * from quarantined
    union all
    select * from kept
    union all
    select * from dropped
    union all
    select * from self_chats
)

select * from unioned
order by day, stage desc, grain, fate, records desc, reason
