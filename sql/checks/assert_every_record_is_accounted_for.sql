-- asset: cleaned_dialogues
-- in = kept + dropped: returns each record that has no fate, or more than one
with fates as (
    select day, record_id, 'kept' as fate from cleaned_dialogues
    union all
    select day, record_id, 'dropped' as fate from cleaned_dropped where grain = 'dialogue'
),

counted as (
    select day, record_id, count(*) as fates from fates group by all
)

select
    coalesce(raw_records.day, counted.day) as day,
    coalesce(raw_records.record_id, counted.record_id) as record_id,
    coalesce(counted.fates, 0) as fates
from raw_records
full outer join counted
    on raw_records.record_id = counted.record_id
    and raw_records.day = counted.day
where
    (coalesce(counted.fates, 0) != 1 or raw_records.record_id is null)
    and coalesce(raw_records.day, counted.day) in (select day from fates)
