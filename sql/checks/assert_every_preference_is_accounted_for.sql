-- asset: cleaned_preferences
-- in = kept + dropped: returns each choice of a cleaned day that has no fate, or more than one
-- A day that is not cleaned yet waits, and so does one that was read again since.
with fates as (
    select day, record_id from cleaned_preferences
    union all
    select day, record_id from cleaned_dropped where grain = 'preference'
),

counted as (
    select day, record_id, count(*) as fates from fates group by all
),

cleaned as (
    select day, max(written_at) as written_at
    from meta.partitions
    where table_name like 'cleaned\_%' escape '\'
    group by day
    having bool_or(table_name = 'cleaned_preferences')
),

judged as (
    select cleaned.day
    from cleaned
    left join meta.partitions as received
        on cleaned.day = received.day
        and received.table_name = 'raw_preferences'
    where coalesce(received.written_at <= cleaned.written_at, true)
)

select
    coalesce(raw_preferences.day, counted.day) as day,
    coalesce(raw_preferences.record_id, counted.record_id) as record_id,
    coalesce(counted.fates, 0) as fates
from raw_preferences
full outer join counted
    on raw_preferences.record_id = counted.record_id
    and raw_preferences.day = counted.day
where
    (coalesce(counted.fates, 0) != 1 or raw_preferences.record_id is null)
    and coalesce(raw_preferences.day, counted.day) in (from judged)
