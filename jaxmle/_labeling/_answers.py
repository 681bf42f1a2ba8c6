"""A queue of items and what a person has said of them, saved after each answer."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jaxmle._data import (
    NAMED_WORDS,
    UNLABELED_WORDS,
    Counts,
    LabelDesign,
    as_words,
    printable,
    says_good,
    sides_of,
    writing_of,
)
from jaxmle._engine import held_lock, whole_file
from jaxmle._tables import (
    FAILED,
    PASSED,
    check_column,
    is_formula,
    label_file,
    label_files,
    labels_of,
    meanings_of,
    open_source,
    rater_of,
    rows_of,
    zeros_hint,
)

Item = tuple[str, ...]
# What a label says, and what is written of an item that was passed over.
ANSWERS = (FAILED, PASSED, "")
_SHOWN = 40


@dataclass(frozen=True)
class Queue:
    """Items to label.

    Attributes:
        path: Their file.
        design: How they were drawn, or None where nobody says.
        id: Columns that name an item.
        label: Column of labels.
        columns: Columns that may be shown, the judge's verdicts left out.
        verdicts: Columns with verdicts of the judge.
        items: Ids, in order.
        rows: What each column says of each item.
    """

    path: Path
    design: LabelDesign | None
    id: tuple[str, ...]
    label: str
    columns: tuple[str, ...]
    verdicts: tuple[str, ...]
    items: tuple[Item, ...]
    rows: tuple[dict[str, str | None], ...]

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def load(cls, path: Path, *, id: Sequence[str] = ()) -> "Queue":
        """Read a queue, and its design where that stands beside it.

        Raises:
            ValueError: It is not there or cannot be read; nothing says which columns name an item; or ids
                are missing, repeated, or others than those that the design drew.
            OSError: The design cannot be read.
        """
        source = open_source(str(path))
        beside = path.with_suffix(".json")
        design = LabelDesign.load(beside) if beside.is_file() else None
        names = tuple(id) or (design.id if design else ())
        if not names:
            raise ValueError(
                f"there is no design {str(beside)!r} beside the queue: name the column that tells its items "
                "apart with --id."
            )
        for column in names:
            check_column(source, column)
        rows = rows_of(source)
        items = tuple(tuple((row[column] or "").strip() for column in names) for row in rows)
        if not all(all(item) for item in items) or len(set(items)) < len(items):
            raise ValueError(f"{str(path)!r}: {' and '.join(names)} must name each item, and each once.")
        if design and set(items) != set(design.drawn):
            raise ValueError(_other_items(path, beside, set(items), design))
        label = design.label if design else "label"
        judges = tuple(one for one in (design.judge if design else ()) if one in source.columns)
        hidden = {*names, label, *judges}
        shown = tuple(column for column in source.columns if column not in hidden)
        return cls(path, design, names, label, shown, judges, items, tuple(map(_unguarded, rows)))


@dataclass
class Answers:
    """What one person has said of a queue.

    Attributes:
        queue: The queue.
        path: File of the answers.
        said: "fail", "pass" or, of an item that was passed over, "", by id.
    """

    queue: Queue
    path: Path
    said: dict[Item, str] = field(default_factory=dict)

    @classmethod
    def open(cls, queue: Queue, rater: str | None = None) -> "Answers":
        """Go on where the file of a person's answers left off; there may be none yet.

        Raises:
            ValueError: The name of the person is of no file, the file holds items of another queue, or a word
                that is no label.
        """
        found = cls(queue, _file_of(queue, rater))
        path = found.path
        if path.is_file():
            source = open_source(str(path))
            for column in (*queue.id, queue.label):
                check_column(source, column)
            rows = rows_of(source)
            found.said = {
                tuple((row[column] or "").strip() for column in queue.id): row[queue.label] or ""
                for row in rows
            }
            found._check(str(path))
        return found

    @classmethod
    @contextmanager
    def held(cls, queue: Queue, rater: str | None = None) -> "Iterator[Answers]":
        """Answers that nobody else can write while the block runs: each save writes all of them.

        Raises:
            ValueError: As `open`; or somebody is at work on them.
        """
        path = _file_of(queue, rater)
        refusal = (
            f"{str(path)!r} is being written by another `jaxmle label`: end that one first, or label as "
            f"{'somebody else' if rater else 'yourself'} with --rater NAME."
        )
        with held_lock(path.with_name(f".{path.name}.lock"), refusal):
            yield cls.open(queue, rater)

    def check_own(self, taken: Path | None = None) -> None:
        """Raise ``ValueError`` where the queue itself holds labels that answers would take the place of.

        Args:
            taken: The file that labels are about to be taken from, which may be the queue.
        """
        held = [
            item
            for item, row in zip(self.queue.items, self.queue.rows, strict=True)
            if (word := (row.get(self.queue.label) or "").strip().lower())
            and word not in UNLABELED_WORDS
            and item not in self.said
        ]
        if held and (taken is None or taken.resolve() != self.queue.path.resolve()):
            name = str(self.queue.path)
            raise ValueError(
                f"{name!r} holds labels itself, {len(held):,} of them not among the answers, which count "
                f"alone once there are any: take them over first, with `jaxmle label {name} --import {name}`."
            )

    def answer(self, place: int, label: str) -> None:
        """Keep an answer, on the disk before this returns.

        Raises:
            OSError: The file cannot be written; the answer is not kept then.
        """
        self._keep({self.queue.items[place]: label})

    def _keep(self, new: Mapping[Item, str], name: str | None = None) -> None:
        """Add answers, from a file if it has a name, and write them all; where that fails, none is added."""
        before = dict(self.said)
        try:
            self.said |= new
            if name is not None:
                self._check(name)
            self._save()
        except (OSError, ValueError):
            self.said = before
            raise

    def _save(self) -> None:
        """Write all answers, whole or not at all, in the order of the queue."""
        with whole_file(self.path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow([*self.queue.id, self.queue.label])
            known = (item for item in self.queue.items if item in self.said)
            table.writerows([*item, self.said[item]] for item in known)

    def take(self, path: Path, *, label: str, failure: Sequence[str] = (), passes: Sequence[str] = ()) -> int:
        """Add labels of a spreadsheet or a page, and return how many there were.

        Args:
            path: A file with the columns that name an item, and labels.
            label: Column of the labels.
            failure: Words that mean failure; of "1" and "0", "yes" and "no" and the like the other one is
                then a pass.
            passes: Words that mean pass, likewise.

        Raises:
            ValueError: A word is neither, the column's name says that 1, true or yes is good and nobody says
                what is a failure, or an item is not of the queue, or has another label already.
            OSError: The file cannot be written; no label is added then.
        """
        rows = labels_of(open_source(str(path)), self.queue.id, label)
        words = _meanings({word.strip().lower() for *_, word in rows}, label, failure, passes)
        new: dict[Item, str] = {}
        for *item, word in rows:
            meant = words.get(word.strip().lower())
            named = ", ".join(map(str, item))
            if meant is None:
                raise ValueError(
                    f"{str(path)!r}: {printable(word, _SHOWN)!r} of {printable(named, _SHOWN)} is neither a "
                    "failure nor a pass: say which words are with --failure and --pass."
                )
            if new.get(tuple(item), meant) != meant:
                raise ValueError(f"{str(path)!r} holds two labels of {printable(named, _SHOWN)}.")
            new[tuple(item)] = meant
        if not new:
            raise ValueError(f"{str(path)!r} holds no label in column {label!r}.")
        other = next((one for one, said in new.items() if self.said.get(one, "") not in ("", said)), None)
        if other is not None:
            raise ValueError(
                f"{str(path)!r} says {new[other]} of {printable(', '.join(other), _SHOWN)}, and "
                f"{str(self.path)!r} says {self.said[other]}: settle it, or name another --rater."
            )
        self._keep(new, str(path))
        return len(new)

    @property
    def labels(self) -> list[dict[str, str]]:
        """Rows with ids and labels, of the items that have one."""
        return [
            {**dict(zip(self.queue.id, item, strict=True)), self.queue.label: label}
            for item, label in self.said.items()
            if label
        ]

    def number_of(self, label: str) -> int:
        """How many items have this answer."""
        return list(self.said.values()).count(label)

    @property
    def next_place(self) -> int:
        """Place of the first item that has no answer; then of the first that was passed over; then 0."""
        items = list(enumerate(self.queue.items))
        unseen = (place for place, item in items if item not in self.said)
        skipped = (place for place, item in items if not self.said.get(item))
        return next(unseen, next(skipped, 0))

    def _check(self, name: str) -> None:
        strangers = set(self.said) - set(self.queue.items)
        if strangers:
            one = len(strangers) == 1
            raise ValueError(
                f"{name} has {'an item that is' if one else f'{len(strangers):,} items that are'} not in the "
                f"queue{',' if one else ', such as'} {printable(', '.join(min(strangers)), _SHOWN)!r}: "
                "labels of items that were not drawn would undo the design."
                f"{zeros_hint(strangers, self.queue.items)}"
            )
        odd = next((label for label in self.said.values() if label not in ANSWERS), None)
        if odd is not None:
            raise ValueError(f"{name} holds {printable(odd, _SHOWN)!r}, which this labeller did not write.")


def _other_items(path: Path, beside: Path, items: set[Item], design: LabelDesign) -> str:
    """What is wrong with a queue that does not hold the items that were drawn, and what to do."""
    lost, new = set(design.drawn) - items, items - set(design.drawn)
    if not new:
        some = (
            f"{len(lost):,} of the {design.n_drawn:,} drawn items, such as"
            if len(lost) > 1
            else "the drawn item"
        )
        return (
            f"{str(path)!r} lacks {some} {printable(', '.join(min(lost)), _SHOWN)!r}: rows that were "
            "deleted are missing labels, not fewer items. Give this file another name, draw again by the "
            f"same command, and take its labels with `jaxmle label {path} --import OTHER`."
        )
    return (
        f"{str(path)!r} holds other items than {str(beside)!r} says were drawn, such as "
        f"{printable(', '.join(min(new)), _SHOWN)!r}: labels of the drawn ones alone speak for the rest."
        f"{zeros_hint(new, design.drawn)}"
    )


def raters(queue: Queue) -> dict[str, Answers]:
    """Answers of everybody who has begun, by name."""
    return {
        rater_of(file) or queue.label: Answers.open(queue, rater_of(file)) for file in label_files(queue.path)
    }


def agreed(first: Answers, second: Answers) -> tuple[Counts, list[Item]]:
    """What two people say of the items that both labelled, and the items on which they differ.

    Args:
        first: Answers of one of them.
        second: Those of the other, of the same queue.

    Returns:
        Counts with the first as the human and the second as the judge, and the items in the order of the
        queue. What either skipped, or has not reached, is in neither.
    """
    both = [item for item in first.queue.items if first.said.get(item) and second.said.get(item)]
    cells = [(first.said[item], second.said[item]) for item in both]
    pairs = ((FAILED, FAILED), (FAILED, PASSED), (PASSED, FAILED), (PASSED, PASSED))
    tp, fn, fp, tn = (cells.count(pair) for pair in pairs)
    counts = Counts(tp, fn, fp, tn, 0, 0)
    return counts, [item for item in both if first.said[item] != second.said[item]]


def agreed_together(raters: Sequence[Answers]) -> tuple[list[tuple[int, int, int]], list[Item]]:
    """How several people agree: how many call an item a failure, how many a pass, of how many items.

    Args:
        raters: Answers of each, of the same queue.

    Returns:
        These numbers, and the items on which they do not all say the same, in the order of the queue.
    """
    said = [[one.said.get(item) for one in raters] for item in raters[0].queue.items]
    votes = [(labels.count(FAILED), labels.count(PASSED)) for labels in said]
    kinds = dict.fromkeys(one for one in votes if sum(one))
    differ = [item for item, one in zip(raters[0].queue.items, votes, strict=True) if all(one)]
    return [(*one, votes.count(one)) for one in kinds], differ


def _meanings(held: set[str], label: str, failure: Sequence[str], passes: Sequence[str]) -> dict[str, str]:
    """What each word of a column of labels says, as `estimate` would read it with the same options."""
    explained = writing_of(as_words(tuple(failure)) | as_words(tuple(passes)))
    sides = sides_of(frozenset(held) & NAMED_WORDS)
    if sides is not None and says_good(label) and not frozenset(held) & explained:
        bad, good = sides
        raise ValueError(
            f"{printable(label, _SHOWN)!r} reads as if {bad} meant good: say --failure {good} if so, or "
            f"--failure {bad} if {bad} is the failure all the same."
        )
    # A word that is neither known nor given is no label: nobody looks at it again.
    return meanings_of(held, failure, passes, lone_is_pass=False)


def _file_of(queue: Queue, rater: str | None) -> Path:
    if rater is not None and (not rater.strip() or set(rater) & set('/\\:*?"<>|\0') or rater in queue.id):
        raise ValueError(f"--rater names a file and a column: {rater!r} cannot.")
    return label_file(queue.path, rater)


def _unguarded(row: Mapping[str, str | None]) -> dict[str, str | None]:
    """Texts without the apostrophe that kept a spreadsheet from running them."""
    return {
        name: text[1:] if text is not None and text.startswith("'") and is_formula(text[1:]) else text
        for name, text in row.items()
    }
