from ._draw_labels import LabelQueue as LabelQueue
from ._draw_labels import draw_labels as draw_labels
from ._plan import LabelOption as LabelOption
from ._plan import Plan as Plan
from ._plan import first_estimate as first_estimate
from ._plan import plan as plan
from ._precision import MIN_LABELS as MIN_LABELS
from ._precision import Precision as Precision
