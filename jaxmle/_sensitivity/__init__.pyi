from ._bound_effects import Effect as Effect
from ._bound_effects import effects_of as effects_of
from ._bound_scan import BoundScan as BoundScan
from ._moved_bounds import MARGIN as MARGIN
from ._sensitivity import Sensitivity as Sensitivity
from ._sensitivity import check_over as check_over
from ._sensitivity import scanned as scanned
from ._sensitivity import sensitivity as sensitivity
