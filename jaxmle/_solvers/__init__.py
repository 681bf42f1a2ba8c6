"""Solvers of the bounded likelihood behind one interface, `maximize`."""

from jaxmle._solvers._maximize import maximize as maximize
from jaxmle._solvers._solution import Solution as Solution
from jaxmle._solvers._solution import SolverName as SolverName
from jaxmle._solvers._solution import bound_sides as bound_sides
from jaxmle._solvers._solution import check_solver as check_solver
