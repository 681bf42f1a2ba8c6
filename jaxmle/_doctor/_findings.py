"""What there is to say of counted verdicts before anything is estimated: closed forms, at once."""

import math
from collections.abc import Sized
from dataclasses import dataclass
from typing import Literal

from jaxmle._data import Counts
from jaxmle._documents import (
    balanced_note,
    chance_note,
    copy_note,
    design_note,
    is_balanced,
    left_out_note,
    missing_note,
    repeated_note,
    strangers_note,
)
from jaxmle._inference import design_check, mismatched
from jaxmle._planning import MIN_LABELS
from jaxmle._tables import SliceCounts, shown, shown_key
from jaxmle._types import Numbers

Level = Literal["blocks", "warns", "note"]

# A class of fewer labels tells next to nothing of the rate that the judge has in it.
FEW_OF_A_CLASS = 5
_WEAK_JUDGE = 0.2
_MOST_NAMED = 5
_TELLING = 0.05


@dataclass(frozen=True)
class Finding:
    """Something that stands in the way, or speaks against what will be estimated.

    Attributes:
        level: "blocks", "warns", or "note".
        topic: One word or two for programs.
        text: One sentence, without its full stop.
        labels: Human labels that would do away with it, where some number would.
    """

    level: Level
    topic: str
    text: str
    labels: int | None = None


def findings_of(table: SliceCounts) -> list[Finding]:
    """What speaks against estimates from these counts, slices apart; what is about the design first."""
    total = table.total
    labeled = total.n_labeled
    found = []
    if not labeled:
        text = "no row has both a human and a judge verdict: label some rows, drawn at random"
        if unjudged := int(sum(table.total_unjudged)):
            text = (
                f"no row has both a human and a judge verdict, though humans labelled "
                f"{_number(unjudged, 'row')} without one: where a label replaced the judge's verdict (as in "
                "Phoenix, where both have one name and identifier), bring that back"
            )
        return [Finding("blocks", "no labels", text, MIN_LABELS), *_of_rows(table)]
    check = design_check(total)
    if mismatched(check).any():
        odd = design_note(float(check.flag_rate_labeled), float(check.flag_rate_unlabeled))
        found.append(Finding("warns", "design", odd))
    if is_balanced(total):
        found.append(Finding("warns", "balanced calibration", balanced_note(total)))
    if note := copy_note(table):
        found.append(Finding("warns", "copied verdicts", note))
    found += _of_classes(total)
    if note := chance_note(total):
        found.append(Finding("warns", "judge at chance", note))
    elif _is_weak(total):
        tpr, fpr = _rates(total)
        text = (
            f"the judge is near chance: it flags {tpr:.1%} of the failures and {fpr:.1%} of the passes, so "
            "its verdicts say little beyond the labels"
        )
        found.append(Finding("warns", "judge near chance", text))
    if not total.n_unlabeled:
        found.append(Finding("note", "all labelled", "every item is labelled: the judge adds nothing"))
    if labeled < MIN_LABELS:
        text = f"only {_number(labeled, 'label')}: intervals will be wide, and hang on every one"
        found.append(Finding("warns", "few labels", text, MIN_LABELS - int(labeled)))
    return [*found, *_of_rows(table)]


def slice_findings(table: SliceCounts, by: tuple[str, ...], *, asked: bool) -> list[Finding]:
    """What speaks against estimates by slice.

    Args:
        table: Counts by slice.
        by: Columns that make the slices.
        asked: Whether the user asked for them; few labels in them are else a mere note.
    """
    if not table.total.n_labeled:
        return []
    found = []
    counts = table.counts
    tp, fn, fp, tn = (value.astype(float) for value in counts.values()[:4])
    enough = (tp + fn >= FEW_OF_A_CLASS) & (fp + tn >= FEW_OF_A_CLASS)
    reversed_ = (enough & (tp * (fp + tn) < fp * (tp + fn))).nonzero()[0]
    if len(reversed_):
        named = "; ".join(_shown_rates(table, i) for i in reversed_[:_MOST_NAMED])
        text = f"the judge flags failures less often than passes where {named}{_more(reversed_)}"
        found.append(Finding("warns", "reversed slices", text))
    labeled = counts.n_labeled
    few = (labeled < MIN_LABELS).nonzero()[0]
    if len(few):
        missing = int((MIN_LABELS - labeled[few]).sum())
        named = " and ".join(map(shown, by))
        text = (
            f"{len(few):,} of {len(labeled):,} slices of {named} have fewer than {MIN_LABELS} labels "
            f"({shown_key(table.keys[few[0]])}{_more(few, 1)}): --judge-rates partial lets them borrow"
        )
        found.append(Finding("warns" if asked else "note", "few labels a slice", text, missing))
    wrong = mismatched(design_check(counts)).nonzero()[0]
    if len(wrong) and not mismatched(design_check(table.total)).any():
        text = (
            "the judge's flag rates differ between labelled and unlabelled rows where "
            f"{shown_key(table.keys[wrong[0]])}{_more(wrong, 1)}"
        )
        found.append(Finding("warns", "design of slices", text))
    return found


