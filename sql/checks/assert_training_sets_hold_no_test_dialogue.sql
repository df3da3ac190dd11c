-- asset: adapters_training_sets
-- returns every row of the newest training set that is a validation or test dialogue, by id or content
with newest as (
    select *
    from adapters_training_sets
    where training_set_id = (
        select arg_max(training_set_id, frozen_at) from adapters_training_sets
    )
)

select
    newest.training_set_id,
    newest.position,
    newest.dialogue_id,
    cleaned_dialogues.split
from newest
inner join cleaned_dialogues
    on newest.dialogue_id = cleaned_dialogues.dialogue_id
    or newest.revision = cleaned_dialogues.revision
where cleaned_dialogues.split != 'train'
