"""Options that methods of a fit hand on to the functions they are short for."""

from typing import TYPE_CHECKING, TypedDict

from jaxmle._engine import Engine
from jaxmle._inference._looks import Looks
from jaxmle._inference._multiplicity import Adjustment, IntervalAdjustment
from jaxmle._simulation import Labels
from jaxmle._types import ArrayLike

if TYPE_CHECKING:
    from jaxmle._inference._certify import CertificateMethod
    from jaxmle._inference._profile_interval import EndSide, Target


class ProfileOptions(TypedDict, total=False):
    """Options of `profile_interval`, but for calibration and design effect."""

    confidence: float
    side: "EndSide"
    labels: Labels
    simulate: bool | None
    n_resamples: int
    adjustment: IntervalAdjustment
    target: "Target"
    seed: int
    engine: Engine | None
    progress: bool


class IntervalOptions(ProfileOptions, total=False):
    """Options of `profile_interval`, but for calibration."""

    design_effect: ArrayLike | None
    df: ArrayLike | None


class ClaimOptions(TypedDict, total=False):
    """Options of `certify`, but for calibration and design effect."""

    confidence: float
    method: "CertificateMethod"
    labels: Labels
    adjustment: Adjustment
    looks: Looks | None
    seed: int
    engine: Engine | None
    progress: bool


class CertifyOptions(ClaimOptions, total=False):
    """Options of `certify`, but for limit and calibration."""

    design_effect: ArrayLike | None
    df: ArrayLike | None
