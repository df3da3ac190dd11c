-- asset: cleaned_signatures
-- returns every dialogue without a signature, and every signature without its dialogue
select
    coalesce(cleaned_dialogues.day, cleaned_signatures.day) as day,
    coalesce(cleaned_dialogues.revision, cleaned_signatures.revision) as revision
from cleaned_dialogues
full outer join cleaned_signatures
    on cleaned_dialogues.day = cleaned_signatures.day
    and cleaned_dialogues.revision = cleaned_signatures.revision
where cleaned_dialogues.revision is null or cleaned_signatures.revision is null
