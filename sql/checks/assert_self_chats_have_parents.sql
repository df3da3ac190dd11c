-- asset: self_chats_dialogues
-- returns every self-chat whose parent dialogue is not in the lake
select self_chats_dialogues.dialogue_id, self_chats_dialogues.parent_dialogue_id
from self_chats_dialogues
left join cleaned_dialogues
    on self_chats_dialogues.parent_dialogue_id = cleaned_dialogues.dialogue_id
where cleaned_dialogues.dialogue_id is null
