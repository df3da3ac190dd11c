-- asset: self_chats_dropped
-- returns every refused self-chat without a reason, or that was accepted as well
select
    self_chats_dropped.day,
    self_chats_dropped.dialogue_id,
    self_chats_dropped.reason
from self_chats_dropped
left join self_chats_dialogues
    on self_chats_dropped.dialogue_id = self_chats_dialogues.dialogue_id
    and self_chats_dropped.day = self_chats_dialogues.day
where self_chats_dropped.reason = '' or self_chats_dialogues.dialogue_id is not null
