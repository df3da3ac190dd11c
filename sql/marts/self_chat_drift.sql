-- one row per session of self-chat: what its words show, beside the mean of the sessions before it
with sessions as (
    select
        self_chats_sessions.*,
        row_number() over (order by number, held_at) as position
    from self_chats_sessions
    where state in ('done', 'paused') and begun > 0
)

select
    day,
    session_id,
    number,
    state,
    reason,
    generator,
    begun,
    kept,
    round(kept / nullif(begun, 0), 4) as kept_share,
    tokens,
    seconds,
    distinct_2,
    round(distinct_2 - avg(distinct_2) over earlier, 4) as distinct_2_change,
    topics,
    round(topics - avg(topics) over earlier, 4) as topics_change,
    past,
    synthetic,
    refusals,
    russian,
    held_at
from sessions
window earlier as (order by position rows between unbounded preceding and 1 preceding)
order by position
