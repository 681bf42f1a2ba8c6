"""Answers that were recorded apart from this benchmark, by each program's own call on fixed counts.

Recorded with glide-py 0.11.0, truescore 0.7.4, judgy 0.1.0 and ppi-python 0.2.3; the case "support" is the
example file that truescore ships, with the answer its documents print. Maximum-likelihood estimates come from
forty starts of L-BFGS-B, a Newton method with forty digits and a check of the optimality conditions; without
bounds they have a closed form.
"""

from typing import Any

import numpy as np

# tp, fn, fp, tn among labelled items, then flagged and passed among the others.
COUNTS = {
    "A": (70, 8, 14, 108, 4100, 5900),
    "B": (4, 1, 2, 43, 900, 9100),
    "C": (10, 0, 5, 85, 300, 1700),
    "support": (416, 15, 90, 79, 2847, 553),
}
BOUNDS = {"tpr": (0.70, 0.95), "fpr": (0.01, 0.10)}
_EXACT = {"A": (0.3825061979,), "B": (0.0807779285,), "C": (0.1000000000,)}
_BOUNDED = {"A": (0.3890121619,), "B": (0.0807779285,), "C": (0.1032063821,)}

# Estimate, low and high, as far as recorded.
ANSWERS: dict[str, dict[str, dict[str, Any]]] = {
    "estimate": {
        "NumPy, closed form": _EXACT,
        "scipy L-BFGS-B, one by one": _BOUNDED,
        "judgy, 20,000 resamples": {
            "A": (0.377223416, 0.319509778, 0.433012206),
            "B": (0.060294118, 0.0, 0.164672131),
            "C": (0.100000000, 0.046341463, 0.140340909),
        },
        "ppi-python, PPI++": {
            "A": (0.382455373, 0.338991770, 0.425918976),
            "B": (0.075254935, 0.013308713, 0.137201157),
            "C": (0.10, 0.062795899, 0.137204101),
            "support": (0.715052205, 0.683725484, 0.746378926),
        },
        "GLIDE, PPI++": {
            "A": (0.382417460, 0.338844939, 0.425989981),
            "B": (0.074749934, 0.011751043, 0.137748825),
            "C": (0.10, 0.062618807, 0.137381193),
        },
        "truescore, PPI++": {
            "A": (0.382455373, 0.338885691, 0.426025055),
            "B": (0.075254935, 0.012683275, 0.137826595),
            "C": (0.10, 0.062621135, 0.137378865),
            "support": (0.7150522053, 0.6837003618, 0.7464040488),
        },
        "jaxmle": _EXACT,
        "jaxmle, bounds": _BOUNDED,
    },
    "resamples": {
        "GLIDE, PTD": {
            "A": (0.382354295, 0.339260918, 0.424489107),
            "B": (0.080976545, 0.023856447, 0.141930562),
            "C": (0.100045220, 0.061518881, 0.136190792),
        },
    },
}


def items(case):
    """Human and judge verdicts item by item, unlabelled ones with a human verdict of NaN."""
    human = np.repeat([1.0, 1.0, 0.0, 0.0, np.nan, np.nan], COUNTS[case])
    judge = np.repeat([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], COUNTS[case])
    return human, judge


def difference(task, name, make):
    """Cases a program was recorded on, and its largest difference from what was recorded."""
    known = ANSWERS.get(task, {}).get(name, {})
    found = []
    for case, recorded in known.items():
        answer = make(items(case))()
        found += [abs(float(got) - value) for got, value in zip(answer, recorded, strict=False)]
    return len(known), max(found, default=None)
