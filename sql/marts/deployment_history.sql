-- one row per change of what is served, newest first, and what was answered by it
-- A champion is replaced by the next one; a canary (`share`) ends with any later row.
with deployments as (
    select
        *,
        lead(deployed_at) over (order by deployed_at, deployment_id) as next_at,
        lead(deployed_at) over (partition by share is null order by deployed_at, deployment_id) as next_like_it
    from deployments_history
),

answers as (
    select
        stg_requests.deployment_id,
        count(distinct stg_requests.user_id) as people,
        count(*) as answers,
        count(judgements.is_good) as judged,
        avg(judgements.is_good::int) as good,
        quantile_cont(stg_requests.seconds, 0.95) filter (stg_requests.is_timed) as seconds_p95
    from stg_requests
    left join stg_judgements as judgements on stg_requests.answer_id = judgements.answer_id
    group by stg_requests.deployment_id
)

select
    deployments.deployed_at,
    deployments.served_name,
    deployments.adapter_id,
    deployments.from_adapter_id,
    deployments.evaluation_id,
    deployments.decided_by,
    deployments.reason,
    deployments.probe_difference,
    deployments.share,
    if(deployments.share is null, deployments.next_like_it, deployments.next_at) as replaced_at,
    coalesce(answers.people, 0) as people,
    coalesce(answers.answers, 0) as answers,
    coalesce(answers.judged, 0) as judged,
    answers.good,
    answers.seconds_p95
from deployments
left join answers on deployments.deployment_id = answers.deployment_id
order by deployments.deployed_at desc
