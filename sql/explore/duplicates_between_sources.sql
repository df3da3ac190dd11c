-- Which sources repeat each other, or themselves?
-- grain: one row per pair of sources that have a cluster of near-duplicates in common
with members as (
    select distinct cluster_id, source, dialogue_id as member, 0 as dropped
    from main.cleaned_dialogues
    union all
    select cluster_id, source, record_id as member, 1 as dropped
    from main.cleaned_dropped
    where grain = 'dialogue' and cluster_id != ''
),

clusters as (
    select cluster_id, source, count(*) as dialogues, sum(dropped) as dropped
    from members
    group by cluster_id, source
)

select
    one.source,
    other.source as other_source,
    count(*) as clusters,
    sum(one.dialogues)::bigint as dialogues,
    sum(other.dialogues)::bigint as other_dialogues,
    sum(case when one.source = other.source then one.dropped else one.dropped + other.dropped end)::bigint as dropped
from clusters as one
inner join clusters as other
    on one.cluster_id = other.cluster_id
    and (one.source < other.source or (one.source = other.source and one.dialogues > 1))
group by one.source, other.source
order by clusters desc, one.source, other.source
