"""Plots of results, drawn with matplotlib."""

from jaxmle._plots._interval import plot_interval as plot_interval
from jaxmle._plots._plan import plot_plan as plot_plan
from jaxmle._plots._profile import plot_profile as plot_profile
from jaxmle._plots._sensitivity import plot_sensitivity as plot_sensitivity
from jaxmle._plots._slices import plot_slices as plot_slices
