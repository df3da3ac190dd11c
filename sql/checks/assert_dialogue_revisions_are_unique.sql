-- asset: cleaned_dialogues
-- returns every (dialogue, revision) that was kept more than once, on any day
select dialogue_id, revision, count(*) as times
from cleaned_dialogues
group by all
having count(*) > 1
