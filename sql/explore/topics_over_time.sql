-- What did I talk about each month more than at other times?
-- grain: one row per month and word, ten words a month
-- score: dialogues of the month with the word times ln(its share in the month / its share overall)
with said as materialized (
    select date_trunc('month', day)::date as month, word, dialogue_id from main.stg_words
),

months as (
    select month, word, count(*) as dialogues from said group by month, word
),

sizes as (
    select month, count(distinct dialogue_id) as dialogues from said group by month
),

overall as (
    select
        word,
        count(*) / (select sum(dialogues) from sizes) as share
    from said
    group by word
)

select
    months.month,
    months.word,
    months.dialogues,
    round(months.dialogues / sizes.dialogues, 4) as share,
    round(overall.share, 4) as share_overall,
    round(months.dialogues * ln(months.dialogues / sizes.dialogues / overall.share), 2) as score
from months
inner join sizes on months.month = sizes.month
inner join overall on months.word = overall.word
qualify row_number() over (
    partition by months.month order by score desc, months.dialogues desc, months.word
) <= 10
order by months.month, score desc, months.dialogues desc, months.word
