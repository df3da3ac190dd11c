-- one row per answer that people judged: how often and how, and whether their last word was good
-- Good: a thumb up, or chosen before another answer; not good: a thumb down, edited, or not chosen.
with said as (
    select
        answer_id,
        case
            when origin = 'edit' then 'edit'
            when origin = 'regeneration' then 'won'
            when chosen = '' then 'down'
            else 'up'
        end as judgement,
        decided_at,
        preference_id
    from self_chats_preferences
    where origin in ('thumb', 'edit', 'regeneration')
    union all
    select rejected_answer_id as answer_id, 'lost' as judgement, decided_at, preference_id
    from self_chats_preferences
    where origin = 'regeneration'
)

select
    answer_id,
    count(*) filter (judgement = 'up') as thumbs_up,
    count(*) filter (judgement = 'down') as thumbs_down,
    count(*) filter (judgement = 'edit') as edits,
    count(*) filter (judgement = 'won') as regenerations_won,
    count(*) filter (judgement = 'lost') as regenerations_lost,
    last(judgement in ('up', 'won') order by decided_at, preference_id) as is_good
from said
where answer_id != ''
group by answer_id
