-- one row per canary and measure: the challenger beside the champion over the same time, newest first
-- A measure is a share of answers. `slow` and `slow_to_begin`: more seconds than the median answer of
-- both sides together, `than_seconds` (Brown and Mood 1951).
-- The difference is challenger - champion, its 95 % interval Newcombe's (1998, Statistics in Medicine
-- 17:873, method 10) from two of Wilson's. People are drawn, not answers, and answers of one person are
-- alike, so what enters it is n over the design effect by person (Rao and Scott 1992, Biometrics
-- 48:577), never more than n.
-- `too few`: fewer than five people on a side have such an answer; with five and more the interval
-- holds the truth in .90 to .99 of draws (without the design effect .77 and more) in the 32 arms of
-- tests/benchmarks/canary.py; sides of very different size, or rare events, can do worse (.74 seen).
with canaries as (
    select * from stg_canaries
),

judgements as (
    select * from stg_judgements
),

answers as (
    select
        canaries.canary_id,
        if(stg_requests.role = 'canary', 'challenger', 'champion') as side,
        stg_requests.*
    from canaries
    inner join stg_requests
        on stg_requests.asked_at >= canaries.began_at
        and (stg_requests.asked_at < canaries.ended_at or canaries.ended_at is null)
        and (
            (stg_requests.role = 'canary' and stg_requests.served_name = canaries.challenger)
            or (stg_requests.role = 'champion' and stg_requests.served_name = canaries.champion)
        )
),

medians as (
    select
        canary_id,
        median(seconds) filter (is_timed) as seconds,
        median(first_seconds) filter (is_timed) as first_seconds
    from answers
    group by canary_id
),

measures as (
    select
        canaries.canary_id,
        unnest(['good', 'whole', 'too_long', 'cut', 'failed', 'slow', 'slow_to_begin']) as measure,
        unnest([true, true, false, false, false, false, false]) as more_is_better,
        unnest([null, null, null, null, null, medians.seconds, medians.first_seconds]) as than_seconds
    from canaries
    left join medians on canaries.canary_id = medians.canary_id
),

seen as (
    select
        measures.canary_id,
        measures.measure,
        answers.side,
        answers.user_id,
        case measures.measure
            when 'good' then judgements.is_good
            when 'whole' then answers.is_whole
            when 'too_long' then answers.finish = 'length'
            when 'cut' then answers.finish = 'cut'
            when 'failed' then answers.finish = 'failed'
            when 'slow' then if(answers.is_timed, answers.seconds > measures.than_seconds, null)
            when 'slow_to_begin'
                then if(answers.is_timed, answers.first_seconds > measures.than_seconds, null)
        end::int as holds
    from measures
    inner join answers on measures.canary_id = answers.canary_id
    left join judgements on answers.answer_id = judgements.answer_id
),

people as (
    select canary_id, measure, side, user_id, sum(holds)::double as held, count(holds)::double as n
    from seen
    where holds is not null
    group by canary_id, measure, side, user_id
),

shares as (
    select
        canary_id,
        measure,
        side,
        count(*) as people,
        sum(n) as n,
        sum(held) / sum(n) as share,
        sum(held * held) as held_held,
        sum(held * n) as held_n,
        sum(n * n) as n_n
    from people
    group by canary_id, measure, side
),

effects as (
    select
        *,
        (held_held - 2 * share * held_n + share * share * n_n) * people / nullif(people - 1, 0)
        / nullif(n * share * (1 - share), 0) as design_effect,
        n / greatest(coalesce(design_effect, 1), 1) as m
    from shares
),

spread as (
    select
        *,
        1.959963984540054 as z,
        (share + z * z / (2 * m)) / (1 + z * z / m) as centre,
        z * sqrt(share * (1 - share) / m + z * z / (4 * m * m)) / (1 + z * z / m) as half,
        least(centre - half, share) as low,
        greatest(centre + half, share) as high
    from effects
),

beside as (
    select
        measures.canary_id,
        measures.measure,
        measures.more_is_better,
        measures.than_seconds,
        coalesce(challenger.people, 0) as challenger_people,
        coalesce(challenger.n, 0)::bigint as challenger_n,
        challenger.share as challenger_share,
        coalesce(champion.people, 0) as champion_people,
        coalesce(champion.n, 0)::bigint as champion_n,
        champion.share as champion_share,
        challenger.share - champion.share as difference,
        challenger_people >= 5 and champion_people >= 5 as is_enough,
        case when is_enough then difference - sqrt(
            pow(challenger.share - challenger.low, 2) + pow(champion.high - champion.share, 2)
        ) end as low,
        case when is_enough then difference + sqrt(
            pow(challenger.high - challenger.share, 2) + pow(champion.share - champion.low, 2)
        ) end as high
    from measures
    left join spread as challenger
        on measures.canary_id = challenger.canary_id
        and measures.measure = challenger.measure
        and challenger.side = 'challenger'
    left join spread as champion
        on measures.canary_id = champion.canary_id
        and measures.measure = champion.measure
        and champion.side = 'champion'
)

select
    canaries.canary_id,
    canaries.challenger,
    canaries.champion,
    canaries.share,
    canaries.began_at,
    canaries.ended_at,
    beside.measure,
    beside.than_seconds,
    beside.challenger_people,
    beside.challenger_n,
    beside.challenger_share,
    beside.champion_people,
    beside.champion_n,
    beside.champion_share,
    beside.difference,
    beside.low,
    beside.high,
    case
        when not beside.is_enough then 'too few'
        when beside.low <= 0 and beside.high >= 0 then 'not told apart'
        when (beside.low > 0) = beside.more_is_better then 'better'
        else 'worse'
    end as word
from canaries
inner join beside on canaries.canary_id = beside.canary_id
order by
    canaries.began_at desc,
    list_position(
        ['good', 'whole', 'too_long', 'cut', 'failed', 'slow', 'slow_to_begin'], beside.measure
    )
