-- asset: cleaned_dialogues
-- returns every dialogue whose revisions lie in different splits
select dialogue_id, list_sort(list(distinct split)) as splits
from cleaned_dialogues
group by dialogue_id
having count(distinct split) > 1
