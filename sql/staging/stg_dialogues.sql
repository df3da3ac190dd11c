-- one row per dialogue: its newest revision, and of near-duplicates the best alone
with newest as (
    -- chosen without the messages, which are read afterwards and for these rows alone
    select day, dialogue_id, revision, cluster_id, consent, quality
    from cleaned_dialogues
    qualify row_number() over (
        partition by dialogue_id
        order by day desc, turns desc, revision
    ) = 1
),

best as (
    select day, dialogue_id, revision
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
    list_min(list_transform(messages, lambda m: m.created_at)) as began_at,
    list_max(list_transform(messages, lambda m: m.created_at)) as ended_at,
    day
from cleaned_dialogues
semi join best using (day, dialogue_id, revision)
