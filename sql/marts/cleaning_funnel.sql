-- one row per day, stage, fate and reason: what became of every record that came in
with quarantined as (
    select day, 'raw' as stage, 'quarantined' as fate, reason, count(*) as records
    from raw_quarantined
    group by all
),

received as (
    select day, 'raw' as stage, 'received' as fate, source as reason, count(*) as records
    from raw_records
    group by all
),

kept as (
    select day, 'cleaned' as stage, 'kept' as fate, source as reason, count(*) as records
    from cleaned_dialogues
    group by all
),

dropped as (
    select day, 'cleaned' as stage, 'dropped' as fate, reason, count(*) as records
    from cleaned_dropped
    where grain = 'dialogue'
    group by all
),

self_chats as (
    select day, 'self_chats' as stage, fate, coalesce(nullif(reason, ''), method) as reason, count(*) as records
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
order by day, stage desc, fate, records desc, reason
