-- one row per adapter that may be served and was taught by people: all that it was taught
select
    base_id,
    adapter_id,
    created_at,
    list(revision order by revision) as revisions
from stg_taught
group by base_id, adapter_id, created_at
