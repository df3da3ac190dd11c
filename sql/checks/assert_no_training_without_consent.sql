-- asset: adapters_training_sets
-- returns every row of the newest training set that is, or grew from, a dialogue to be explored only
with newest as (
    select *
    from adapters_training_sets
    where training_set_id = (
        select arg_max(training_set_id, frozen_at) from adapters_training_sets
    )
),

grown as (
    select
        newest.*,
        self_chats_dialogues.parents
    from newest
    left join self_chats_dialogues
        on newest.dialogue_id = self_chats_dialogues.dialogue_id
        and newest.source_table = 'self_chats_dialogues'
),

explored as (
    select distinct dialogue_id from cleaned_dialogues where consent = 'explore'
)

select
    grown.training_set_id,
    grown.position,
    explored.dialogue_id
from grown
inner join explored
    on explored.dialogue_id = grown.dialogue_id or list_contains(grown.parents, explored.dialogue_id)
