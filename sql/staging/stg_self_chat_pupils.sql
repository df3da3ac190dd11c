-- one row per day of self-chat by itself and adapter that learned from it, or grew from one that did
with said as (
    select day, dialogue_id as row_id from self_chats_dialogues where session_id != ''
    union all
    select day, preference_id from self_chats_preferences where session_id != ''
),

taught as (
    select distinct said.day, rows_of.training_set_id
    from said
    inner join adapters_training_sets as rows_of on said.row_id = rows_of.dialogue_id
    where rows_of.source_table in ('self_chats_dialogues', 'self_chats_preferences')
)

select distinct taught.day, families.adapter_id
from taught
inner join stg_adapter_families as families on taught.training_set_id = families.training_set_id
