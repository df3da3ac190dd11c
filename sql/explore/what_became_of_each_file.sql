-- What became of each file I put in?
-- grain: one row per file of a day
with fates as (
    select day, record_id, 'kept' as fate, null as reason from main.cleaned_dialogues
    union all
    select day, record_id, 'kept' as fate, null as reason from main.cleaned_preferences
    union all
    select day, record_id, 'dropped' as fate, reason from main.cleaned_dropped where grain != 'message'
),

received as (
    select day, record_id, file, source from main.raw_records
    union all
    select day, record_id, file, source from main.raw_preferences
),

records as (
    select
        received.day,
        received.file,
        received.source,
        coalesce(fates.fate, 'waiting') as fate,
        fates.reason
    from received
    left join fates
        on received.day = fates.day
        and received.record_id = fates.record_id
    union all
    select day, file, null as source, 'quarantined' as fate, reason
    from main.raw_quarantined
)

select
    day,
    file,
    string_agg(distinct source, ', ' order by source) as source,
    count(*) as records,
    count(*) filter (fate = 'kept') as kept,
    count(*) filter (fate = 'dropped') as dropped,
    count(*) filter (fate = 'quarantined') as quarantined,
    count(*) filter (fate = 'waiting') as waiting,
    mode(reason) as commonest_reason
from records
group by day, file
order by day desc, file
