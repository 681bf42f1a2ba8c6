"""Labels that were drawn by a design: where they are, whether they are of it, and what each stands for."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxmle._data import UNLABELED_WORDS, Counts, LabelDesign, Look
from jaxmle._tables._aggregate import Roles, listed, word_of
from jaxmle._tables._checks import check_column, shown, zeros_hint
from jaxmle._tables._count import count_rows
from jaxmle._tables._designed_words import meanings_of
from jaxmle._tables._draw import Item, Judged, judged_items
from jaxmle._tables._open import open_source
from jaxmle._tables._slice_counts import SliceCounts, shown_key
from jaxmle._tables._slice_rows import few
from jaxmle._tables._source import VERDICTS, Source
from jaxmle._tables._table import Table
from jaxmle._types import Array, Document

_LABELS = ".labels"


@dataclass(frozen=True)
class Designed:
    """What a design says of the rows where the user did not.

    Attributes:
        design: The design.
        source: The rows, opened.
        judges: Columns of the judge's verdicts.
        humans: Columns of labels.
        id: Columns that name an item, where labels are joined.
        human_source: Where the labels are, or None where they stand among the rows.
        where: Condition that the items meet, or None.
        skipped: Items that somebody passed over, whether or not another labelled them.
        looks: Verdicts that were asked for with its labels, or with those of earlier rounds alone.
    """

    design: LabelDesign
    source: Source
    judges: tuple[str, ...]
    humans: tuple[str, ...]
    id: tuple[str, ...]
    human_source: object
    where: str | None
    skipped: tuple[Item, ...] = ()
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True)
class LabelProgress:
    """How far the labels of a design have come.

    Attributes:
        n_drawn: Drawn items that have a label.
        n_labels: Items that have one, those before the draw too.
        skipped: Items that were passed over and have none: how many the judge flags, and how many others.
        looks: Verdicts that were asked for, as of `Designed`.
    """

    n_drawn: int
    n_labels: int
    skipped: tuple[int, int]
    looks: tuple[Look, ...]


def designed(
    design: LabelDesign | str | os.PathLike[str],
    source: object,
    *,
    judges: tuple[str, ...] = (),
    humans: tuple[str, ...] = (),
    id: tuple[str, ...] = (),
    human_source: object = None,
    where: str | None = None,
) -> Designed:
    """Complete what was said of rows by what their design says, and find the labels.

    Labels that nobody pointed to are looked for beside the design's file: of each rater, of earlier rounds,
    and those that the rows held before the draw.

    Raises:
        ValueError: The design cannot be read, or there are no labels.
        OSError: Its file cannot be read.
    """
    path = None if isinstance(design, LabelDesign) else Path(design)
    found = design if isinstance(design, LabelDesign) else LabelDesign.load(design)
    opened = open_source(source)
    answers = {} if path is None else _answers(found, path)
    if human_source is not None:
        humans = humans or (found.label,)
    elif not humans or not set(humans) <= set(opened.columns):
        if path is None:
            raise ValueError(
                "`human_source` (--human-file) must say where the labels are: a design that is no file has "
                "none beside it."
            )
        rows, raters = joined_labels(opened, found, path, answers=answers)
        human_source = Table(rows).call(f"the labels beside {str(path)!r}")
        humans = humans or raters
    conditions = dict.fromkeys(one for one in (found.where, where) if one)
    return Designed(
        found,
        opened,
        judges or found.judge,
        humans,
        (id or found.id) if human_source is not None else (),
        human_source,
        " AND ".join(f"({one}\n)" for one in conditions)
        if len(conditions) > 1
        else next(iter(conditions), None),
        () if path is None else _skipped(found, answers),
        found.looks if path is None else _looks(found, path),
    )


def _looks(design: LabelDesign, path: Path) -> tuple[Look, ...]:
    """Verdicts asked for by a design, and by those of earlier rounds after this one was drawn from them."""
    files = [path.with_name(name) for name in design.earlier]
    earlier = [look for file in files if file.is_file() for look in LabelDesign.load(file).looks]
    return tuple(dict.fromkeys([*earlier, *design.looks]))


def joined_labels(
    source: Source,
    design: LabelDesign,
    path: Path,
    *,
    required: bool = True,
    earlier_alone: bool = False,
    answers: Mapping[Path, Source] | None = None,
) -> tuple[list[Document] | None, tuple[str, ...]]:
    """Labels that stand beside a design, a row an item, and the columns of the raters.

    Args:
        source: The rows of verdicts, which may hold earlier labels.
        design: The design.
        path: Its file: of "queue.json" the labels are in "queue.labels.csv", or "queue.labels-NAME.csv" for
            each rater, or in "queue.csv" itself.
        required: Whether it is an error if there are none.
        earlier_alone: Whether to leave out those of this round.
        answers: Files of answers that are open already, as `_answers` has them.

    Raises:
        ValueError: A file cannot be used, or there are none.
    """
    merged: dict[Item, Document] = {}
    raters: dict[str, None] = {}

    def add(rows: Sequence[tuple[Any, ...]], rater: str) -> None:
        raters.setdefault(rater)
        for *item, label in rows:
            merged.setdefault(tuple(item), dict(zip(design.id, item, strict=True)))[rater] = label

    found = _answers(design, path) if answers is None else answers
    for name in (*design.earlier, *([] if earlier_alone else [path.name])):
        queue = path.with_name(name).with_suffix(".csv")
        for file in label_files(queue) or [one for one in [queue] if one.is_file()]:
            opened = found[file] if file in found else open_source(file)
            if rows := labels_of(opened, design.id, design.label):
                add(_told(rows, (), ()), rater_of(file) or design.label)
    if design.human is not None and (rows := labels_of(source, design.id, design.human)):
        add(_told(rows, design.human_failure, design.passes), next(iter(raters), design.label))
    if not merged:
        if not required:
            return None, ()
        queue = path.with_suffix(".csv")
        raise ValueError(
            f"there are no labels beside {str(path)!r} yet: label with `jaxmle label {queue}`, or name the "
            "file that has them with `human_source` (--human-file)."
        )
    empty: Document = dict.fromkeys(raters)
    return [empty | row for row in merged.values()], tuple(raters)


def _told(
    rows: Sequence[tuple[Any, ...]], failure: Sequence[str], passes: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Rows with ids and a label, those that mean failure or pass as `FAILED` and `PASSED`."""
    words = meanings_of({str(row[-1]) for row in rows}, failure, passes)
    return [(*item, words.get(str(word).strip().lower(), word)) for *item, word in rows]


