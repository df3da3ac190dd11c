-- How was it answered, week by week? How much, by whom, how fast, and how good people found it.
-- grain: one row per week and adapter
-- good: of the judged answers; seconds: the median of those that were decoded to their end
select
    date_trunc('week', requests.day)::date as week,
    requests.served_name,
    count(*) as answers,
    count(distinct requests.user_id) as people,
    round(avg(requests.is_whole::int), 4) as whole_share,
    count(judgements.is_good) as judged,
    round(avg(judgements.is_good::int), 4) as good,
    round(median(requests.seconds) filter (requests.is_timed), 3) as seconds
from main.stg_requests as requests
left join main.stg_judgements as judgements on requests.answer_id = judgements.answer_id
group by week, requests.served_name
order by week, answers desc, requests.served_name
