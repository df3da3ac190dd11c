-- asset: adapters_training_sets
-- returns every row of a training set that is a validation or test dialogue, by id or by content
select
    adapters_training_sets.training_set_id,
    adapters_training_sets.dialogue_id,
    cleaned_dialogues.split
from adapters_training_sets
inner join cleaned_dialogues
    on adapters_training_sets.dialogue_id = cleaned_dialogues.dialogue_id
    or adapters_training_sets.revision = cleaned_dialogues.revision
where cleaned_dialogues.split != 'train'
