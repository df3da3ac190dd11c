-- What was each adapter taught, and where does it come from?
-- grain: one row per training set, adapter, role and source
with sources as (
    select distinct dialogue_id, source from main.cleaned_dialogues
    union all
    select dialogue_id, method as source from main.self_chats_dialogues
),

rows_of as (
    select
        adapters_training_sets.* exclude (source),
        coalesce(nullif(adapters_training_sets.source, ''), sources.source, source_table) as source
    from main.adapters_training_sets
    left join sources on adapters_training_sets.dialogue_id = sources.dialogue_id
)

select
    rows_of.training_set_id,
    adapters_versions.adapter_id,
    rows_of.role,
    rows_of.source,
    count(*) as rows,
    count(distinct rows_of.dialogue_id) as dialogues,
    round(sum(rows_of.weight), 2) as weight,
    round(sum(rows_of.weight) / sum(sum(rows_of.weight)) over (
        partition by rows_of.training_set_id, adapters_versions.adapter_id
    ), 4) as weight_share,
    max(rows_of.frozen_at) as frozen_at
from rows_of
left join main.adapters_versions on rows_of.training_set_id = adapters_versions.training_set_id
group by rows_of.training_set_id, adapters_versions.adapter_id, rows_of.role, rows_of.source
order by frozen_at desc, rows_of.training_set_id, adapters_versions.adapter_id, rows desc, role, source
