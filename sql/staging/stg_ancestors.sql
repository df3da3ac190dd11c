-- one row per self-chat and one of those it grew from, however far back
-- `primer/...` among them is what the base was schooled in, and in no table.
with recursive parents as (
    select distinct dialogue_id, unnest(parents) as parent from self_chats_dialogues
),

ancestors as (
    select dialogue_id, parent as ancestor
    from parents
    union
    select ancestors.dialogue_id, parents.parent as ancestor
    from ancestors
    inner join parents on ancestors.ancestor = parents.dialogue_id
)

select dialogue_id, ancestor from ancestors
