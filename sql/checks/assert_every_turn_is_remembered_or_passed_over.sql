-- asset: embeddings_observations
-- returns every turn that was read both ways, or left out of a dialogue that was read, or never said
with turns_read as (
    select
        day,
        dialogue_id,
        revision,
        position,
        bool_or(reason = '') as is_remembered,
        bool_or(reason != '') as is_passed_over
    from embeddings_observations
    where position >= 0
    group by day, dialogue_id, revision, position
),

turns_said as (
    select
        day,
        dialogue_id,
        revision,
        true as was_said,
        unnest(range(len(messages))) as position
    from cleaned_dialogues
    semi join turns_read using (day, dialogue_id, revision)
)

select
    day,
    dialogue_id,
    revision,
    position,
    coalesce(is_remembered, false) as is_remembered,
    coalesce(is_passed_over, false) as is_passed_over
from turns_said
full join turns_read using (day, dialogue_id, revision, position)
where was_said is null or is_remembered is null or is_remembered = is_passed_over
