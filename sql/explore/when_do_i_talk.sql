-- When do I talk? By weekday (1 is Monday) and hour, in the time zone of whoever asks.
-- grain: one row per weekday and hour; one more, without either, for what has no time
select
    isodow(created_at) as weekday,
    hour(created_at) as hour,
    count(*) as messages,
    count(distinct dialogue_id) as dialogues
from main.stg_messages
where role = 'user'
group by all
order by weekday, hour
