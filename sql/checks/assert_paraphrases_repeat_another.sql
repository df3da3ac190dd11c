-- asset: embeddings_duplicates
-- returns every paraphrase of itself, of what was not kept that day, or whose likeness is no cosine
select
    embeddings_duplicates.day,
    embeddings_duplicates.dialogue_id,
    embeddings_duplicates.revision,
    embeddings_duplicates.similarity
from embeddings_duplicates
left join cleaned_dialogues
    on embeddings_duplicates.day = cleaned_dialogues.day
    and embeddings_duplicates.revision = cleaned_dialogues.revision
where
    embeddings_duplicates.dialogue_id = embeddings_duplicates.paraphrase_of
    or cleaned_dialogues.revision is null
    or not (embeddings_duplicates.similarity between -1.001 and 1.001)
