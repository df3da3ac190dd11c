-- one row per dialogue or self-chat that no training set may hold, and why, without its words
select
    source_table,
    dialogue_id,
    revision,
    source,
    reason
from stg_training_candidates
where reason != ''
