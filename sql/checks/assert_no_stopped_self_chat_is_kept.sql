-- asset: self_chats_sessions
-- returns every kept self-chat, and every choice, of a session that did not end well
with stopped as (
    select session_id from self_chats_sessions where state = 'paused'
)

select
    dialogue_id,
    session_id
from self_chats_dialogues
where session_id in (select session_id from stopped)
union all
select
    dialogue_id,
    session_id
from self_chats_preferences
where session_id in (select session_id from stopped)
