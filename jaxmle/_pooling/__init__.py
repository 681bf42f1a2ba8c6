"""Slices that share a judge: pooled and partially pooled estimation."""

from jaxmle._pooling._fit_slices import fit_slices as fit_slices
from jaxmle._pooling._homogeneity import Homogeneity as Homogeneity
from jaxmle._pooling._homogeneity import homogeneity_test as homogeneity_test
from jaxmle._pooling._intervals import Judge as Judge
from jaxmle._pooling._slice_fit import SliceFit as SliceFit
