from ._compare import Difference as Difference
from ._compare import JudgeRates as JudgeRates
from ._compare import compare as compare
