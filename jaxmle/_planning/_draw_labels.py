"""Which items to label: drawn by a design, never chosen by hand."""

import csv
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import Bounds, DrawKind, LabelDesign, Stratum, printable
from jaxmle._engine import whole_file
from jaxmle._inference import check_seed, check_whole
from jaxmle._planning._allocation import SliceKey, best_flagged, by_slice, of_each_slice, shared_out
from jaxmle._results import Result
from jaxmle._tables import (
    MEANING,
    Combining,
    Judged,
    Roles,
    Table,
    by_rater,
    check_drawn,
    check_frame,
    column_names,
    columns_to_show,
    guarded,
    is_formula,
    joined_labels,
    judged_items,
    label_files,
    labels_of,
    meaning_of,
    open_panel,
    open_source,
    said_at_draw,
    with_blank_labels,
)
from jaxmle._types import Array

if TYPE_CHECKING:
    from jaxmle._tables import Columns


@pytree
@dataclass(frozen=True, eq=False)
class LabelQueue(Result):
    """Items to label, in an order of chance.

    Attributes:
        design: What was drawn from what, and how.
        columns: Columns that the person at work is to see, those that name an item first.
        rows: What they say of each item, as text or None.
        left_out: Columns that are not shown since they read as if they held labels of humans; ``columns`` of
            `draw_labels` shows them.
    """

    design: LabelDesign
    columns: tuple[str, ...] = field(metadata={"static": True})
    rows: tuple[tuple[str | None, ...], ...] = field(metadata={"static": True})
    left_out: tuple[str, ...] = field(default=(), metadata={"static": True})

    def __str__(self) -> str:
        return str(self.design)

    def save(self, path: str | Path, *, raw_csv: bool = False) -> None:
        """Write the queue as CSV with an empty column for labels, and the design beside it as JSON.

        The queue comes first, so that no new design ever stands beside an old queue. Where the very same
        design stands there already, the labels and the looks that were noted in it stay.

        Args:
            path: The queue, such as "queue.csv"; the design is then "queue.json".
            raw_csv: Whether texts go into it as they are; else those that a spreadsheet would run as formulas
                get an apostrophe in front.

        Raises:
            OSError: A file cannot be written.
            ValueError: The name does not end in .csv, the design is too large, an id would be run as a
                formula, or labels of another draw are there, in a queue of this name or in files beside it.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> with TemporaryDirectory() as folder:
            ...     draw_labels([{"a": 1, "j": 1}], judge="j", id="a", n_labels=1).save(f"{folder}/q.csv")
        """
        path, ids = Path(path), len(self.design.id)
        if path.suffix.lower() != ".csv":
            raise ValueError(f"a queue is a CSV file: its name must end in .csv; got {str(path)!r}.")
        odd = next((name for item in self.design.drawn for name in item if is_formula(name)), None)
        if odd is not None and not raw_csv:
            raise ValueError(
                f"a spreadsheet would run the id {printable(odd, 40)!r} as a formula, and guarded it would "
                "name no item: use `raw_csv` (--raw-csv), and open the queue in no spreadsheet."
            )
        rows = self.rows if raw_csv else [[*row[:ids], *map(guarded, row[ids:])] for row in self.rows]
        beside = path.with_suffix(".json")
        is_labeled, same = _is_labeled(path, self.design.label), _is_same(beside, self.design)
        if not same and (labels := [*([path] if is_labeled else []), *label_files(path)]):
            raise ValueError(
                f"{str(labels[0])!r} holds labels of another draw, which this one would lose or mix up: give "
                "the queue another name (--out). For more labels of that draw add its --design."
            )
        # What goes wrong goes wrong before either has its name; a block that ends first is named first.
        with whole_file(beside) if not same else nullcontext() as partial_design:
            if partial_design is not None:
                self.design.save(partial_design)
            if is_labeled:
                return
            with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow([*self.columns, self.design.label])
                table.writerows([*row, ""] for row in rows)


