"""The likelihood, its unconstrained maximum, and the certificate of a constrained one."""

from jaxmle._model._certificate import duality_gap as duality_gap
from jaxmle._model._certificate import failure_rate_set as failure_rate_set
from jaxmle._model._certificate import half_gaps as half_gaps
from jaxmle._model._certificate import pack_bounds as pack_bounds
from jaxmle._model._certificate import pack_counts as pack_counts
from jaxmle._model._closed_form import ClosedForm as ClosedForm
from jaxmle._model._closed_form import closed_form as closed_form
from jaxmle._model._closed_form import closed_form_of as closed_form_of
from jaxmle._model._closed_form import divide as divide
from jaxmle._model._likelihood import hessian_at as hessian_at
from jaxmle._model._likelihood import information as information
from jaxmle._model._likelihood import log_likelihood as log_likelihood
from jaxmle._model._likelihood import log_likelihood_at as log_likelihood_at
from jaxmle._model._likelihood import ratio as ratio
from jaxmle._model._likelihood import score as score
from jaxmle._model._likelihood import score_at as score_at
from jaxmle._model._likelihood import xlogy as xlogy
