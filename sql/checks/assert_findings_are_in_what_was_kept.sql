-- asset: cleaned_findings
-- returns every finding whose record was not kept that day, as a dialogue or as a choice
with kept as (
    select day, record_id from cleaned_dialogues
    union all
    select day, record_id from cleaned_preferences
)

select day, record_id, number, rule
from cleaned_findings
anti join kept using (day, record_id)
