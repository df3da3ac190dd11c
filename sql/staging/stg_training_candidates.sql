-- one row per dialogue or self-chat that a training set could hold, and why it may not
-- `reason` is empty where it may; what a recipe, a budget or a suite leaves out comes after.
with explored as (
    select distinct dialogue_id from cleaned_dialogues where consent = 'explore'
),

held_out as (
    select distinct dialogue_id, revision from cleaned_dialogues where split != 'train'
),

unfit as (
    select
        stg_ancestors.dialogue_id,
        bool_or(explored.dialogue_id is not null) as is_explored,
        bool_or(held_out.dialogue_id is not null) as is_held_out
    from stg_ancestors
    left join explored on stg_ancestors.ancestor = explored.dialogue_id
    left join held_out on stg_ancestors.ancestor = held_out.dialogue_id
    group by stg_ancestors.dialogue_id
),

done as (
    select session_id from self_chats_sessions where state = 'done'
),

repeated as (
    select distinct dialogue_id, revision from embeddings_duplicates
),

dialogues as (
    select
        'cleaned_dialogues' as source_table,
        stg_dialogues.dialogue_id,
        stg_dialogues.revision,
        source,
        0 as ancestry_depth,
        '' as generator,
        '' as judge,
        messages,
        day,
        case
            -- what the model said itself, and nobody judged
            when source = 'gateway' then 'own_answers'
            when split != 'train' then 'held_out'
            when consent != 'granted' then 'no_consent'
            when repeated.dialogue_id is not null then 'paraphrase'
            else ''
        end as reason
    from stg_dialogues
    left join repeated
        on stg_dialogues.dialogue_id = repeated.dialogue_id
        and stg_dialogues.revision = repeated.revision
),

self_chats as (
    select
        'self_chats_dialogues' as source_table,
        self_chats_dialogues.dialogue_id,
        self_chats_dialogues.revision,
        method as source,
        coalesce(ancestry_depth, 1) as ancestry_depth,
        coalesce(generator, '') as generator,
        coalesce(judge, '') as judge,
        messages,
        day,
        case
            when unfit.is_explored then 'no_consent'
            when unfit.is_held_out then 'held_out'
            -- it says what such a dialogue says
            when revision in (select revision from cleaned_dialogues where consent = 'explore') then 'no_consent'
            when revision in (select revision from held_out) then 'held_out'
            -- of a session that was stopped, or killed before it closed
            when session_id != '' and session_id not in (from done) then 'session_not_done'
            else ''
        end as reason
    from self_chats_dialogues
    left join unfit on self_chats_dialogues.dialogue_id = unfit.dialogue_id
)

select * from dialogues
union all
select * from self_chats
