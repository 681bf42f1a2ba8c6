"""Data that cannot be fitted: nothing counted, or excluded by the bounds."""

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._data._validation import InfeasibleError, first_index, slice_label


def check_feasible(counts: Counts, bounds: Bounds, calibration: Calibration) -> None:
    """Refuse empty data, and bounds under which what was observed cannot happen."""
    empty = (counts.n_labeled + counts.n_unlabeled) <= 0
    if np.any(empty):
        raise ValueError(
            f"`counts` must hold at least one verdict{slice_label(empty)}; all six counts are zero."
        )
    (lo, hi), (tpr_low, tpr_high), (fpr_low, fpr_high) = bounds.failure_rate, bounds.tpr, bounds.fpr
    most = np.maximum(hi * tpr_high + (1 - hi) * fpr_high, lo * tpr_high + (1 - lo) * fpr_high)
    least = np.minimum(hi * tpr_low + (1 - hi) * fpr_low, lo * tpr_low + (1 - lo) * fpr_low)
    conflicts = [
        (counts.tp, "tp", tpr_high <= 0, "tpr.high = 0"),
        (counts.fn, "fn", tpr_low >= 1, "tpr.low = 1"),
        (counts.fp, "fp", fpr_high <= 0, "fpr.high = 0"),
        (counts.tn, "tn", fpr_low >= 1, "fpr.low = 1"),
        (counts.unlabeled_pos, "unlabeled_pos", most <= 0, "no verdict may be a failure"),
        (counts.unlabeled_neg, "unlabeled_neg", least >= 1, "no verdict may be a pass"),
    ]
    if calibration == "internal":
        conflicts += [
            (counts.tp + counts.fn, "tp + fn", hi <= 0, "failure_rate.high = 0"),
            (counts.fp + counts.tn, "fp + tn", lo >= 1, "failure_rate.low = 1"),
        ]
    for count, name, excluded, bound in conflicts:
        if not np.any(excluded):
            continue
        impossible = (count > 0) & excluded
        if np.any(impossible):
            value = np.broadcast_to(count, impossible.shape)[impossible].flat[0]
            raise InfeasibleError(
                first_index(impossible),
                f"{bound}, but {name} = {value:g}. "
                f"Widen the bound, or check which verdict is counted as a failure.",
            )
