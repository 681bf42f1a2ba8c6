"""Estimates with their status, and the baselines they are compared with."""

from jaxmle._inference._fit import Fit as Fit
from jaxmle._inference._fit import fit as fit
from jaxmle._inference._interval import Interval as Interval
