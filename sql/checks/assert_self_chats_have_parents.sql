-- asset: self_chats_dialogues
-- returns every self-chat of which no parent is in the lake, or one of whose parents is not
-- (what the base was schooled in is a parent without a row: `primer/...`)
with grown as (
    select
        dialogue_id,
        unnest(if(len(parents) > 0, parents, [''])) as parent
    from self_chats_dialogues
)

select
    grown.dialogue_id,
    grown.parent
from grown
where
    not starts_with(grown.parent, 'primer/')
    and grown.parent not in (select dialogue_id from cleaned_dialogues)
    and grown.parent not in (select dialogue_id from self_chats_dialogues)
