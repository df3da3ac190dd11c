-- asset: adapters_versions
-- returns every adapter whose training set is not in the lake row by row
select
    adapters_versions.adapter_id,
    adapters_versions.training_set_id
from adapters_versions
where adapters_versions.training_set_id not in (select training_set_id from adapters_training_sets)
