-- asset: deployments_history
-- returns every deployment whose adapter no gate has passed
select
    deployments_history.deployment_id,
    deployments_history.adapter_id
from deployments_history
left join evaluations_verdicts
    on deployments_history.evaluation_id = evaluations_verdicts.evaluation_id
    and evaluations_verdicts.passed
where evaluations_verdicts.evaluation_id is null
