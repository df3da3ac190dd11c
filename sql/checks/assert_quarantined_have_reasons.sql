-- asset: raw_quarantined
-- returns every quarantined record or file without a reason, or without the file it stood in
select day, record_id, file, reason
from raw_quarantined
where reason = '' or file = ''
