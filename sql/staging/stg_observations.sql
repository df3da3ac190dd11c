-- one row per fact or summary read in the newest revision of a dialogue whose use is granted
with newest as (
    select dialogue_id, revision, consent
    from cleaned_dialogues
    qualify row_number() over (
        partition by dialogue_id
        order by day desc, turns desc, revision
    ) = 1
)

select
    dialogue_id,
    revision,
    position,
    user_id,
    role,
    kind,
    text,
    importance,
    told_at,
    sources,
    reader_id,
    day
from embeddings_observations
semi join (
    select dialogue_id, revision from newest where coalesce(consent, 'granted') = 'granted'
) as granted using (dialogue_id, revision)
where reason = ''
