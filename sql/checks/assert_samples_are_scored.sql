-- asset: evaluations_samples
-- returns every sample of an evaluation that has no score of its model
select distinct evaluation_id, model_id, suite
from evaluations_samples
anti join evaluations_scores using (evaluation_id, model_id)
