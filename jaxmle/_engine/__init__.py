"""How a computation runs: at once on NumPy, or compiled by JAX, in blocks, on devices."""

from jaxmle._engine._blocks import in_blocks as in_blocks
from jaxmle._engine._choice import Engine as Engine
from jaxmle._engine._choice import check_engine as check_engine
from jaxmle._engine._choice import chosen_engine as chosen_engine
from jaxmle._engine._programs import Effort as Effort
from jaxmle._engine._programs import in_tiles as in_tiles
from jaxmle._engine._programs import program as program
from jaxmle._engine._progress import Progress as Progress
from jaxmle._engine._progress import progress_bar as progress_bar
