-- one row per training set, newest first: how much it holds and left out, and which adapter it made
with sets as (
    select
        training_set_id,
        any_value(recipe_id) as recipe_id,
        count(*) as rows,
        count(*) filter (role = 'new') as new,
        count(*) filter (role = 'replay') as replay,
        count(*) filter (role = 'self') as self_chats,
        count(*) filter (role = 'preference') as preferences,
        sum(tokens * weight) as tokens_told,
        max(ancestry_depth) as deepest,
        max(frozen_at) as frozen_at
    from adapters_training_sets
    group by training_set_id
),

left_out as (
    select training_set_id, count(*) as left_out
    from adapters_left_out
    group by training_set_id
),

made as (
    select training_set_id, arg_max(adapter_id, trained_at) as adapter_id
    from (
        select training_set_id, adapter_id, trained_at from adapters_trainings
        union all
        -- a home of before that table
        select training_set_id, adapter_id, created_at from adapters_versions
    )
    group by training_set_id
)

select
    sets.training_set_id,
    made.adapter_id,
    sets.recipe_id,
    sets.rows,
    sets.new,
    sets.replay,
    sets.self_chats,
    sets.preferences,
    coalesce(left_out.left_out, 0) as left_out,
    sets.tokens_told,
    sets.deepest,
    sets.frozen_at
from sets
left join left_out on sets.training_set_id = left_out.training_set_id
left join made on sets.training_set_id = made.training_set_id
order by sets.frozen_at desc, sets.training_set_id
