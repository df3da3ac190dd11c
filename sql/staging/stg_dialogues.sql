-- one row per dialogue: its newest revision, and of near-duplicates the best alone
with newest as (
    select *
    from cleaned_dialogues
    qualify row_number() over (
        partition by dialogue_id
        order by day desc, turns desc, revision
    ) = 1
),

best as (
    select *
    from newest
    qualify row_number() over (
        partition by coalesce(cluster_id, dialogue_id)
        order by coalesce(consent, 'granted') = 'granted' desc, quality desc, day, dialogue_id
    ) = 1
)

select
    dialogue_id,
    revision,
    record_id,
    source,
    conversation_id,
    title,
    user_id,
    participants,
    language,
    coalesce(consent, 'granted') as consent,
    split,
    cluster_id,
    quality,
    turns,
    characters,
    messages,
    day
from best
