from ._further_labels import plan_further as plan_further
from ._further_labels import posterior_rates as posterior_rates
from ._plan import LabelOption as LabelOption
from ._plan import Plan as Plan
from ._plan import first_estimate as first_estimate
from ._plan import plan as plan
from ._precision import MIN_LABELS as MIN_LABELS
from ._precision import Precision as Precision
