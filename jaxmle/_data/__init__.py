"""What goes in: counts of verdicts, bounds on the judge, and the three parameters."""

from jaxmle._data._bounds import Bounds as Bounds
from jaxmle._data._clusters import Clusters as Clusters
from jaxmle._data._counts import Counts as Counts
from jaxmle._data._params import Params as Params
from jaxmle._data._problem import Problem as Problem
from jaxmle._data._problem import joined as joined
from jaxmle._data._validation import Calibration as Calibration
from jaxmle._data._validation import check_calibration as check_calibration
from jaxmle._data._validation import check_confidence as check_confidence
