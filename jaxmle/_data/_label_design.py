"""Which items were drawn for labelling, from what and how: the file that goes with a queue."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

from jaxmle._arrays import pytree
from jaxmle._data._sealed_json import (
    MOST,
    Form,
    check_field,
    digest,
    has,
    is_sha256,
    is_text,
    json_text,
    read_json,
    write_text,
)
from jaxmle._data._text import printable
from jaxmle._results import Result
from jaxmle._types import Document

DrawKind = Literal["random", "by-verdict", "by-slice"]
LookRule = Literal["obrien-fleming", "pocock", "anytime"]

_STATIC = {"static": True}
_TEXTS = ("source_file", "where", "human", "judge_threshold")
_LISTS = ("judge", "id", "by", "earlier", "judge_failure", "human_failure", "passes")
_ITEMS = ("drawn", "before")
_STRATUM = {"key", "items", "before", "drawn"}
_REASON = "reason"
_LOOK = {"limit", "confidence", "n_labeled", "rule", "look", "of", "where"}
_FIELDS = {
    *("format", "schema_version", "jaxmle_version", "kind", "seed", "n_judged", "source_sha256", "frame"),
    *(*_TEXTS, *_LISTS, *_ITEMS, "label", "strata", "looks", "sha256"),
}
# An item takes some 20 bytes.
_FORM = Form(
    name="jaxmle label design",
    version=1,
    writer="`jaxmle draw`",
    what="design",
    instead="draw anew with this one",
    fields=frozenset(_FIELDS),
    largest=50_000_000,
)
# Strata that are named in short.
_FEW = 4


@dataclass(frozen=True)
class Stratum:
    """Items among which labels were drawn at random.

    Attributes:
        key: What they have in common: ``{"verdict": "flagged"}`` or "passed", the values of the columns of
            the slices, or nothing.
        n_items: Items with a verdict of the judge.
        n_before: Those of them that were labelled, or drawn, already.
        n_drawn: Those of the others that were drawn.
        reason: Why none was, or why they were not drawn as planned, where they were drawn by a plan.
    """

    key: dict[str, str | None]
    n_items: int
    n_before: int
    n_drawn: int
    reason: str | None = None

    @property
    def share(self) -> float:
        """Share of the items that are drawn or were labelled before."""
        return (self.n_before + self.n_drawn) / self.n_items


@dataclass(frozen=True)
class Look:
    """A verdict that was asked for.

    Attributes:
        limit: Failure rate to stay under.
        confidence: Confidence of the certificate.
        n_labeled: Labels there were.
        rule: How several looks share the error: "obrien-fleming" or "pocock", with the number of this look
            and of all that were planned; "anytime"; or None for a look without a plan.
        look: Which of the planned looks it was, or None.
        of: How many were planned, or None.
        where: Condition that the rows met beyond that of the draw, or None.
    """

    limit: float
    confidence: float
    n_labeled: int
    rule: LookRule | None = None
    look: int | None = None
    of: int | None = None
    where: str | None = None


@pytree
@dataclass(frozen=True, eq=False)
class LabelDesign(Result):
    """Which items were drawn for labelling, from what and how: made by `draw_labels` or `load`.

    Attributes:
        kind: "random", "by-verdict" or "by-slice".
        seed: Seed of the draw.
        n_judged: Items with a verdict of the judge, from which was drawn.
        strata: Among which items how many were drawn.
        drawn: Ids of the drawn items, in the order of the queue, a tuple an item.
        before: Ids of the items that were labelled, or drawn, already.
        judge: Columns of the judge's verdicts.
        id: Columns that name an item.
        by: Columns of the slices among which was drawn; none for other kinds.
        label: Column of the labels in the queue.
        human: Column of earlier labels in the file of verdicts, or None.
        where: Condition that the items met, or None.
        earlier: Names of the design files of earlier rounds, in the same folder.
        source_file: File of the verdicts, or None.
        source_sha256: SHA-256 of its bytes, or None.
        judge_failure: Words that are failures in the judge's columns, as was said at the draw; the usual
            ones if nothing was.
        human_failure: Words that are failures in ``human``, likewise.
        passes: Words that are passes, likewise.
        judge_threshold: Scores of the judge that are failures, or None.
        frame: Fingerprint of ids, and of verdicts and slices where these decided: whether the items are those
            from which was drawn.
        looks: Verdicts that were asked for with these labels, in their order.
        jaxmle_version: Version that drew them.
    """

    kind: DrawKind = field(metadata=_STATIC)
    seed: int
    n_judged: int
    strata: tuple[Stratum, ...] = field(metadata=_STATIC)
    drawn: tuple[tuple[str, ...], ...] = field(metadata=_STATIC)
    before: tuple[tuple[str, ...], ...] = field(metadata=_STATIC)
    judge: tuple[str, ...] = field(metadata=_STATIC)
    id: tuple[str, ...] = field(metadata=_STATIC)
    by: tuple[str, ...] = field(metadata=_STATIC)
    frame: str = field(metadata=_STATIC)
    label: str = field(default="label", metadata=_STATIC)
    human: str | None = field(default=None, metadata=_STATIC)
    where: str | None = field(default=None, metadata=_STATIC)
    judge_failure: tuple[str, ...] = field(default=(), metadata=_STATIC)
    human_failure: tuple[str, ...] = field(default=(), metadata=_STATIC)
    passes: tuple[str, ...] = field(default=(), metadata=_STATIC)
    judge_threshold: str | None = field(default=None, metadata=_STATIC)
    earlier: tuple[str, ...] = field(default=(), metadata=_STATIC)
    source_file: str | None = field(default=None, metadata=_STATIC)
    source_sha256: str | None = field(default=None, metadata=_STATIC)
    looks: tuple[Look, ...] = field(default=(), metadata=_STATIC)
    jaxmle_version: str = field(default="", metadata=_STATIC)

    @property
    def n_drawn(self) -> int:
        """How many items were drawn."""
        return len(self.drawn)

    @property
    def labels(self) -> Literal["random", "by-verdict"]:
        """How to say it to `certify` and others: slices are for weights."""
        return "by-verdict" if self.kind == "by-verdict" else "random"

    @property
    def n_looks(self) -> int:
        """How many verdicts were asked for; the very same one counts once."""
        return len(self.looks)

    @property
    def sha256(self) -> str:
        """SHA-256 of all that a file of it says."""
        return cast(str, self._content()["sha256"])

    def __str__(self) -> str:
        how = {
            "random": "at random",
            "by-verdict": "by verdict",
            "by-slice": f"by {', '.join(self.by)}",
        }[self.kind]
        parts = ", ".join(
            f"{one.n_drawn:,} of {one.n_items - one.n_before:,} {_named(one.key)}"
            for one in self.strata[:_FEW]
            if one.key
        )
        more = f" and {len(self.strata) - _FEW} more" if len(self.strata) > _FEW else ""
        said = f" ({parts}{more})" if parts else ""
        return f"{self.n_drawn:,} of {self.n_judged:,} judged items drawn {how}{said}, seed {self.seed}"

    def with_look(
        self,
        *,
        limit: float,
        confidence: float,
        n_labeled: int,
        rule: LookRule | None = None,
        look: int | None = None,
        of: int | None = None,
        where: str | None = None,
    ) -> Self:
        """Return the design with one more verdict asked for, as `Look` has it; itself if it had been.

        Args:
            limit: The failure rate to stay under, in (0, 1).
            confidence: Confidence of the verdict, in (0, 1).
            n_labeled: Labels that there were.
            rule: How the looks share the error, if they were planned.
            look: Which look it was, from 1, with ``of``.
            of: How many looks were planned, with ``look``.
            where: The rows it was about; None for all.

        Examples:
            >>> from jaxmle import LabelDesign
            >>> design = LabelDesign("random", 0, 9, (), (), (), ("j",), ("i",), (), "")
            >>> design.with_look(limit=0.05, confidence=0.95, n_labeled=60).n_looks
            1
        """
        asked = Look(float(limit), float(confidence), int(n_labeled), rule, look, of, where)
        return self if asked in self.looks else replace(self, looks=(*self.looks, asked))

    def save(self, path: str | Path) -> None:
        """Write it to a file of JSON, whose fields and schema are in the reference of the documentation.

        Args:
            path: The file, such as "queue.json"; one that is there is replaced as a whole.

        Raises:
            OSError: The file cannot be written.
            ValueError: It would be larger than `load` reads.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> from jaxmle import LabelDesign, draw_labels
            >>> rows = [{"id": "a", "judge": 1}, {"id": "b", "judge": 0}]
            >>> with TemporaryDirectory() as folder:
            ...     draw_labels(rows, judge="judge", id="id", n_labels=1).design.save(f"{folder}/queue.json")
            ...     LabelDesign.load(f"{folder}/queue.json").n_judged
            2
        """
        too_large = f"{self.n_drawn + len(self.before):,} items are too many for a file of a design."
        write_text(Path(path), json_text(self._content(), _FORM, too_large=too_large))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return what `save` wrote.

        Args:
            path: The file.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is no such file, damaged, changed by hand, or of a newer version.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> from jaxmle import LabelDesign, draw_labels
            >>> rows = [{"id": "a", "judge": 1}, {"id": "b", "judge": 0}]
            >>> with TemporaryDirectory() as folder:
            ...     draw_labels(rows, judge="judge", id="id", n_labels=2).save(f"{folder}/queue.csv")
            ...     LabelDesign.load(f"{folder}/queue.json").n_drawn
            2
        """
        content = read_json(Path(path), _FORM, _check_fields)
        lists: dict[str, Any] = {name: tuple(content[name]) for name in _LISTS}
        items: dict[str, Any] = {name: tuple(map(tuple, content[name])) for name in _ITEMS}
        return cls(
            kind=content["kind"],
            seed=int(content["seed"]),
            n_judged=int(content["n_judged"]),
            strata=tuple(
                Stratum(
                    one["key"], int(one["items"]), int(one["before"]), int(one["drawn"]), one.get(_REASON)
                )
                for one in content["strata"]
            ),
            **items,
            **lists,
            **{name: content[name] for name in _TEXTS},
            label=content["label"],
            frame=content["frame"],
            source_sha256=content["source_sha256"],
            looks=tuple(map(_look, content["looks"])),
            jaxmle_version=content["jaxmle_version"],
        )

    def _content(self) -> Document:
        content: Document = {
            "format": _FORM.name,
            "schema_version": _FORM.version,
            "jaxmle_version": self.jaxmle_version or version("jaxmle"),
            "kind": self.kind,
            "seed": self.seed,
            "n_judged": self.n_judged,
            "source_file": self.source_file,
            "source_sha256": self.source_sha256,
            "where": self.where,
            "judge_threshold": self.judge_threshold,
            "frame": self.frame,
            **{name: list(getattr(self, name)) for name in _LISTS},
            "human": self.human,
            "label": self.label,
            "strata": [
                {"key": one.key, "items": one.n_items, "before": one.n_before, "drawn": one.n_drawn}
                | ({} if one.reason is None else {_REASON: one.reason})
                for one in self.strata
            ],
            "looks": list(map(asdict, self.looks)),
            **{name: [list(one) for one in getattr(self, name)] for name in _ITEMS},
        }
        return {**content, "sha256": digest(content)}


