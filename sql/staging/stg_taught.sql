-- one row per adapter that may be served and dialogue of a person that it was taught
-- What a refused or held adapter was taught is still to be learned; so is that of one not judged yet.
with newest as (
    select adapter_id, passed
    from evaluations_verdicts
    qualify row_number() over (partition by adapter_id order by decided_at desc) = 1
)

select distinct
    adapters_versions.base_id,
    adapters_versions.adapter_id,
    adapters_versions.created_at,
    adapters_training_sets.dialogue_id,
    adapters_training_sets.revision
from adapters_versions
inner join adapters_training_sets
    on adapters_versions.training_set_id = adapters_training_sets.training_set_id
inner join newest
    on adapters_versions.adapter_id = newest.adapter_id
where
    adapters_training_sets.source_table = 'cleaned_dialogues'
    and newest.passed
