-- What was dropped, and why? From files that could not be read to self-chats that were refused.
-- grain: one row per stage, grain of what was dropped, source, rule and reason
-- share: of the dialogues, preferences or self-chats that the source gave
with received as (
    select source, 'dialogue' as grain, count(*) as records from main.raw_records group by source
    union all
    select source, 'preference' as grain, count(*) as records from main.raw_preferences group by source
    union all
    select method as source, 'dialogue' as grain, count(*) as records from main.stg_self_chats group by method
),

dropped as (
    select 'raw' as stage, 'record' as grain, null as source, 'reader' as rule, reason, null as example, day
    from main.raw_quarantined
    union all
    select 'cleaned' as stage, grain, source, rule, reason, excerpt as example, day
    from main.cleaned_dropped
    union all
    select
        'self_chats' as stage,
        'dialogue' as grain,
        method as source,
        'filter' as rule,
        reason,
        messages[-1].content as example,
        day
    from main.stg_self_chats
    where fate = 'dropped'
)

select
    dropped.stage,
    dropped.grain,
    dropped.source,
    dropped.rule,
    dropped.reason,
    count(*) as times,
    round(count(*) / any_value(received.records), 4) as share,
    max(dropped.day) as last_day,
    min(dropped.example) filter (dropped.example != '') as example
from dropped
left join received
    on dropped.source = received.source
    and dropped.grain = received.grain
group by dropped.stage, dropped.grain, dropped.source, dropped.rule, dropped.reason
order by times desc, dropped.stage, dropped.source, dropped.rule, dropped.reason
