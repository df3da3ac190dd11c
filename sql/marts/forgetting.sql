-- one row per judgement of the gate: what was gained, and what of the anchor was lost for it
with anchor as (
    select
        evaluation_id,
        model_id = adapter_id as is_challenger,
        max(value) filter (where metric = 'exact') as exact,
        max(value) filter (where metric = 'nats_per_token') as nats
    from evaluations_scores
    where suite = 'anchor'
    group by evaluation_id, is_challenger
)

select
    verdicts.evaluation_id,
    verdicts.adapter_id,
    verdicts.champion_id,
    verdicts.passed,
    verdicts.improvement,
    before.exact as exact_before,
    after.exact as exact_after,
    before.exact - after.exact as forgotten,
    after.nats - before.nats as nats_risen,
    verdicts.decided_at
from evaluations_verdicts as verdicts
inner join anchor as before
    on verdicts.evaluation_id = before.evaluation_id and not before.is_challenger
inner join anchor as after
    on verdicts.evaluation_id = after.evaluation_id and after.is_challenger
order by verdicts.decided_at
