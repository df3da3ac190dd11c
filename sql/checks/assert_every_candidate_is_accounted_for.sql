-- asset: adapters_training_sets
-- candidates = taken + left out, each with one reason: returns each that is not, for the newest training set
-- What came into the lake after the set was frozen was no candidate of it.
with newest as (
    select training_set_id, source_table, dialogue_id, revision, role, frozen_at
    from adapters_training_sets
    where training_set_id = (
        select arg_max(training_set_id, frozen_at) from adapters_training_sets
    )
),

left_out as (
    select source_table, dialogue_id, revision
    from adapters_left_out
    where training_set_id in (select training_set_id from newest)
),

considered as (
    -- a set of choices looks at no dialogue, unless its recipe says so
    select unnest(
        if(role = 'preference', ['cleaned_preferences', 'self_chats_preferences'], ['cleaned_dialogues', 'self_chats_dialogues'])
    ) as source_table
    from newest
    union
    select source_table from left_out
),

frozen as (
    select max(frozen_at) as frozen_at from newest
),

candidates as (
    select source_table, dialogue_id, revision, day from stg_training_candidates
    union all
    select source_table, preference_id as dialogue_id, '' as revision, day from stg_preferences
),

fates as (
    select distinct source_table, dialogue_id, revision, 'taken' as fate
    from newest
    where source_table in (from considered) and dialogue_id != ''
    union all
    select source_table, dialogue_id, revision, 'left out' as fate from left_out
),

counted as (
    select source_table, dialogue_id, revision, count(*) as fates from fates group by all
),

known as (
    select distinct candidates.source_table, candidates.dialogue_id, candidates.revision
    from candidates
    inner join meta.partitions
        on candidates.source_table = partitions.table_name
        and candidates.day = partitions.day
    cross join frozen
    where
        candidates.source_table in (from considered)
        and partitions.written_at <= frozen.frozen_at
)

select
    coalesce(known.source_table, counted.source_table) as source_table,
    coalesce(known.dialogue_id, counted.dialogue_id) as dialogue_id,
    coalesce(known.revision, counted.revision) as revision,
    coalesce(counted.fates, 0) as fates
from known
full outer join counted
    on known.source_table = counted.source_table
    and known.dialogue_id = counted.dialogue_id
    and known.revision = counted.revision
where
    (known.dialogue_id is not null and counted.fates is null)
    or counted.fates > 1