def _rates(one: Counts) -> tuple[float, float]:
    return one.tp / (one.tp + one.fn), one.fp / (one.fp + one.tn)


def _is_weak(total: Counts) -> bool:
    failures, passes = total.tp + total.fn, total.fp + total.tn
    if not failures or not passes:
        return False
    tpr, fpr = _rates(total)
    error = math.sqrt(tpr * (1 - tpr) / failures + fpr * (1 - fpr) / passes)
    return bool(tpr - fpr < max(_WEAK_JUDGE, 1.96 * error))


def _of_classes(total: Counts) -> list[Finding]:
    found = []
    for name, none, rate, size in (
        ("failure", "no failures", "TPR", total.tp + total.fn),
        ("pass", "no passes", "FPR", total.fp + total.tn),
    ):
        if not size:
            text = f"humans found {none}, so nothing is known of the judge's {rate} but what bounds say"
            found.append(Finding("warns", "one class absent", text))
        elif size < FEW_OF_A_CLASS:
            text = f"humans found {_number(size, name)} only: that tells little of the judge's {rate}"
            more = math.ceil((FEW_OF_A_CLASS - size) * total.n_labeled / size)
            found.append(Finding("warns", "few of a class", text, more))
    flagged = total.tp + total.fp + total.unlabeled_pos
    if flagged in (0, total.n_labeled + total.n_unlabeled):
        text = f"the judge gave all items one verdict ({'failure' if flagged else 'pass'}): it tells nothing"
        found.append(Finding("warns", "constant judge", text))
    return found


def _of_rows(table: SliceCounts) -> list[Finding]:
    found = []
    if note := strangers_note(table):
        found.append(Finding("warns", "labels without a row", note))
    if note := missing_note(table):
        telling: Level = "warns" if _tells(table) else "note"
        found.append(Finding(telling, "missing verdicts", note))
    if note := left_out_note(table):
        found.append(Finding("warns", "slices left out", note))
    if note := repeated_note(table):
        found.append(Finding("warns", "repeated ids", note))
    for reason, rows in table.dropped.items():
        level: Level = "note" if reason == "no judge verdict" else "warns"
        found.append(Finding(level, "rows left out", f"{rows:,} of {table.n_rows:,} rows left out: {reason}"))
    return found


def _tells(table: SliceCounts) -> bool:
    """Whether rows without a judge verdict fail at another rate than the rest, beyond chance."""
    failures, passes = map(float, table.total_unjudged)
    rest = table.total
    # The same test of two shares: of failures, in rows without and with a verdict.
    shares = Counts(failures, passes, 0.0, 0.0, float(rest.tp + rest.fn), float(rest.fp + rest.tn))
    return bool(design_check(shares).p_value < _TELLING)


def _shown_rates(table: SliceCounts, i: int) -> str:
    one = table.counts[int(i)]
    tpr, fpr = _rates(one)
    failures, passes = one.tp + one.fn, one.fp + one.tn
    return f"{shown_key(table.keys[i])} (TPR {tpr:.1%} of {failures:,.10g}, FPR {fpr:.1%} of {passes:,.10g})"


def _number(count: Numbers, what: str) -> str:
    """Number of things, in words."""
    return f"{count:,.10g} {what if count == 1 else f'{what}es' if what.endswith('s') else f'{what}s'}"


def _more(things: Sized, named: int = _MOST_NAMED) -> str:
    return f" and {len(things) - named:,} more" if len(things) > named else ""
