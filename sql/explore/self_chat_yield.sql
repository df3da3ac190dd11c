-- How many of the model's talks with itself are worth keeping?
-- grain: one row per method and generator
select
    method,
    generator,
    count(*) as made,
    count(*) filter (fate = 'kept') as kept,
    round(kept / made, 4) as kept_share,
    mode(reason) filter (fate = 'dropped') as commonest_reason,
    max(day) as last_day
from main.stg_self_chats
group by method, generator
order by made desc, method, generator
