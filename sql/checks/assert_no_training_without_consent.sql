-- asset: adapters_training_sets
-- returns every row of the newest training set that is, or grew from, a dialogue to be explored only
with newest as (
    select training_set_id, position, dialogue_id, source_table
    from adapters_training_sets
    where training_set_id = (
        select arg_max(training_set_id, frozen_at) from adapters_training_sets
    )
),

kin as (
    select *, dialogue_id as ancestor from newest
    union
    select newest.*, stg_ancestors.ancestor
    from newest
    inner join stg_ancestors on newest.dialogue_id = stg_ancestors.dialogue_id
),

explored as (
    select distinct dialogue_id from cleaned_dialogues where consent = 'explore'
),

refused as (
    select source_table, preference_id from stg_preferences where reason = 'no_consent'
)

select training_set_id, position, ancestor as dialogue_id
from kin
where ancestor in (from explored)
union
select newest.training_set_id, newest.position, newest.dialogue_id
from newest
inner join refused
    on newest.source_table = refused.source_table
    and newest.dialogue_id = refused.preference_id
