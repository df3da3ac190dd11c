-- one row per adapter: what made it, what the gate said, what stands, how it scored
with adapters as (
    select * from adapters_versions
),

verdicts as (
    select *
    from evaluations_verdicts
    where decided_by is distinct from 'person'
    qualify row_number() over (partition by adapter_id order by decided_at desc) = 1
),

standing as (
    select adapter_id, passed as may_be_served, coalesce(decided_by, 'gate') as decided_by
    from evaluations_verdicts
    qualify row_number() over (partition by adapter_id order by decided_at desc) = 1
),

judged as (
    select evaluation_id, any_value(value) as win_rate
    from evaluations_scores
    where suite = 'pairwise' and metric = 'win_rate'
    group by evaluation_id
),

exactness as (
    select adapter_id, suite, max(value) as exact, any_value(n) as n
    from evaluations_scores
    where metric = 'exact' and suite in ('exact', 'anchor') and model_id = adapter_id
    group by adapter_id, suite
),

best as (
    select
        adapter_id,
        string_agg(suite || ' ' || round(100 * exact, 1) || ' % of ' || n, '; ' order by suite) as exact
    from exactness
    group by adapter_id
)

select
    adapters.adapter_id,
    adapters.base_model,
    adapters.recipe,
    adapters.training_set_id,
    adapters.train_rows,
    adapters.train_loss,
    adapters.seconds,
    verdicts.passed,
    verdicts.improvement,
    verdicts.low,
    verdicts.high,
    verdicts.failed,
    verdicts.candidate,
    standing.may_be_served,
    standing.decided_by,
    judged.win_rate,
    best.exact,
    adapters.created_at
from adapters
left join verdicts
    on adapters.adapter_id = verdicts.adapter_id
left join standing
    on adapters.adapter_id = standing.adapter_id
left join judged
    on verdicts.evaluation_id = judged.evaluation_id
left join best
    on adapters.adapter_id = best.adapter_id
order by adapters.created_at desc
