"""The result of `jaxmle plan --given`."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, cast

from jaxmle._data import Counts
from jaxmle._documents._document import sizes_of, stated
from jaxmle._documents._plan import drawn_with, plan_document
from jaxmle._documents._settings import AnalysisSettings, counts_with_total
from jaxmle._planning import Plan, SliceKey, plan_further
from jaxmle._tables import SliceCounts
from jaxmle._types import Document

_NO_TOTAL = (
    "the rate of all items is not planned here: for a shorter interval of it draw in proportion to the slices"
    " (`jaxmle draw` with this design and --labels N), and look at what `estimate` then says"
)
_SPLIT = (
    "within slices `jaxmle draw` takes labels at random: as many as are planned by verdict may then miss the "
    "goal"
)
_ENOUGH = "the labels at hand are enough"
# What a plan of slices alone cannot say, as it is of no single data set.
_NOTHING: Document = {
    **{"split": None, "value": None, "standard_error": None, "cost": None},
    **{"options": [], "curve": []},
}


def plan_given_document(
    table: SliceCounts, analysis: AnalysisSettings, *, source: str, progress: bool, **goal: Any
) -> Document:
    """Plan further labels of all rows, and of every slice by itself, and describe the plans.

    Labels that were drawn by slice stand for different numbers of items, so that those of all slices together
    are planned for no goal of their own: the plan is then that of the slices.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data; ``labels`` says how further items will be chosen.
        source: Where the rows are from.
        progress: Whether to show a bar on standard error where that is a terminal.
        **goal: As of `plan_further`.

    Raises:
        ValueError: As `plan_further`; weights or clusters; bounds by slice; or slices that cut across those
            among which labels were drawn.
    """
    if analysis.bounds.shape:
        raise ValueError("--given plans under bounds that are the same for all slices.")
    if table.clusters is not None:
        raise ValueError("--given plans for items that stand for themselves: without weights and clusters.")
    design = analysis.label_design
    by_slice = design is not None and design["kind"] == "by-slice"
    if by_slice and not set(design["by"] if design else ()) <= set(analysis.by):
        raise ValueError(
            f"labels drawn by {', '.join(design['by'] if design else ())} weigh differently within other "
            "slices: plan with --by of these columns, or leave --by out."
        )
    given = goal | {"confidence": analysis.confidence, "labels": analysis.labels, "seed": analysis.seed}

    def planned(one: Counts, *, shown: bool) -> Plan:
        return plan_further(one, analysis.bounds, progress=shown and progress, **given)

    if by_slice:
        return _of_slices(table, analysis, source, goal, planned)
    counts = counts_with_total(table, analysis)
    last = len(counts) - 1
    total = counts[last]
    plan = planned(total, shown=True)
    settings = {
        "failure_rate": plan.rates.failure_rate,
        "judge_tpr": plan.rates.tpr,
        "judge_fpr": plan.rates.fpr,
        "n_unlabeled": int(total.n_unlabeled),
        **_settings(analysis, source),
    }
    document = plan_document(plan, analysis.bounds, settings, analysis.bounds_from, analysis.notes)
    sizes = sizes_of(last, total, analysis, None)
    document["at_hand"] = {name: sizes[name] for name in ("n_labeled", "n_unlabeled", "counts")}
    document["slices"] = _slices(table, counts, analysis, _plans(table, counts, planned))
    if design is None or design["kind"] != "by-verdict":  # such labels cannot go on by slice at all
        document["warnings"] = [*document["warnings"], *_split_note(document["slices"])]
    return document


def _of_slices(
    table: SliceCounts, analysis: AnalysisSettings, source: str, goal: Document, planned: Any
) -> Document:
    """The plan of slices alone: in all as many labels as they take one by one."""
    plans = _plans(table, table.counts, planned)
    slices = _slices(table, table.counts, analysis, plans)
    reached, limit = all(one["reached"] for one in slices), goal["limit"]
    n_labeled, n_unlabeled = (sum(one[name] for one in slices) for name in ("n_labeled", "n_unlabeled"))
    failed = [one for one in slices if not one["reached"]]
    return {
        "command": "plan",
        "version": version("jaxmle"),
        "settings": {
            **dict.fromkeys(("failure_rate", "judge_tpr", "judge_fpr")),
            "n_unlabeled": n_unlabeled,
            **_settings(analysis, source),
            "bounds": stated(analysis.bounds),
            **({} if analysis.bounds_from is None else {"bounds_from": analysis.bounds_from}),
            "confidence": analysis.confidence,
        },
        **_NOTHING,
        "reached": reached,
        "n_labels": sum(one["n_labels"] for one in slices) if reached else None,
        "n_judged": n_unlabeled,
        "goal": "width" if limit is None else "power",
        "target": goal["target_width"] if limit is None else goal["power"],
        "limit": limit,
        "method": next((one.method for one in plans if isinstance(one, Plan)), None),
        "reason": f"{len(failed)} of {len(slices)} slices do not reach it" if failed else None,
        "warnings": [*analysis.notes, *_split_note(slices), _NO_TOTAL],
        "at_hand": {"n_labeled": n_labeled, "n_unlabeled": n_unlabeled},
        "slices": slices,
    }


def _settings(analysis: AnalysisSettings, source: str) -> Document:
    design = analysis.label_design
    return {
        "calibration": "internal",
        "labels": analysis.labels,
        "cost_human": None,
        "cost_judge": None,
        "seed": analysis.seed,
        "given": source,
        "by": analysis.by,
        **({} if design is None else {"label_design": design}),
    }


def _plans(table: SliceCounts, counts: Counts, planned: Any) -> list[Plan | str]:
    """The plan of each slice, or why there is none."""

    def tried(one: Counts) -> Plan | str:
        if not one.n_labeled:
            return "there is no label yet to plan from"
        if not one.n_unlabeled:
            return "each of its items has a label"
        try:
            return cast(Plan, planned(one, shown=False))
        except ValueError as error:
            return str(error).rstrip(".")

    return [tried(counts[i]) for i, key in enumerate(table.keys) if key]


def _slices(
    table: SliceCounts, counts: Counts, analysis: AnalysisSettings, plans: list[Plan | str]
) -> list[Document]:
    """The plans of slices in short."""
    records = []
    for i, (key, found) in enumerate(zip(table.keys, plans, strict=bool(plans))):
        sizes = sizes_of(i, counts[i], analysis, None)
        best: Document = {"reached": False, "n_labels": None, "split": None, "value": None, "reason": found}
        at_random = None
        if isinstance(found, Plan):
            best = {name: getattr(found, name) for name in best} | {"reason": found.reason or None}
            if found.split is not None:
                # The last two options are of one method: labels divided as planned, and otherwise.
                mine, other = found.options[-2:]
                at_random = {"by_verdict": mine.n_labels, "n_labels": other.n_labels, "method": mine.method}
        known = {name: sizes[name] for name in ("n_labeled", "n_unlabeled")}
        records.append({"key": key, **known, **best, "at_random": at_random})
    return records


def _split_note(slices: list[Document]) -> list[str]:
    """What labels cost that are planned by verdict within slices, where they can only be drawn at random."""
    divided = [one["at_random"] for one in slices if one["split"] is not None and one["n_labels"]]
    if not divided:
        return []
    both = [one for one in divided if None not in (one["by_verdict"], one["n_labels"])]
    mine, other = (sum(one[name] for one in both) for name in ("by_verdict", "n_labels"))
    where = "" if len(both) == len(divided) else f" in {len(both):,} of {len(divided):,} slices"
    cost = f" ({mine:,} labels by verdict, {other:,} at random{where}; {both[0]['method']})" if both else ""
    return [f"{_SPLIT}{cost}; for numbers that hold, plan with --labels random"]


def _drawn_otherwise(one: Document) -> str:
    """What a slice loses whose labels are planned by verdict and drawn at random."""
    split = ", ".join(f"{n:,} {name}" for name, n in one["split"].items())
    said = f"planned by verdict ({split}), drawn at random"
    if (cost := one.get("at_random")) is None:
        return said
    mine, other = (
        "no number of labels" if n is None else f"{n:,}" for n in (cost["by_verdict"], cost["n_labels"])
    )
    return f"{said}: the goal takes {mine} by verdict and {other} at random ({cost['method']})"


class PlannedDraw(NamedTuple):
    """What `jaxmle draw` is to draw after a plan.

    Attributes:
        n_labels: Labels in all, or of each slice that has a plan.
        n_flagged: Those that go to flagged items, where the plan divides them.
        reasons: Why other slices get none, or some not by verdict as planned, where labels are by slice.
    """

    n_labels: int | dict[SliceKey, int]
    n_flagged: int | None = None
    reasons: dict[SliceKey, str] | None = None


def planned_draw(path: Path, by: Sequence[str]) -> PlannedDraw:
    """Read from the document of a plan what `jaxmle draw` is to draw: with ``by`` of each slice.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no such document, or its plan has nothing to draw or other slices.
    """
    expected = None
    try:
        found = json.loads(path.read_bytes())
        if found["command"] == "plan" and "at_hand" not in found:
            expected = drawn_with(found)
        planned_by, slices, reasons, n_labels, flagged = _planned(found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        if expected:
            raise ValueError(
                f"--plan: {str(path)!r} is a plan of what was expected, without --given: in place of --plan "
                f"give {expected}."
            ) from None
        raise ValueError(
            f"--plan: {str(path)!r} is not what `jaxmle plan --given ... --json` printed into a file."
        ) from None
    if by or not found["options"]:
        if by and sorted(by) != sorted(planned_by):
            named = f"by {', '.join(planned_by)}" if planned_by else "without slices"
            raise ValueError(f"--plan: {str(path)!r} is a plan {named}, and --by says {', '.join(by)}.")
        order = [planned_by.index(column) for column in by or planned_by]

        def in_order(key: tuple[str | None, ...]) -> SliceKey:
            return tuple(key[place] for place in order)

        if not any(slices.values()):
            raise ValueError(f"--plan: {str(path)!r} has no slice with labels to draw.")
        reasons |= {key: _ENOUGH for key, n in slices.items() if not n}
        return PlannedDraw(
            {in_order(key): n for key, n in slices.items()},
            reasons={in_order(key): reason for key, reason in reasons.items()},
        )
    if not n_labels:
        raise ValueError(f"--plan: {str(path)!r} has no labels to draw.")
    return PlannedDraw(n_labels, flagged)


_Key = tuple[str | None, ...]


def _planned(found: Document) -> tuple[list[str], dict[_Key, int], dict[_Key, str], int | None, int | None]:
    """Columns of slices, labels of each that reaches its goal, what is said of some; labels, flagged ones.

    Raises:
        ValueError: A value is none that a plan has; as `KeyError`, `TypeError` and `AttributeError` where it
            is missing, or of another kind.
    """
    by, flagged = list(found["settings"]["by"]), (found.get("split") or {}).get("flagged")
    keys = [(tuple(one["key"][column] for column in by), one) for one in found.get("slices") or ()]
    slices = {key: one["n_labels"] or 0 for key, one in keys if one["reached"]}
    reasons = {key: one["reason"] for key, one in keys if not one["reached"]}
    reasons |= {key: _drawn_otherwise(one) for key, one in keys if slices.get(key) and one.get("split")}
    numbers = [*slices.values(), *(one for one in (found["n_labels"], flagged) if one is not None)]
    words = [*by, *reasons.values(), *(value for key, _ in keys for value in key if value is not None)]
    if not (
        found["command"] == "plan"
        and "at_hand" in found
        and isinstance(found["options"], list)
        and all(type(one) is int for one in numbers)
        and all(isinstance(one, str) for one in words)
    ):
        raise ValueError
    return by, slices, reasons, found["n_labels"], flagged
