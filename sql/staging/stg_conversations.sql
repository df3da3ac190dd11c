-- one row per record with the source's own conversation id: its cluster, also if it repeats another
with kept as (
    select day, source, conversation_id, cluster_id from cleaned_dialogues
),

repeated as (
    select raw_records.day, raw_records.source, raw_records.conversation_id, cleaned_dropped.cluster_id
    from cleaned_dropped
    inner join raw_records
        on cleaned_dropped.record_id = raw_records.record_id
        and cleaned_dropped.day = raw_records.day
    where cleaned_dropped.cluster_id != ''
),

unioned as (
    select * from kept
    union all
    select * from repeated
)

select day, source, conversation_id, cluster_id
from unioned
where conversation_id != ''
