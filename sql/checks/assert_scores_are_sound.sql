-- asset: evaluations_scores
-- returns every score whose interval is upside down, or whose coverage is no share
select evaluation_id, suite, model_id, metric, low, high, coverage
from evaluations_scores
where low > high or not (coverage between 0 and 1)
