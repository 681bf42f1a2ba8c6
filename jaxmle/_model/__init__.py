"""The likelihood, its unconstrained maximum, and the certificate of a constrained one."""

from jaxmle._model._certificate import duality_gap as duality_gap
from jaxmle._model._certificate import failure_rate_set as failure_rate_set
from jaxmle._model._closed_form import ClosedForm as ClosedForm
from jaxmle._model._closed_form import closed_form as closed_form
from jaxmle._model._likelihood import information as information
from jaxmle._model._likelihood import log_likelihood as log_likelihood
from jaxmle._model._likelihood import score as score
