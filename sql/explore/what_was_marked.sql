-- What did the cleaning rules change or remark on in what they kept?
-- grain: one row per rule and reason, personal data aside
select
    rule,
    reason,
    count(*) as places,
    count(distinct record_id) as records,
    min(excerpt) filter (excerpt != '') as example
from main.cleaned_findings
where rule != 'personal_data'
group by rule, reason
order by places desc, rule, reason
