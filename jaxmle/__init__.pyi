__all__: list[str]

from . import baselines as baselines
from . import distributed as distributed
from . import spark as spark
from . import tables as tables
from ._comparison import Difference as Difference
from ._comparison import compare as compare

# Data
from ._data import Bounds as Bounds
from ._data import Clusters as Clusters
from ._data import Counts as Counts
from ._data import JudgeCalibration as JudgeCalibration
from ._data import LabelDesign as LabelDesign
from ._data import Pairs as Pairs
from ._data import Params as Params
from ._drift import Drift as Drift
from ._drift import drift as drift

# Estimate
from ._inference import Agreement as Agreement
from ._inference import Bootstrap as Bootstrap

# Decide
from ._inference import BoundsTest as BoundsTest
from ._inference import Certificate as Certificate
from ._inference import ConfidenceSequence as ConfidenceSequence
from ._inference import DesignCheck as DesignCheck
from ._inference import DesignEffect as DesignEffect
from ._inference import Fit as Fit
from ._inference import Interval as Interval
from ._inference import Looks as Looks
from ._inference import ProfileInterval as ProfileInterval
from ._inference import adjust_p_values as adjust_p_values

# Slices
from ._inference import agreement as agreement
from ._inference import bootstrap as bootstrap
from ._inference import bounds_test as bounds_test
from ._inference import certify as certify
from ._inference import confidence_sequence as confidence_sequence
from ._inference import design_check as design_check
from ._inference import design_effect as design_effect
from ._inference import fit as fit
from ._inference import identified_set as identified_set
from ._inference import profile_interval as profile_interval

# Advanced
from ._model import ClosedForm as ClosedForm
from ._model import closed_form as closed_form
from ._model import information as information
from ._model import log_likelihood as log_likelihood
from ._model import score as score
from ._planning import LabelOption as LabelOption
from ._planning import LabelQueue as LabelQueue
from ._planning import Plan as Plan
from ._planning import draw_labels as draw_labels
from ._planning import plan as plan
from ._planning import plan_further as plan_further

# Plots
from ._plots import plot_bounds as plot_bounds
from ._plots import plot_interval as plot_interval
from ._plots import plot_plan as plot_plan
from ._plots import plot_profile as plot_profile
from ._plots import plot_sensitivity as plot_sensitivity
from ._plots import plot_slices as plot_slices
from ._sensitivity import Effect as Effect
from ._sensitivity import HumanError as HumanError
from ._sensitivity import RaterError as RaterError
from ._sensitivity import Sensitivity as Sensitivity
from ._sensitivity import human_error as human_error
from ._sensitivity import rater_error as rater_error
from ._sensitivity import sensitivity as sensitivity
from ._slices import Borrowed as Borrowed
from ._slices import Homogeneity as Homogeneity
from ._slices import SliceFit as SliceFit
from ._slices import SliceHomogeneity as SliceHomogeneity
from ._slices import borrow as borrow
from ._slices import fit_slices as fit_slices
from ._slices import homogeneity_test as homogeneity_test
from ._solvers import Solution as Solution
from ._solvers import maximize as maximize
from ._version import __version__ as __version__
