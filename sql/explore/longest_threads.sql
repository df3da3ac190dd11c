-- Which of my dialogues are the longest?
-- grain: one row per dialogue, the fifty with most turns
with longest as (
    select
        dialogue_id,
        source,
        title,
        turns,
        characters,
        began_at,
        round(epoch(ended_at - began_at) / 3600, 1) as hours,
        day
    from main.stg_dialogues
)

select * from longest
order by turns desc, characters desc, dialogue_id
limit 50
