-- one row per adapter and stage: what it took in tokens, seconds and energy; null where nothing tells
-- Self-chats are counted twice: what the adapter's set holds, and all that was generated, kept or
-- not, on the days that these come from (`*_of_days`), for a kept one costs the refused ones too.
with adapters as (
    select * from adapters_versions
),

held as (
    -- the self-chats a set learns from, as dialogues or by a choice that one of them left
    select distinct adapters.adapter_id, rows_of.dialogue_id
    from adapters
    inner join adapters_training_sets as rows_of on adapters.training_set_id = rows_of.training_set_id
    where rows_of.source_table = 'self_chats_dialogues'
    union
    select distinct adapters.adapter_id, choices.dialogue_id
    from adapters
    inner join adapters_training_sets as rows_of on adapters.training_set_id = rows_of.training_set_id
    inner join self_chats_preferences as choices on rows_of.dialogue_id = choices.preference_id
    where rows_of.source_table = 'self_chats_preferences'
),

generated as (
    select day, dialogue_id, tokens, seconds from stg_self_chats
),

own as (
    select
        held.adapter_id,
        sum(generated.tokens) as tokens,
        sum(generated.seconds) as seconds
    from held
    inner join generated on held.dialogue_id = generated.dialogue_id
    group by held.adapter_id
),

days as (
    select distinct held.adapter_id, generated.day
    from held
    inner join generated on held.dialogue_id = generated.dialogue_id
),

whole as (
    select
        days.adapter_id,
        sum(generated.tokens) as tokens,
        sum(generated.seconds) as seconds
    from days
    inner join generated on days.day = generated.day
    group by days.adapter_id
),

talking as (
    select
        own.adapter_id,
        'self_chats' as stage,
        own.tokens::bigint as tokens,
        own.seconds,
        null::double as cpu_seconds,
        null::double as gpu_seconds,
        null::double as energy_joules,
        whole.tokens::bigint as tokens_of_days,
        whole.seconds as seconds_of_days
    from own
    left join whole on own.adapter_id = whole.adapter_id
),

learning as (
    select
        adapter_id,
        'adapters' as stage,
        tokens,
        seconds,
        cpu_seconds,
        -- busy from first to last, every one: `2 x NVIDIA H100` counts twice (models.execution.devices)
        case
            when coalesce(device, '') = '' then null
            when device = 'cpu' then 0.0
            else seconds * coalesce(try_cast(regexp_extract(device, '^(\d+) x ', 1) as integer), 1)
        end as gpu_seconds,
        energy_joules,
        null::bigint as tokens_of_days,
        null::double as seconds_of_days
    from adapters
),

judging as (
    select
        adapter_id,
        'evaluations' as stage,
        sum(tokens)::bigint as tokens,
        sum(seconds) as seconds,
        sum(cpu_seconds) as cpu_seconds,
        null::double as gpu_seconds,
        null::double as energy_joules,
        null::bigint as tokens_of_days,
        null::double as seconds_of_days
    from evaluations_verdicts
    where decided_by is distinct from 'person' and adapter_id in (select adapter_id from adapters)
    group by adapter_id
),

unioned as (
    select * from talking
    union all
    select * from learning
    union all
    select * from judging
)

select unioned.*
from unioned
inner join adapters on unioned.adapter_id = adapters.adapter_id
order by
    adapters.created_at desc,
    unioned.adapter_id,
    list_position(['self_chats', 'adapters', 'evaluations'], unioned.stage)
