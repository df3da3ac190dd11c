-- one row per accepted request: how its answer ended, and by which deployment its adapter answered
-- `role` is `champion` or `canary` of that moment; `by_name` was neither, so it was asked for by name.
with answers as (
    select * from deployments_answers
),

reigns as (
    select
        deployment_id,
        served_name,
        deployed_at as began_at,
        lead(deployed_at) over (order by deployed_at, deployment_id) as ended_at
    from deployments_history
    where share is null
),

canaries as (
    select * from stg_canaries
),

placed as (
    select
        answers.*,
        reigns.deployment_id as reign_id,
        coalesce(reigns.served_name, 'base') as champion,
        canaries.canary_id
    from answers
    left join reigns
        on answers.asked_at >= reigns.began_at
        and (answers.asked_at < reigns.ended_at or reigns.ended_at is null)
    left join canaries
        on answers.served_name = canaries.challenger
        and answers.asked_at >= canaries.began_at
        and (answers.asked_at < canaries.ended_at or canaries.ended_at is null)
)

select
    answer_id,
    conversation_id,
    dialogue_id,
    user_id,
    served_name,
    adapter_id,
    case
        when canary_id is not null then 'canary'
        when served_name = champion and asked_at is not null then 'champion'
        else 'by_name'
    end as role,
    case role when 'canary' then canary_id when 'champion' then coalesce(reign_id, '') else '' end
        as deployment_id,
    finish,
    finish in ('stop', 'tool_calls') as is_whole,
    finish in ('stop', 'tool_calls', 'length') and not coalesce(cached, false) as is_timed,
    prompt_tokens,
    completion_tokens,
    seconds,
    first_seconds,
    memories,
    cached,
    asked_at,
    day
from placed
