-- asset: evaluations_verdicts
-- returns every verdict without a reason, or on an adapter that is neither in the lake nor the bare base
select evaluations_verdicts.evaluation_id, evaluations_verdicts.adapter_id
from evaluations_verdicts
left join adapters_versions
    on evaluations_verdicts.adapter_id = adapters_versions.adapter_id
where
    len(evaluations_verdicts.reasons) = 0
    or (adapters_versions.adapter_id is null and evaluations_verdicts.adapter_id != '')
