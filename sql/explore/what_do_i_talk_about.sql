-- What do I talk about? The twenty words that say most about each source.
-- grain: one row per source and word
-- score: tf-idf, dialogues of the source with the word times ln(all dialogues / dialogues with it)
with said as materialized (
    select source, word, dialogue_id from main.stg_words
),

sizes as (
    select count(distinct dialogue_id) as dialogues from said
),

words as (
    select word, count(*) as dialogues from said group by word
),

pairs as (
    select source, word, count(*) as dialogues from said group by source, word
)

select
    pairs.source,
    pairs.word,
    pairs.dialogues,
    round(pairs.dialogues * ln(sizes.dialogues / words.dialogues), 2) as score
from pairs
inner join words on pairs.word = words.word
cross join sizes
qualify row_number() over (
    partition by pairs.source order by score desc, pairs.dialogues desc, pairs.word
) <= 20
order by pairs.source, score desc, pairs.dialogues desc, pairs.word
