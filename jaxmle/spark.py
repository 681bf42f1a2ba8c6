"""Estimates, certificates and bootstraps of slices where the rows are: in Spark."""

from jaxmle._distributed import bootstrap as bootstrap
from jaxmle._distributed import certify as certify
from jaxmle._distributed import estimate as estimate

__all__ = ["bootstrap", "certify", "estimate"]
