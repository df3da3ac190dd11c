-- asset: cleaned_dialogues
-- in = kept + dropped: returns each record that has no fate, or more than one
-- A day that is not cleaned yet waits, and so does one that was read again since: in a backfill all
-- days are read before the first is cleaned. A day that was cleaned is judged even if no row is left.
with fates as (
    select day, record_id from cleaned_dialogues
    union all
    select day, record_id from cleaned_dropped where grain = 'dialogue'
),

counted as (
    select day, record_id, count(*) as fates from fates group by all
),

cleaned as (
    select day, max(written_at) as written_at
    from meta.partitions
    where table_name like 'cleaned\_%' escape '\'
    group by day
    having bool_or(table_name = 'cleaned_dialogues')
),

judged as (
    select cleaned.day
    from cleaned
    left join meta.partitions as received
        on cleaned.day = received.day
        and received.table_name = 'raw_records'
    where coalesce(received.written_at <= cleaned.written_at, true)
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
    and coalesce(raw_records.day, counted.day) in (from judged)
