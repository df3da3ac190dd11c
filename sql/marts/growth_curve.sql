-- one row per adapter in the order of training: how the person's own dialogues and questions came
-- to be known, and which of the adapters were let through
with gated as (
    select *
    from evaluations_verdicts
    where decided_by is distinct from 'person'
    qualify row_number() over (partition by adapter_id order by decided_at desc) = 1
),

scores as (
    select
        evaluation_id,
        max(value) filter (where suite = 'exact' and metric = 'exact') as exact,
        max(value) filter (where suite = 'held_out') as held_out_nats,
        max(value) filter (where suite = 'anchor' and metric = 'exact') as anchor_exact
    from evaluations_scores
    where model_id = adapter_id
    group by evaluation_id
)

select
    row_number() over (order by adapters.created_at) as turn,
    adapters.adapter_id,
    gated.champion_id,
    gated.passed,
    adapters.train_rows,
    scores.exact,
    scores.held_out_nats,
    scores.anchor_exact,
    gated.improvement,
    gated.low,
    gated.high,
    adapters.created_at
from adapters_versions as adapters
left join gated
    on adapters.adapter_id = gated.adapter_id
left join scores
    on gated.evaluation_id = scores.evaluation_id
order by adapters.created_at
