"""True failure rates from LLM-judge verdicts, by constrained maximum likelihood.

Three signals go in: a small human-labelled calibration set, a large set of judge verdicts, and
known bounds on the judge's true and false positive rates. Out comes the failure rate that humans
would have found, with a certificate that the likelihood is at its maximum.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxmle import baselines as baselines
    from jaxmle import tables as tables
    from jaxmle._data import Bounds as Bounds
    from jaxmle._data import Clusters as Clusters
    from jaxmle._data import Counts as Counts
    from jaxmle._data import Params as Params
    from jaxmle._decisions import Difference as Difference
    from jaxmle._decisions import Drift as Drift
    from jaxmle._decisions import Effect as Effect
    from jaxmle._decisions import LabelOption as LabelOption
    from jaxmle._decisions import Pairs as Pairs
    from jaxmle._decisions import Plan as Plan
    from jaxmle._decisions import Sensitivity as Sensitivity
    from jaxmle._decisions import compare as compare
    from jaxmle._decisions import drift as drift
    from jaxmle._decisions import plan as plan
    from jaxmle._decisions import sensitivity as sensitivity
    from jaxmle._inference import Bootstrap as Bootstrap
    from jaxmle._inference import BoundsTest as BoundsTest
    from jaxmle._inference import Certificate as Certificate
    from jaxmle._inference import DesignCheck as DesignCheck
    from jaxmle._inference import DesignEffect as DesignEffect
    from jaxmle._inference import Fit as Fit
    from jaxmle._inference import Interval as Interval
    from jaxmle._inference import ProfileInterval as ProfileInterval
    from jaxmle._inference import adjust_p_values as adjust_p_values
    from jaxmle._inference import bootstrap as bootstrap
    from jaxmle._inference import bounds_test as bounds_test
    from jaxmle._inference import certify as certify
    from jaxmle._inference import design_check as design_check
    from jaxmle._inference import design_effect as design_effect
    from jaxmle._inference import fit as fit
    from jaxmle._inference import identified_set as identified_set
    from jaxmle._inference import profile_interval as profile_interval
    from jaxmle._model import ClosedForm as ClosedForm
    from jaxmle._model import closed_form as closed_form
    from jaxmle._model import information as information
    from jaxmle._model import log_likelihood as log_likelihood
    from jaxmle._model import score as score
    from jaxmle._plots import plot_interval as plot_interval
    from jaxmle._plots import plot_plan as plot_plan
    from jaxmle._plots import plot_profile as plot_profile
    from jaxmle._plots import plot_sensitivity as plot_sensitivity
    from jaxmle._plots import plot_slices as plot_slices
    from jaxmle._pooling import Homogeneity as Homogeneity
    from jaxmle._pooling import SliceFit as SliceFit
    from jaxmle._pooling import fit_slices as fit_slices
    from jaxmle._pooling import homogeneity_test as homogeneity_test
    from jaxmle._solvers import Solution as Solution
    from jaxmle._solvers import maximize as maximize

# Names are looked up on first use (PEP 562), so that `jaxmle --help` or a misspelt file name is
# answered without paying for the import of JAX.
_HOME = {
    "Bootstrap": "_inference",
    "Bounds": "_data",
    "BoundsTest": "_inference",
    "Certificate": "_inference",
    "ClosedForm": "_model",
    "Clusters": "_data",
    "Counts": "_data",
    "DesignCheck": "_inference",
    "DesignEffect": "_inference",
    "Difference": "_decisions",
    "Drift": "_decisions",
    "Effect": "_decisions",
    "Fit": "_inference",
    "Homogeneity": "_pooling",
    "Interval": "_inference",
    "LabelOption": "_decisions",
    "Pairs": "_decisions",
    "Plan": "_decisions",
    "Params": "_data",
    "ProfileInterval": "_inference",
    "Sensitivity": "_decisions",
    "Solution": "_solvers",
    "adjust_p_values": "_inference",
    "bootstrap": "_inference",
    "bounds_test": "_inference",
    "certify": "_inference",
    "closed_form": "_model",
    "compare": "_decisions",
    "design_check": "_inference",
    "design_effect": "_inference",
    "drift": "_decisions",
    "SliceFit": "_pooling",
    "fit": "_inference",
    "fit_slices": "_pooling",
    "homogeneity_test": "_pooling",
    "identified_set": "_inference",
    "information": "_model",
    "log_likelihood": "_model",
    "maximize": "_solvers",
    "plan": "_decisions",
    "plot_interval": "_plots",
    "plot_plan": "_plots",
    "plot_profile": "_plots",
    "plot_sensitivity": "_plots",
    "plot_slices": "_plots",
    "profile_interval": "_inference",
    "score": "_model",
    "sensitivity": "_decisions",
}
_SUBMODULES = ("baselines", "tables")

__all__ = [
    "Bootstrap",
    "Bounds",
    "BoundsTest",
    "Certificate",
    "ClosedForm",
    "Clusters",
    "Counts",
    "DesignCheck",
    "DesignEffect",
    "Difference",
    "Drift",
    "Effect",
    "Fit",
    "Homogeneity",
    "Interval",
    "LabelOption",
    "Pairs",
    "Params",
    "Plan",
    "ProfileInterval",
    "Sensitivity",
    "SliceFit",
    "Solution",
    "adjust_p_values",
    "baselines",
    "bootstrap",
    "bounds_test",
    "certify",
    "closed_form",
    "compare",
    "design_check",
    "design_effect",
    "drift",
    "fit",
    "fit_slices",
    "homogeneity_test",
    "identified_set",
    "information",
    "log_likelihood",
    "maximize",
    "plan",
    "plot_interval",
    "plot_plan",
    "plot_profile",
    "plot_sensitivity",
    "plot_slices",
    "profile_interval",
    "score",
    "sensitivity",
    "tables",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("jaxmle")
    if name in _SUBMODULES:
        return importlib.import_module(f"jaxmle.{name}")
    if name in _HOME:
        value = getattr(importlib.import_module(f"jaxmle.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'jaxmle' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
