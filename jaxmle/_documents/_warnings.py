"""What there is to say against a result, in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxmle._data import Counts
from jaxmle._documents._fitted import Fitted
from jaxmle._documents._pooled import SharedFit
from jaxmle._documents._quoting import shell_line
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._inference import Fit, design_check, mismatched
from jaxmle._tables import SliceCounts, shown_key
from jaxmle._types import Array

# With fewer in effect limits were seen to cover less than they say (python -m benchmarks.clustered).
FEW_CLUSTERS = 12
_FEW_NAMED = 5
# A judge that is right of fewer items of a class may simply be good.
_FEW_OF_A_COPY = 5
_AT_CHANCE = (
    "in the labelled items the judge flags failures no more often than passes: it is at chance, or its "
    "verdicts are turned round"
)


@dataclass(frozen=True)
class SlicesElsewhere:
    """Slices of a total that are described elsewhere.

    Attributes:
        n_slices: How many there are.
        n_contradicting: How many of them contradict their bounds.
        few_labels: Whether most have few labels.
    """

    n_slices: int = 0
    n_contradicting: int = 0
    few_labels: bool = False


def data_warnings(
    fitted: Fitted,
    analysis: AnalysisSettings,
    results: Fit | Sequence[Fit | SharedFit],
    *,
    apart: SlicesElsewhere | None = None,
) -> list[list[str]]:
    """Warnings about data, bounds and design, a list for each data set of a batch.

    ``apart`` tells of slices that are not in the batch.
    """
    apart = apart or SlicesElsewhere()
    effects, counts = fitted.effects, fitted.effective.counts
    p_values, against = fitted.bounds_check
    few = None
    if effects and effects.n_clusters is not None:
        pairs = zip(effects.n_clusters, effects.several, strict=True)
        few = [few_clusters_notes(n) if several else [] for n, several in pairs]
    n_slices = fitted.last + apart.n_slices
    found = slice_notes(counts, results, analysis, p_values, against, among=n_slices + 1, between=few)
    if n := int(against[:-1].sum()) + apart.n_contradicting:
        found[-1].append(f"{n:,} of {n_slices:,} slices contradict their bounds")
    found[-1] += analysis.notes
    return found


def slice_notes(
    counts: Counts,
    results: Fit | Sequence[Fit | SharedFit],
    analysis: AnalysisSettings,
    p_values: Array,
    against: Array,
    *,
    among: int | None = None,
    between: list[list[str]] | None = None,
) -> list[list[str]]:
    """What there is to say against each data set.

    Args:
        counts: Counts, effective ones, shape ``(B,)``.
        results: Their fits.
        analysis: What the user says of the data.
        p_values: Those of the data against their bounds, shape ``(B,)``.
        against: Which contradict them, shape ``(B,)``.
        among: How many data sets there are, where these are a part of them.
        between: What else there is to say of design and dependence, a list each.
    """
    found: list[list[str]] = [[] for _ in range(len(counts))]

    def say(which: Array, text: Callable[[int], str]) -> None:
        for i in np.flatnonzero(which):
            found[i].append(text(int(i)))

    calibration, origin = analysis.calibration, analysis.bounds_from
    if calibration == "internal" and analysis.labels == "random":
        check = design_check(counts)
        labeled, unlabeled = np.asarray(check.flag_rate_labeled), np.asarray(check.flag_rate_unlabeled)
        say(mismatched(check, among), lambda i: design_note(labeled[i], unlabeled[i]))
    since = f", as where the judge has changed since {origin['date']}" if origin else ""
    say(
        against,
        lambda i: (
            f"the data contradict the bounds ({_against(p_values[i])}): some of them is wrong{since}, or "
            "the labelled items are not what --calibration says"
        ),
    )
    for own, more in zip(found, between or (), strict=False):
        own += more
    identified, converged, gap, low, high = _status_of(results)
    n_labeled = counts.n_labeled
    say(~identified, lambda i: _unidentified_note(bool(n_labeled[i] > 0), low[i], high[i]))
    say(~converged, lambda i: f"not converged: the gap per item is {gap[i]:.1e}")
    say(_is_at_chance(counts), lambda i: _AT_CHANCE)
    if calibration == "internal":
        alone = (counts.n_unlabeled == 0) & (n_labeled > 0)
        say(alone, lambda i: "every item is labelled: the judge adds nothing")
    return found


def _status_of(results: Fit | Sequence[Fit | SharedFit]) -> list[Array]:
    """Whether identified, whether converged, gap, and the set of maximizers, each of shape ``(B,)``."""
    if isinstance(results, Fit):
        parts = (results.identified, results.converged, results.gap, *results.failure_rate_set)
        return [np.asarray(part) for part in parts]
    rows = [(one.identified, one.converged, one.gap, *one.failure_rate_set) for one in results]
    return [np.asarray(column) for column in zip(*rows, strict=True)]


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
    return _AT_CHANCE if _is_at_chance(counts) else None


def _is_at_chance(counts: Counts) -> Array:
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    rises = np.asarray(counts.tp * passes > counts.fp * failures)
    return (np.asarray(failures) > 0) & (np.asarray(passes) > 0) & ~rises


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


def strangers_note(table: SliceCounts) -> str | None:
    """What to say of labels in a file of their own whose id no row has."""
    if not table.labels or not (n := table.labels["unknown"]):
        return None
    read, hint = table.labels["read"], table.labels.get("hint", "")
    said = f"{n:,} of the {read:,} labels in the other file met no row and count for nothing"
    return f"{said}. {hint.rstrip('.')}" if hint else said


def table_warnings(table: SliceCounts) -> list[str]:
    """Warnings about the rows that the counts come from."""
    notes = (
        copy_note(table),
        strangers_note(table),
        missing_note(table),
        left_out_note(table),
        repeated_note(table),
    )
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


def _unidentified_note(is_labeled: bool, low: float, high: float) -> str:
    reason = "these labels and bounds" if is_labeled else "no human labels"
    return (
        f"not identified: with {reason} every failure rate from {100 * low:.2f}% to {100 * high:.2f}% "
        "is equally likely; label more items or tighten the bounds"
    )
