-- Does what comes in change from week to week?
-- grain: one row per week of intake and measure
-- before: the mean of the eight weeks before; unusual: three standard deviations away from it, told
-- from the fifth week on
with kept as (
    select
        date_trunc('week', day)::date as week,
        count(*) as kept,
        avg((language = 'ru')::int) as russian_share,
        avg(characters) as characters,
        avg(turns) as turns,
        avg(quality) as quality
    from main.cleaned_dialogues
    group by all
),

dropped as (
    select
        date_trunc('week', day)::date as week,
        count(*) as dropped,
        count(*) filter (rule = 'duplicate') as duplicates
    from main.cleaned_dropped
    where grain = 'dialogue'
    group by all
),

weeks as (
    select
        coalesce(kept.week, dropped.week) as week,
        coalesce(kept.kept, 0) + coalesce(dropped.dropped, 0) as dialogues,
        coalesce(dropped.dropped, 0) / dialogues as dropped_share,
        coalesce(dropped.duplicates, 0) / dialogues as duplicate_share,
        kept.russian_share,
        kept.characters,
        kept.turns,
        kept.quality
    from kept
    full outer join dropped on kept.week = dropped.week
),

measured as (
    select week, unnest([
        {'measure': 'dialogues', 'value': dialogues::double},
        {'measure': 'dropped_share', 'value': dropped_share},
        {'measure': 'duplicate_share', 'value': duplicate_share},
        {'measure': 'russian_share', 'value': russian_share},
        {'measure': 'characters', 'value': characters},
        {'measure': 'turns', 'value': turns},
        {'measure': 'quality', 'value': quality}
    ], recursive := true)
    from weeks
),

compared as (
    select
        week,
        measure,
        value,
        avg(value) over earlier as before,
        stddev_samp(value) over earlier as spread,
        count(value) over earlier as weeks
    from measured
    window earlier as (
        partition by measure order by week rows between 8 preceding and 1 preceding
    )
)

select
    week,
    measure,
    round(value, 4) as value,
    round(before, 4) as before,
    weeks >= 4 and abs(value - before) > 3 * spread as unusual
from compared
order by week desc, measure
