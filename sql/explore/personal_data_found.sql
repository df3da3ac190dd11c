-- How much personal data was found and replaced, and where?
-- grain: one row per source and kind of personal data, in dialogues and preferences
with sources as (
    select record_id, source from main.cleaned_dialogues
    union all
    select record_id, source from main.cleaned_preferences
)

select
    sources.source,
    cleaned_findings.reason as kind,
    count(*) as places,
    count(distinct cleaned_findings.record_id) as records,
    max(cleaned_findings.day) as last_day
from main.cleaned_findings
inner join sources on cleaned_findings.record_id = sources.record_id
where cleaned_findings.rule = 'personal_data'
group by sources.source, cleaned_findings.reason
order by places desc, sources.source, kind