def _answers(design: LabelDesign, path: Path) -> dict[Path, Source]:
    """Files of answers beside a design, and those of earlier rounds, opened."""
    queues = [path.with_name(name).with_suffix(".csv") for name in (*design.earlier, path.name)]
    return {file: open_source(file) for queue in queues for file in label_files(queue)}


def _skipped(design: LabelDesign, answers: Mapping[Path, Source]) -> tuple[Item, ...]:
    """Items that stand in a file of answers without a label."""
    found: dict[Item, None] = {}
    for source in answers.values():
        if {*design.id, design.label} <= set(source.columns):
            labeled = {tuple(item) for *item, _ in labels_of(source, design.id, design.label)}
            rows = rows_of(source)
            named = [tuple((row[column] or "").strip() for column in design.id) for row in rows]
            found |= dict.fromkeys(item for item in named if item not in labeled)
    return tuple(found)


def label_files(queue: Path) -> list[Path]:
    """Files of labels beside a queue, those of no named rater first."""
    mark = queue.stem + _LABELS
    found = sorted(queue.parent.glob("*.csv"))
    return [one for one in found if one.stem == mark or one.stem.startswith(f"{mark}-")]


def label_file(queue: Path, rater: str | None) -> Path:
    """The file of labels of a rater."""
    return queue.with_name(f"{queue.stem}{_LABELS}{f'-{rater}' if rater else ''}.csv")