def draw_labels(
    source: object,
    *,
    n_labels: int | Mapping[SliceKey, int],
    by_verdict: bool = False,
    n_flagged: int | None = None,
    judge_tpr: float | None = None,
    judge_fpr: float | None = None,
    bounds: Bounds | None = None,
    limit: float | None = None,
    confidence: float = 0.95,
    floor: int = 5,
    reasons: Mapping[SliceKey, str] | None = None,
    columns: Sequence[str] = (),
    show_verdict: bool = False,
    seed: int = 0,
    **rows: "Unpack[Columns]",
) -> LabelQueue:
    """Draw items for labelling, so that their labels may speak for all judged items.

    Without ``by_verdict`` and ``by`` each judged item is as likely as any other. An item that has a label is
    never drawn. What is drawn depends on the seed and on the ids alone: not on the order of the rows.

    Args:
        source: Rows of verdicts, as `tables.count` takes them, but for Ibis tables.
        n_labels: Labels to draw, >= 1. With ``by`` it may say how many of each slice, by its value, or by a
            tuple of values where several columns make it; slices that it lacks get none.
        by_verdict: Whether to draw so many of the items that the judge flags and so many of the others.
            By ``n_flagged``, or as `plan` would divide them at the rates that are expected.
        n_flagged: Labels that go to flagged items.
        judge_tpr: P(judge says failure | failure) that is expected; by default the middle of its bounds.
        judge_fpr: P(judge says failure | pass) that is expected, likewise.
        bounds: Bounds that the analysis will use.
        limit: Failure rate to certify to be below, if that is what the labels are for.
        confidence: Confidence of interval or certificate.
        floor: With ``by``, labels that each slice gets at least, >= 1; beyond it they are in proportion to
            the items. Labels that a slice has count.
        reasons: With ``n_labels`` by slice, why others get none or some are not drawn as planned: it is kept.
        columns: What the person at work is to see; all but verdicts and labels, and what reads like these, by
            default.
        show_verdict: Whether the judge's verdict is among it. Whoever sees it tends to agree.
        seed: Seed of the draw, a whole number >= 0. The same seed with more labels draws the same items and
            more.
        **rows: Arguments of `tables.count`: ``id`` is needed, ``judge``, ``by``, ``where`` and what words
            mean as there. ``human`` and ``human_source`` tell which items are labelled already; those labels
            must have been drawn at random or, with ``by_verdict``, by verdict. ``design`` is that of an
            earlier round: items that it drew are left out, labelled or not. The kinds of draws must agree,
            but a random one may come before any other.

    Returns:
        The queue and its design.

    Raises:
        ValueError: An argument is out of range; ids are missing or repeated; there are fewer items than
            labels; the floor takes more than there are; rates that are expected do not explain the judge's
            flags; or the items are not those of the earlier design.
        OSError: The earlier design cannot be read.
        TypeError: ``source`` is nothing that holds rows.

    Source:
        Simple random sampling without replacement, by the smallest hashes, which are one permanent random
        number an item (Ohlsson, in Business Survey Methods, 1995). By verdict: two-phase sampling with the
        division at which the variance that `plan` computes is smallest (Neyman, JASA 33, 1938; Tenenbein,
        JASA 65, 1970). By slice: proportional allocation (Cochran, Sampling Techniques, 1977, section 5.5)
        above a floor.

    Examples:
        >>> from jaxmle import draw_labels
        >>> answers = [{"id": str(i), "gpt4": "fail" if i < 20 else "pass"} for i in range(100)]
        >>> queue = draw_labels(answers, judge="gpt4", id="id", n_labels=10, by_verdict=True, n_flagged=6)
        >>> print(queue)
        10 of 100 judged items drawn by verdict (6 of 20 flagged, 4 of 80 passed), seed 0
    """
    check_seed(seed)
    bounds = Bounds() if bounds is None else bounds
    each = dict(n_labels) if isinstance(n_labels, Mapping) else None
    size = n_labels if not isinstance(n_labels, Mapping) else sum(n_labels.values())
    check_whole("n_labels", size, 1)
    check_whole("floor", floor, 1)
    design = rows.get("design")
    earlier = LabelDesign.load(design) if isinstance(design, str | os.PathLike) else design
    name = os.path.basename(design) if isinstance(design, str | os.PathLike) else None
    asked: dict[str, Any] = {name: value for name, value in rows.items() if value is not None}
    if earlier:
        asked = {"judge": earlier.judge, "id": earlier.id, "where": earlier.where} | asked
        if earlier.kind != "random" and "by" not in asked and not by_verdict:
            by_verdict, asked["by"] = earlier.kind == "by-verdict", earlier.by
    columns = column_names("columns", columns)
    by = column_names("by", asked.pop("by", ()))
    kind: DrawKind = "by-verdict" if by_verdict else "by-slice" if by else "random"
    if by_verdict and by:
        raise ValueError("`by_verdict` (--by-verdict) and `by` (--by) are two ways to draw: give one.")
    if each is not None and kind != "by-slice":
        raise ValueError("`n_labels` by slice goes with `by` (--by).")
    if reasons is not None and each is None:
        raise ValueError("`reasons` goes with `n_labels` by slice.")
    reason_of = by_slice(reasons or {})
    if kind != "by-verdict" and n_flagged is not None:
        raise ValueError("`n_flagged` (--flagged) goes with `by_verdict` (--by-verdict).")
    if earlier and earlier.kind != "random" and (earlier.kind, earlier.by) != (kind, by):
        raise ValueError(
            f"the earlier labels were drawn {earlier.kind}"
            f"{f' ({chr(44).join(earlier.by)})' if earlier.by else ''}: draw more of them in the same way."
        )
    items, judges, own_label, label = _items(source, asked, by, earlier, design)
    kinds = {"verdicts": kind == "by-verdict", "slices": kind == "by-slice"}
    before = items.labeled
    if earlier:
        check_frame(items, earlier)
        check_drawn(items, earlier)
        items.take([*earlier.drawn, *earlier.before])
        before = items.taken
    strata, sizes, taken = items.strata(**kinds)
    left = int(np.sum(sizes) - np.sum(taken))
    if size > left:
        raise ValueError(f"{size:,} labels are asked for, and {left:,} judged items have none yet.")
    allocation = np.array([size])
    if kind == "by-verdict":
        split = (
            partial(
                best_flagged,
                judge_tpr=_expected("judge_tpr", judge_tpr, bounds),
                judge_fpr=_expected("judge_fpr", judge_fpr, bounds),
                bounds=bounds,
                limit=limit,
                confidence=confidence,
                seed=seed,
            )
            if n_flagged is None
            else None
        )
        allocation = _by_verdict([row[0] for row in strata], sizes, taken, size, n_flagged, split)
    elif kind == "by-slice":
        allocation = (
            shared_out(size, sizes, taken, floor)
            if each is None
            else of_each_slice(strata, sizes, taken, each)
        )
    drawn = items.draw(strata, allocation, seed, **kinds)
    hidden = {own_label, label, items.roles.human} | (set() if show_verdict else {*judges, items.roles.judge})
    shown, not_shown = columns_to_show(items, columns, hidden)
    names = [*items.id, *shown]
    frame, n_judged = items.fingerprint(**kinds)
    file, sha256 = _file_of(source)
    found = LabelDesign(
        kind=kind,
        seed=int(seed),
        n_judged=n_judged,
        strata=tuple(
            Stratum(_key(kind, by, row), size, had, int(n), reason_of.get(row))
            for row, size, had, n in zip(strata, sizes, taken, allocation, strict=True)
        ),
        drawn=tuple(drawn),
        before=tuple(before),
        judge=judges,
        id=items.id,
        by=by,
        frame=frame,
        label=label,
        human=own_label,
        where=asked.get("where"),
        **said_at_draw(asked, own_label, earlier),
        earlier=(*earlier.earlier, *([name] if name else [])) if earlier else (),
        source_file=file,
        source_sha256=sha256,
        looks=earlier.looks if earlier else (),
    )
    return LabelQueue(found, tuple(names), tuple(items.rows(drawn, names)), tuple(not_shown))


