-- asset: cleaned_dropped
-- returns every drop without a rule and a reason, or of no known grain
select day, record_id, grain, rule, reason
from cleaned_dropped
where rule = '' or reason = '' or grain not in ('dialogue', 'message', 'preference')
