-- asset: evaluations_samples
-- returns every item that training has seen and that a suite scored all the same
select samples.evaluation_id, samples.suite, samples.item_id
from evaluations_samples as samples
semi join evaluations_samples as seen
    on seen.suite = 'contamination'
    and seen.evaluation_id = samples.evaluation_id
    and seen.item_id = samples.suite || '/' || samples.item_id