def _look(record: Document) -> Look:
    whole = {
        name: None if record[name] is None else int(record[name]) for name in ("n_labeled", "look", "of")
    }
    return Look(**(record | whole))


def _named(key: dict[str, str | None]) -> str:
    return ", ".join("(none)" if value is None else printable(value, 40) for value in key.values())


def _check_fields(content: Document) -> None:
    """Raise ``ValueError`` unless each field is as the schema says."""
    for name in ("jaxmle_version", "frame", "label"):
        check_field(name, is_text(content[name]))
    check_field("kind", is_text(content["kind"]) and content["kind"] in get_args(DrawKind))
    for name in ("seed", "n_judged"):
        check_field(name, _is_count(content[name]))
    for name in _TEXTS:
        check_field(name, content[name] is None or is_text(content[name]))
    sha256 = content["source_sha256"]
    check_field("source_sha256", sha256 is None or is_sha256(sha256))
    for name in _LISTS:
        check_field(name, _is_list_of_texts(content[name]))
    check_field("id", len(content["id"]) > 0)
    for name in _ITEMS:
        items, size = content[name], len(content["id"])
        check_field(name, isinstance(items, list))
        check_field(name, all(_is_list_of_texts(one) and len(one) == size for one in items))
        check_field(name, len(set(map(tuple, items))) == len(items))
    strata = content["strata"]
    check_field(
        "strata",
        isinstance(strata, list)
        and all(has(one, _STRATUM) or has(one, {*_STRATUM, _REASON}) for one in strata),
    )
    for one in strata:
        check_field("strata", is_text(one.get(_REASON, "")))
        check_field("strata", isinstance(one["key"], dict))
        check_field("strata", all(value is None or is_text(value) for value in one["key"].values()))
        check_field("strata", all(_is_count(one[name]) for name in ("items", "before", "drawn")))
        check_field("strata", one["before"] + one["drawn"] <= one["items"])
    for name, total in (("drawn", len(content["drawn"])), ("items", content["n_judged"])):
        check_field("strata", sum(one[name] for one in strata) == total)
    looks = content["looks"]
    check_field("looks", isinstance(looks, list) and all(has(one, _LOOK) for one in looks))
    for one in looks:
        check_field("looks", all(_is_share(one[name]) for name in ("limit", "confidence")))
        check_field("looks", _is_count(one["n_labeled"]))
        check_field("looks", one["where"] is None or is_text(one["where"]))
        check_field("looks", one["rule"] is None or one["rule"] in get_args(LookRule))
        numbers = (one["look"], one["of"])
        if one["rule"] in (None, "anytime"):
            check_field("looks", numbers == (None, None))
        else:
            check_field("looks", all(map(_is_count, numbers)) and 1 <= numbers[0] <= numbers[1])


def _is_count(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer() and 0 <= value <= MOST


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < 1


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(one) for one in cast(Sequence[Any], value))
