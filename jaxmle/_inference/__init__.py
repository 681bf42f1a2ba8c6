"""Estimates, intervals and certificates with their status, and the baselines they are compared with."""

from jaxmle._inference._bootstrap import Bootstrap as Bootstrap
from jaxmle._inference._bootstrap import bootstrap as bootstrap
from jaxmle._inference._bounds_test import BoundsTest as BoundsTest
from jaxmle._inference._bounds_test import bounds_test as bounds_test
from jaxmle._inference._bounds_test import identified_set as identified_set
from jaxmle._inference._certify import Certificate as Certificate
from jaxmle._inference._certify import CertificateMethod as CertificateMethod
from jaxmle._inference._certify import certify as certify
from jaxmle._inference._contradiction import contradicts as contradicts
from jaxmle._inference._design_check import DesignCheck as DesignCheck
from jaxmle._inference._design_check import design_check as design_check
from jaxmle._inference._design_check import mismatched as mismatched
from jaxmle._inference._design_effect import DesignEffect as DesignEffect
from jaxmle._inference._design_effect import design_effect as design_effect
from jaxmle._inference._design_effect import effect_of_fit as effect_of_fit
from jaxmle._inference._design_effect import rate_effect as rate_effect
from jaxmle._inference._design_effect import weight_effect as weight_effect
from jaxmle._inference._design_effect import weighted_rate_effect as weighted_rate_effect
from jaxmle._inference._fit import Fit as Fit
from jaxmle._inference._fit import fit as fit
from jaxmle._inference._interval import Interval as Interval
from jaxmle._inference._multiplicity import Adjustment as Adjustment
from jaxmle._inference._multiplicity import adjust_p_values as adjust_p_values
from jaxmle._inference._profile_interval import ProfileInterval as ProfileInterval
from jaxmle._inference._profile_interval import profile_interval as profile_interval