def rater_of(file: Path) -> str | None:
    """The rater whose labels a file holds, or None."""
    _, _, rater = file.stem.rpartition(_LABELS)
    return rater[1:] if rater.startswith("-") else None


def labels_of(source: Source, id: Sequence[str], label: str) -> list[tuple[Any, ...]]:
    """Ids and label of each row that has one."""
    for column in (*id, label):
        check_column(source, column)
    text = source.text(label)
    names = ", ".join(f"trim({source.text(column)}) AS i{place}" for place, column in enumerate(id))
    return source.query(
        f"SELECT {names}, {text} AS h FROM {VERDICTS} "
        f"WHERE coalesce({word_of(text)}, '') NOT IN ({listed(UNLABELED_WORDS)})"
    )


def rows_of(source: Source) -> list[dict[str, str | None]]:
    """All rows of a small source, as text by column."""
    texts = ", ".join(source.text(column) for column in source.columns)
    rows = source.query(f"SELECT {texts} FROM {VERDICTS}")
    return [dict(zip(source.columns, row, strict=True)) for row in rows]


def check_frame(items: Judged, design: LabelDesign) -> None:
    """Raise ``ValueError`` unless the items are those from which a design drew."""
    kind = design.kind
    frame, n = items.fingerprint(verdicts=kind == "by-verdict", slices=kind == "by-slice")
    if frame == design.frame:
        return
    what = f"there are {n:,} judged items, and there were {design.n_judged:,} at the draw"
    if n == design.n_judged:
        compared = {
            "by-verdict": "their ids or verdicts",
            "by-slice": "their ids or slices",
            "random": "their ids",
        }
        what = f"{compared[kind]} are others than at the draw"
    raise ValueError(
        f"{items.source.name} holds other items than the design was drawn from: {what}. Labels of a sample "
        "speak for what it is a sample of: give the file as it was, or draw anew."
    )


def check_drawn(items: Judged, design: LabelDesign) -> None:
    """Raise ``ValueError`` where an item has a label and was neither drawn nor labelled before the draw."""
    strangers = set(items.labeled) - set(design.drawn) - set(design.before)
    if not strangers:
        return
    item = min(strangers)
    zeros = zeros_hint(strangers, {*design.drawn, *design.before})
    said = ", ".join(f"{column} {shown(name)}" for column, name in zip(items.id, item, strict=True))
    raise ValueError(
        f"{len(strangers):,} labelled {'item was' if len(strangers) == 1 else 'items were'} not drawn by the "
        f"design, such as {said}: items that somebody chose would bias the estimate. Leave them out with "
        "`human_where` (--human-where), or estimate without the design and say how the labels were chosen."
        f"{zeros}"
    )


def count_designed(
    source: Source, roles: Roles, drawn: Designed, **meaning: Any
) -> tuple[SliceCounts, LabelProgress]:
    """Count rows as `count_rows` does, each label standing for what its design drew it from.

    Args:
        source: An opened source, labels joined.
        roles: Which columns are meant.
        drawn: How the labels were drawn.
        **meaning: What words and scores mean, as in `count`.

    Returns:
        The counts, and how far the labels have come.

    Raises:
        ValueError: As `count_rows`; the items are not those of the draw; a label is of an item that was not
            drawn; weights or clusters come with a draw by slice; or a slice has no label yet.
    """
    design = drawn.design
    items = judged_items(source, replace(roles, by=design.by, where=design.where), design.id, **meaning)
    check_frame(items, design)
    check_drawn(items, design)
    labeled = set(items.labeled)
    ours = set(design.drawn) | set(design.before)
    skipped = items.unlabeled_verdicts([item for item in drawn.skipped if item in ours])
    n = LabelProgress(len(labeled & set(design.drawn)), len(labeled), skipped, drawn.looks)
    if design.kind != "by-slice":
        return count_rows(source, roles, **meaning), n
    if roles.weight or roles.cluster:
        raise ValueError(
            "labels drawn by slice have weights of their own: leave `weight` (--weight) and `cluster` "
            "(--cluster) out."
        )
    more = tuple(column for column in design.by if column not in roles.by)
    table = count_rows(source, replace(roles, by=(*roles.by, *more)), **meaning)
    return weighted(table, roles.by, design.by), n


