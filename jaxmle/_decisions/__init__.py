"""What to do next: how much rests on a bound, what to label, whether two systems or a judge differ."""

from jaxmle._decisions._compare import Difference as Difference
from jaxmle._decisions._compare import JudgeRates as JudgeRates
from jaxmle._decisions._compare import compare as compare
from jaxmle._decisions._drift import Drift as Drift
from jaxmle._decisions._drift import RateDrift as RateDrift
from jaxmle._decisions._drift import drift as drift
from jaxmle._decisions._effects import Effect as Effect
from jaxmle._decisions._pairs import Pairs as Pairs
from jaxmle._decisions._plan import LabelOption as LabelOption
from jaxmle._decisions._plan import Plan as Plan
from jaxmle._decisions._plan import plan as plan
from jaxmle._decisions._sensitivity import Sensitivity as Sensitivity
from jaxmle._decisions._sensitivity import sensitivity as sensitivity
