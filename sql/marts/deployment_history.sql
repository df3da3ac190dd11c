-- one row per change of what is served, newest first
with deployments as (
    select * from deployments_history
)

select
    deployed_at,
    served_name,
    adapter_id,
    from_adapter_id,
    evaluation_id,
    decided_by,
    reason,
    probe_difference,
    lead(deployed_at) over (order by deployed_at) as replaced_at
from deployments
order by deployed_at desc
