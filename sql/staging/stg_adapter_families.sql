-- one row per adapter and one training set that taught it, or an adapter that it learned on from
with recursive families as (
    select
        adapter_id,
        training_set_id,
        parent_adapter_id
    from adapters_versions
    union
    select
        families.adapter_id,
        parents.training_set_id,
        parents.parent_adapter_id
    from families
    inner join adapters_versions as parents
        on families.parent_adapter_id = parents.adapter_id
)

select distinct
    adapter_id,
    training_set_id
from families
