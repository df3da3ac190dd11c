-- asset: deployments_history
-- returns every deployment whose adapter no gate has passed, and every canary of one that never passed
-- A share of 0 ends a canary, so it serves nobody.
select
    deployments_history.deployment_id,
    deployments_history.adapter_id
from deployments_history
left join evaluations_verdicts
    on evaluations_verdicts.passed
    and (
        deployments_history.evaluation_id = evaluations_verdicts.evaluation_id
        or (
            deployments_history.share is not null
            and deployments_history.adapter_id = evaluations_verdicts.adapter_id
        )
    )
where evaluations_verdicts.evaluation_id is null and coalesce(deployments_history.share, 1) > 0
