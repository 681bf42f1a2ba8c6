"""Solvers of the constrained maximum, and the one function over them."""

from jaxmle._solvers._implicit import rate_gradient as rate_gradient
from jaxmle._solvers._maximize import maximize as maximize
from jaxmle._solvers._maximize import maximize_in_bulk as maximize_in_bulk
from jaxmle._solvers._maximize import maximum as maximum
from jaxmle._solvers._root import share_root as share_root
from jaxmle._solvers._solution import Solution as Solution
from jaxmle._solvers._solution import SolverName as SolverName
from jaxmle._solvers._solution import bound_sides as bound_sides
from jaxmle._solvers._solution import check_solver as check_solver
from jaxmle._solvers._solution import obeys as obeys
