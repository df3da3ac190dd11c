-- one row per adapter and the role in which it answered: whom, how it ended, how fast, how good
-- `good` is the share of judged answers whose person's last word was good, with Wilson's 95 % interval
-- (1927; `models.evaluation.statistics.wilson`). Seconds and tokens are those of answers that were
-- decoded to their end: not cut, not failed, not given again from the cache. An answer that was not
-- streamed begins when it ends.
with answers as (
    select * from stg_requests
),

judgements as (
    select * from stg_judgements
),

counted as (
    select
        answers.served_name,
        any_value(answers.adapter_id) as adapter_id,
        answers.role,
        count(distinct answers.user_id) as people,
        count(distinct answers.dialogue_id) as conversations,
        count(*) as answers,
        count(*) filter (answers.is_whole) as whole,
        count(*) filter (answers.finish = 'length') as too_long,
        count(*) filter (answers.finish = 'cut') as cut,
        count(*) filter (answers.finish = 'failed') as failed,
        count(*) filter (answers.finish = 'unanswered') as unanswered,
        count(*) filter (answers.cached) as cached,
        count(*) filter (len(answers.memories) > 0) as with_memories,
        coalesce(sum(judgements.thumbs_up), 0)::bigint as thumbs_up,
        coalesce(sum(judgements.thumbs_down), 0)::bigint as thumbs_down,
        coalesce(sum(judgements.edits), 0)::bigint as edits,
        coalesce(sum(judgements.regenerations_won), 0)::bigint as regenerations_won,
        coalesce(sum(judgements.regenerations_lost), 0)::bigint as regenerations_lost,
        count(judgements.is_good) as judged,
        avg(judgements.is_good::int) as good,
        quantile_cont(answers.seconds, 0.5) filter (answers.is_timed) as seconds_p50,
        quantile_cont(answers.seconds, 0.95) filter (answers.is_timed) as seconds_p95,
        quantile_cont(answers.first_seconds, 0.5) filter (answers.is_timed) as first_seconds_p50,
        quantile_cont(answers.first_seconds, 0.95) filter (answers.is_timed) as first_seconds_p95,
        sum(answers.completion_tokens) filter (answers.is_timed and answers.seconds is not null)
        / nullif(
            sum(answers.seconds) filter (answers.is_timed and answers.completion_tokens is not null), 0
        ) as tokens_per_second,
        min(answers.asked_at) as first_at,
        max(answers.asked_at) as last_at
    from answers
    left join judgements on answers.answer_id = judgements.answer_id
    group by answers.served_name, answers.role
),

spread as (
    select
        *,
        1.959963984540054 as z,
        (good + z * z / (2 * judged)) / (1 + z * z / judged) as centre,
        z * sqrt(good * (1 - good) / judged + z * z / (4 * judged * judged)) / (1 + z * z / judged)
            as half
    from counted
)

select
    served_name,
    adapter_id,
    role,
    people,
    conversations,
    answers,
    whole,
    too_long,
    cut,
    failed,
    unanswered,
    cached,
    with_memories,
    thumbs_up,
    thumbs_down,
    edits,
    regenerations_won,
    regenerations_lost,
    judged,
    good,
    if(judged > 0, greatest(least(centre - half, good), 0), null) as good_low,
    if(judged > 0, least(greatest(centre + half, good), 1), null) as good_high,
    seconds_p50,
    seconds_p95,
    first_seconds_p50,
    first_seconds_p95,
    tokens_per_second,
    first_at,
    last_at
from spread
order by last_at desc, served_name, role