def weighted(table: SliceCounts, by: Sequence[str], strata: Sequence[str]) -> SliceCounts:
    """Counts of slices in which each label stands for its share of the items that it was drawn from.

    Labelled items of a stratum are weighted to their share of all items, and so are the others, so that each
    of the two is like all items: a Hajek estimate (Horvitz and Thompson, JASA 47, 1952). Where all items of
    a stratum are labelled, their own verdicts stand for those of the others too: there each verdict counts in
    two cells, whose sum varies as its whole weight does, not as two halves that know nothing of each other.
    Within a stratum weights are equal, so that slices within strata are counted as they are.

    Args:
        table: Counts by ``by`` and ``strata``.
        by: Columns that make the slices that are asked for.
        strata: Columns of the slices among which was drawn.

    Raises:
        ValueError: A stratum has no label.
    """
    cells = np.stack([np.asarray(value, float) for value in table.counts.values()], -1)
    of = _places([tuple(key[column] for column in strata) for key in table.keys])
    labeled, other = (_summed(cells[:, part].sum(1), of) for part in (slice(0, 4), slice(4, 6)))
    if (labeled == 0).any():
        first = {int(stratum): place for place, stratum in reversed(list(enumerate(of)))}
        keys = [table.keys[first[int(stratum)]] for stratum in np.flatnonzero(labeled == 0)]
        named = few([shown_key({column: key[column] for column in strata}) for key in keys])
        raise ValueError(
            f"no label yet where {named}: the rate of all items speaks of these too. Label them, or leave "
            "them out with `where` (--where)."
        )
    size, share = labeled + other, labeled.sum() / (labeled.sum() + other.sum())
    mine = (share * size / labeled)[of, None]
    rest = np.where(other > 0, (1 - share) * size / np.maximum(other, 1), 0)[of, None]
    twice = np.where(other > 0, 0, (1 - share) * size / labeled)[of, None]
    flags = np.stack([cells[:, 0] + cells[:, 2], cells[:, 1] + cells[:, 3]], -1)
    sums = np.concatenate([mine * cells[:, :4], rest * cells[:, 4:] + twice * flags], 1)
    # (a + b)^2 for a verdict that weighs a in one cell and b in another, less the a^2 that stand there.
    again = np.where(twice > 0, (mine + twice) ** 2 - mine**2, 0)
    squares = np.concatenate([mine**2 * cells[:, :4], rest**2 * cells[:, 4:] + again * flags], 1)
    if by and set(strata) <= set(by):
        return replace(
            table, weighted_total=Counts(*map(float, sums.sum(0))), weighted_squares=squares.sum(0)
        )
    place = _places([tuple(key[column] for column in by) for key in table.keys])
    _, first_rows = np.unique(place, return_index=True)

    def summed(values: Array) -> Array:
        return np.stack([_summed(column, place) for column in np.asarray(values).T], -1)

    items = table.n_items
    return replace(
        table,
        counts=Counts(*summed(sums).T),
        keys=[{column: table.keys[i][column] for column in by} for i in first_rows],
        squares=summed(squares),
        unjudged=summed(table.unjudged).astype(np.int64),
        left_out=[] if not by else table.left_out,
        n_items=None if items is None else _summed(items, place).astype(np.int64),
    )


def _places(keys: list[tuple[str | None, ...]]) -> Array:
    """Place of each key among the distinct ones, in the order in which they come."""
    known = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return np.array([known[key] for key in keys], dtype=np.int64)


def _summed(values: Array, place: Array) -> Array:
    return np.bincount(place, weights=values, minlength=int(place.max()) + 1)