def _items(
    source: object, asked: dict[str, Any], by: tuple[str, ...], earlier: LabelDesign | None, design: object
) -> tuple[Judged, tuple[str, ...], str | None, str]:
    """The judged items, the judge's columns, the column of labels in the source, that of the queue."""
    meaning = {name: asked[name] for name in (*MEANING, "on_invalid") if name in asked}
    id, judges, humans = (column_names(name, asked.get(name, ())) for name in ("id", "judge", "human"))
    if not id:
        raise ValueError("`id` (--id) must name the column that tells items apart: labels come back by it.")
    human_source = asked.get("human_source")
    opened = source if isinstance(source, Table) else open_source(source)
    if not isinstance(opened, Table):
        raise ValueError("items are drawn from files and tables in memory; draw from Ibis tables in Ibis.")
    own = humans[0] if humans and human_source is None else None
    if earlier and human_source is None and not humans and isinstance(design, str | os.PathLike):
        human_source, humans = joined_labels(opened, earlier, Path(design), required=False)
        own = earlier.human
    label = earlier.label if earlier else "label"
    if earlier:
        meaning = meaning_of(earlier, meaning, in_rows=human_source is None)
    if not humans:
        humans = (with_blank_labels(opened),)
        label = humans[0]
    human_source, humans = by_rater(human_source, humans, id, asked.get("human_where"))
    where = asked.get("where")
    combining = Combining(
        judges, humans, asked.get("combine"), asked.get("human_combine"), asked.get("missing", "drop")
    )
    opened, roles, _ = open_panel(
        opened,
        Roles(next(iter(judges), ""), humans[0], by, where=where),
        combining,
        human_source=human_source,
        id=id if human_source is not None else (),
        human_where=asked.get("human_where"),
        **meaning,
    )
    return judged_items(opened, roles, id, **meaning), judges or (roles.judge,), own, label


