-- asset: raw_records
-- returns every record id that stands twice, also once as read and once as quarantined
with ids as (
    select day, record_id from raw_records
    union all
    select day, record_id from raw_quarantined
)

select day, record_id, count(*) as times
from ids
group by all
having count(*) > 1
