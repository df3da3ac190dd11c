-- one row per canary: who was tried on a share of people against whom, from when until when
-- Any later row of the history ends one: its own end, another share, another adapter for everyone.
with history as (
    select
        *,
        lead(deployed_at) over (order by deployed_at, deployment_id) as ended_at
    from deployments_history
)

select
    deployment_id as canary_id,
    served_name as challenger,
    case from_adapter_id when '' then 'base' else 'steppe@' || left(from_adapter_id, 12) end as champion,
    share,
    reason,
    deployed_at as began_at,
    ended_at
from history
where share > 0