def _by_verdict(
    flags: Sequence[int],
    sizes: Sequence[int],
    taken: Sequence[int],
    n_labels: int,
    n_flagged: int | None,
    split: Callable[[int, int, int], int] | None,
) -> Array:
    """New labels of flagged items and of others, in the order of ``flags``."""
    size, left = dict(zip(flags, sizes, strict=True)), dict.fromkeys((0, 1), 0)
    left |= {flag: n - had for flag, n, had in zip(flags, sizes, taken, strict=True)}
    if split is not None:
        best = split(n_labels, size.get(1, 0), size.get(0, 0))
        n_flagged = int(np.clip(best, n_labels - left[0], left[1]))
    first = cast(int, n_flagged)
    check_whole("n_flagged", first, 0)
    if first > left[1] or n_labels - first > left[0] or first > n_labels:
        raise ValueError(
            f"{first:,} flagged of {n_labels:,} items are asked for; without a label are {left[1]:,} flagged "
            f"items and {left[0]:,} others."
        )
    return np.array([first if flag else n_labels - first for flag in flags])


def _expected(name: str, given: float | None, bounds: Bounds) -> float:
    """A rate of the judge that is expected: as given, or the middle of its bounds."""
    if given is not None:
        return given
    low, high = getattr(bounds, name.removeprefix("judge_"))
    if (low, high) == (0, 1):
        raise ValueError(
            "say what you expect of the judge with `judge_tpr` (--judge-tpr) and `judge_fpr` (--judge-fpr), "
            "as in `plan`, or how many of the labels go to flagged items with `n_flagged` (--flagged)."
        )
    return float(low + high) / 2


def _key(kind: DrawKind, by: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, str | None]:
    if kind == "by-verdict":
        return {"verdict": "flagged" if row[0] else "passed"}
    return dict(zip(by, row, strict=False))


def _is_labeled(queue: Path, label: str) -> bool:
    """Whether a queue that is there holds labels; one that cannot be read may."""
    if not queue.is_file() or not queue.stat().st_size:
        return False
    try:
        source = open_source(str(queue))
        # Of a queue without a design beside it nothing else tells which column was meant.
        return label in source.columns and bool(labels_of(source, (label,), label))
    except ValueError:
        return True


def _is_same(path: Path, design: LabelDesign) -> bool:
    """Whether a file holds this design, whatever was asked of its labels since."""
    try:
        there = LabelDesign.load(path)
    except (OSError, ValueError):
        return False
    first, second = (replace(one, looks=(), jaxmle_version="") for one in (there, design))
    return first.sha256 == second.sha256


def _file_of(source: object) -> tuple[str | None, str | None]:
    """Name and SHA-256 of a source that is one file."""
    if not isinstance(source, str | os.PathLike) or not Path(source).is_file():
        return None, None
    with Path(source).open("rb") as file:
        return Path(source).name, hashlib.file_digest(file, "sha256").hexdigest()
