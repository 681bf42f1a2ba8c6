"""What one would use without the constrained likelihood, over the same counts.

Every function takes `Counts` of any batch shape ``(...)`` and returns an `Interval` of that shape.
None of them uses bounds on the judge. Where an estimator is undefined for some data set the call
raises ``ValueError`` naming the first such slice; it never returns NaN.
"""

from jaxmle._inference import human_only as human_only
from jaxmle._inference import judge_only as judge_only
from jaxmle._inference import post_stratified as post_stratified
from jaxmle._inference import ppi as ppi
from jaxmle._inference import ppi_plus_plus as ppi_plus_plus
from jaxmle._inference import rogan_gladen as rogan_gladen

__all__ = ["human_only", "judge_only", "post_stratified", "ppi", "ppi_plus_plus", "rogan_gladen"]
