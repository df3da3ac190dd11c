-- asset: raw_preferences
-- returns every record id of a choice that stands twice, or that a record or a quarantined one has too
with ids as (
    select day, record_id, true as is_choice from raw_preferences
    union all
    select day, record_id, false as is_choice from raw_records
    union all
    select day, record_id, false as is_choice from raw_quarantined
)

select day, record_id, count(*) as times
from ids
group by day, record_id
having bool_or(is_choice) and count(*) > 1
