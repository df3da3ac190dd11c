-- asset: self_chats_sessions
-- returns every kept self-chat, and every choice, of a session that is not done
with sound as (
    select session_id from self_chats_sessions where state = 'done'
)

select
    dialogue_id,
    session_id
from self_chats_dialogues
where session_id != '' and session_id not in (select session_id from sound)
union all
select
    dialogue_id,
    session_id
from self_chats_preferences
where session_id != '' and session_id not in (select session_id from sound)
