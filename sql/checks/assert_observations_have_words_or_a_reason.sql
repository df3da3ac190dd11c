-- asset: embeddings_observations
-- returns every observation with neither words nor a reason, or with both, or without a source
select day, dialogue_id, revision, position, kind, reason
from embeddings_observations
where
    (text = '') != (reason != '')
    or (reason = '' and (len(sources) = 0 or importance not between 1 and 10))
    or kind not in ('fact', 'summary')
