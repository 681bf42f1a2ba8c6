"""What there is to say against a result, in words."""

from collections.abc import Iterable

import numpy as np

from jaxmle._data import Calibration, Counts
from jaxmle._documents._fitted import Fitted
from jaxmle._documents._pooled import SharedFit
from jaxmle._documents._quoting import shell_line
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._inference import Fit, design_check, mismatched
from jaxmle._tables import SliceCounts, shown_key

# With fewer in effect limits were seen to cover less than they say (python -m benchmarks.clustered).
FEW_CLUSTERS = 12
_FEW_NAMED = 5
# A judge that is right of fewer items of a class may simply be good.
_FEW_OF_A_COPY = 5


def data_warnings(
    fitted: Fitted, analysis: AnalysisSettings, results: Iterable[Fit | SharedFit]
) -> list[list[str]]:
    """Warnings about data, bounds and design, a list for each data set of a batch."""
    calibration, effects = analysis.calibration, fitted.effects
    counts = fitted.effective.counts
    check = design_check(counts)
    wrong_design = mismatched(check) & (calibration == "internal") & (analysis.labels == "random")
    p_values, against = fitted.bounds_check
    origin = analysis.bounds_from
    since = f", as where the judge has changed since {origin['date']}" if origin else ""
    found = []
    for i, (one, result) in enumerate(zip(counts, results, strict=True)):
        notes = []
        if wrong_design[i]:
            labeled, unlabeled = np.asarray(check.flag_rate_labeled), np.asarray(check.flag_rate_unlabeled)
            notes.append(design_note(labeled[i], unlabeled[i]))
        if against[i]:
            notes.append(
                f"the data contradict the bounds ({_against(p_values[i])}): some of them is wrong{since}, or "
                "the labelled items are not what --calibration says"
            )
        if effects and effects.n_clusters is not None and effects.several[i]:
            notes += few_clusters_notes(effects.n_clusters[i])
        found.append(notes + _of_fit(one, result, calibration))
    if against[:-1].any():
        found[-1].append(f"{int(against[:-1].sum()):,} of {fitted.last:,} slices contradict their bounds")
    found[-1] += analysis.notes
    return found


def _against(p_value: float) -> str:
    return f"p = {p_value:.2g}" if p_value >= 1e-4 else "p < .0001"


def design_note(labeled: float, unlabeled: float) -> str:
    """What it means that the judge flags labelled and unlabelled items at these different rates."""
    return (
        f"the judge flags {labeled:.1%} of the labelled items and {unlabeled:.1%} of the others, so the "
        "labelled ones are no random sample. If they were chosen by their true label or come from elsewhere, "
        "use --calibration external; if the judge's verdict decided which, use --labels by-verdict"
    )


def chance_note(counts: Counts) -> str | None:
    """What to say of a judge that flags failures no more often than passes; None of any other."""
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    if failures and passes and counts.tp * passes <= counts.fp * failures:
        return (
            "in the labelled items the judge flags failures no more often than passes: it is at "
            "chance, or its verdicts are turned round"
        )
    return None


def copy_note(table: SliceCounts) -> str | None:
    """What to say where judge and human agree on every labelled row, failures and passes."""
    total = table.total
    if total.fn or total.fp or min(total.tp, total.tn) < _FEW_OF_A_COPY:
        return None
    return (
        f"judge and human say the same of all {total.n_labeled:,.8g} labelled items: if one column is a "
        "copy of the other, as where people correct the judge's verdict in place, name the judge's own with "
        "--judge"
    )


def table_warnings(table: SliceCounts) -> list[str]:
    """Warnings about the rows that the counts come from."""
    notes = (copy_note(table), missing_note(table), left_out_note(table), repeated_note(table))
    return [note for note in notes if note]


def missing_note(table: SliceCounts) -> str | None:
    """What humans say of rows that the judge gave no verdict."""
    failures, passes = (int(value) for value in table.total_unjudged)
    if not failures + passes:
        return None
    rest = table.total
    rate = (rest.tp + rest.fn) / rest.n_labeled if rest.n_labeled else None
    against = "" if rate is None else f", against {rate:.1%} among those with one"
    return (
        f"humans labelled {failures + passes} of the items without a judge verdict and found "
        f"{failures / (failures + passes):.1%} failures{against}; such items are left out of the estimate"
    )


def left_out_note(table: SliceCounts) -> str | None:
    """Which slices have no row that counts."""
    if not table.left_out:
        return None
    named = "; ".join(map(shown_key, table.left_out[:_FEW_NAMED]))
    more = f" and {len(table.left_out) - _FEW_NAMED} more" if len(table.left_out) > _FEW_NAMED else ""
    return f"no row with a judge verdict that counts, so no estimate: {named}{more}"


def repeated_note(table: SliceCounts) -> str | None:
    """Which column says that rows belong together."""
    if not table.repeated:
        return None
    return (
        f"{table.repeated!r} repeats, so rows that share it may not be independent: --cluster "
        f"{shell_line(table.repeated)} widens the interval as they require"
    )


def few_clusters_notes(n_clusters: float) -> list[str]:
    """What to say of few clusters, or of one that holds most items."""
    if n_clusters >= FEW_CLUSTERS:
        return []
    return [
        f"the clusters tell as much as {n_clusters:.1f} of one size: so few tell little of how clusters "
        "differ, and intervals may cover less than they say"
    ]


def _of_fit(counts: Counts, result: Fit | SharedFit, calibration: Calibration) -> list[str]:
    notes = []
    if not result.identified:
        low, high = result.failure_rate_set
        reason = "no human labels" if not counts.n_labeled else "these labels and bounds"
        notes.append(
            f"not identified: with {reason} every failure rate from {100 * low:.2f}% to {100 * high:.2f}% "
            "is equally likely; label more items or tighten the bounds"
        )
    if not result.converged:
        notes.append(f"not converged: the gap per item is {result.gap:.1e}")
    if note := chance_note(counts):
        notes.append(note)
    if calibration == "internal" and not counts.n_unlabeled and counts.n_labeled:
        notes.append("every item is labelled: the judge adds nothing")
    return notes
