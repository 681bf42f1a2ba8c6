"""Counts drawn by inversion, for every way of choosing what humans label."""

from jaxmle._simulation._binomial import binomial_quantiles as binomial_quantiles
from jaxmle._simulation._laws import Design as Design
from jaxmle._simulation._laws import Labels as Labels
from jaxmle._simulation._laws import Law as Law
from jaxmle._simulation._laws import Tables as Tables
from jaxmle._simulation._laws import design_of as design_of
from jaxmle._simulation._laws import draw_counts as draw_counts
from jaxmle._simulation._laws import law_of_counts as law_of_counts
from jaxmle._simulation._laws import law_of_params as law_of_params
from jaxmle._simulation._laws import tables_for as tables_for
from jaxmle._simulation._uniforms import fold_in as fold_in
from jaxmle._simulation._uniforms import normal_quantile as normal_quantile
from jaxmle._simulation._uniforms import root_key as root_key
from jaxmle._simulation._uniforms import uniforms as uniforms
