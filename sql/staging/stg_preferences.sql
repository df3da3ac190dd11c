-- one row per choice between two answers, made by people, judges or methods, and whether it may teach
-- `reason` is empty where it may; `split` is null where nothing it grew from is held out.
with made as (
    select
        'cleaned_preferences' as source_table,
        '' as session_id,
        preference_id,
        source,
        origin,
        '' as user_id,
        '' as generator,
        '' as judge,
        0 as ancestry_depth,
        []::varchar[] as parents,
        prompt,
        chosen,
        rejected,
        coalesce(consent, 'granted') as consent,
        coalesce(split, 'train') as split,
        null::timestamptz as decided_at,
        day
    from cleaned_preferences
    union all
    select
        'self_chats_preferences' as source_table,
        coalesce(session_id, '') as session_id,
        preference_id,
        origin as source,
        origin,
        coalesce(user_id, '') as user_id,
        coalesce(generator, '') as generator,
        coalesce(judge, '') as judge,
        coalesce(ancestry_depth, 0) as ancestry_depth,
        list_distinct(list_append(coalesce(parents, []), coalesce(dialogue_id, ''))) as parents,
        prompt,
        coalesce(chosen, '') as chosen,
        coalesce(rejected, '') as rejected,
        'granted' as consent,
        null as split,
        decided_at,
        day
    from self_chats_preferences
),

grown as (
    select source_table, preference_id, unnest(parents) as ancestor from made
),

kin as (
    select source_table, preference_id, ancestor from grown
    union
    select grown.source_table, grown.preference_id, stg_ancestors.ancestor
    from grown
    inner join stg_ancestors on grown.ancestor = stg_ancestors.dialogue_id
),

origins as (
    select
        kin.source_table,
        kin.preference_id,
        bool_or(dialogues.consent = 'explore') as is_explored,
        min(dialogues.split) filter (dialogues.split != 'train') as split,
        min(coalesce(dialogues.cluster_id, dialogues.dialogue_id)) as family
    from kin
    inner join cleaned_dialogues as dialogues on kin.ancestor = dialogues.dialogue_id
    group by kin.source_table, kin.preference_id
),

done as (
    select session_id from self_chats_sessions where state = 'done'
),

private as (
    select person_id from stg_people where consent = 'explore'
)

select
    made.source_table,
    made.preference_id,
    made.source,
    made.origin,
    made.generator,
    made.judge,
    made.ancestry_depth,
    made.prompt,
    made.chosen,
    made.rejected,
    coalesce(origins.split, made.split) as split,
    coalesce(origins.family, nullif(list_min(list_filter(made.parents, lambda p: p != '')), '')) as family,
    case
        when made.consent != 'granted' or origins.is_explored then 'no_consent'
        when made.user_id in (from private) then 'no_consent'
        when made.session_id != '' and made.session_id not in (from done) then 'session_not_done'
        else ''
    end as reason,
    made.decided_at,
    made.day
from made
left join origins
    on made.source_table = origins.source_table
    and made.preference_id = origins.preference_id
