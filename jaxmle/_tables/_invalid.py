"""Rows that cannot be used: why, and the first of them."""

from collections.abc import Iterable

from jaxmle._tables._aggregate import (
    BAD_CLUSTER,
    BAD_HUMAN,
    BAD_JUDGE,
    BAD_WEIGHT,
    Roles,
    weight_of,
    word_of,
)
from jaxmle._tables._asking import Arguments, OptionError
from jaxmle._tables._checks import shown
from jaxmle._tables._meaning import Coder, is_number
from jaxmle._tables._source import Source
from jaxmle._tables._table import Table

REASONS = {
    BAD_JUDGE: "judge verdict neither a failure nor a pass",
    BAD_HUMAN: "human verdict neither a failure nor a pass",
    BAD_WEIGHT: "weight missing, negative, no number or beyond 1e-50 to 1e50",
    BAD_CLUSTER: "no cluster",
}
# Reasons for which rows are left out only if that was asked for.
INVALID = frozenset(REASONS.values())


def raise_invalid(source: Source, roles: Roles, coders: dict[str, Coder], kinds: Iterable[int]) -> None:
    """Name the first row that can't be used, and what to do about it."""
    found = []
    for kind in kinds:
        column = {BAD_JUDGE: roles.judge, BAD_HUMAN: roles.human, BAD_WEIGHT: roles.weight}.get(
            kind, roles.cluster
        )
        origin = source.origin(str(column))
        text = origin.text(str(column))
        word = word_of(text)
        bad = f"{text} IS NULL"
        if kind == BAD_WEIGHT:
            bad = f"({weight_of(word)}) IS NULL"
        elif kind != BAD_CLUSTER:
            bad = f"({coders['j' if kind == BAD_JUDGE else 'h'](word)}) = -1"
        if roles.where and origin is source:
            bad += f" AND ({roles.where}\n)"
        found.append((*origin.locate(text, bad), column, kind))
    _, where, value, column, kind = min(found, key=lambda one: one[0])
    drop: Arguments = {"on_invalid": "drop"}
    if kind in (BAD_WEIGHT, BAD_CLUSTER):
        reason = f"{where}: {column} is {shown(value)}: {REASONS[kind]}"
        raise OptionError(f"{reason}; or leave such rows out with ", drop, ".")
    percentage = "%" in (value or "") and is_number(value or "")
    cut = "<50%" if percentage else "<0.5"
    threshold: Arguments = {f"{'judge' if kind == BAD_JUDGE else 'human'}_threshold": cut}
    if percentage:
        raise OptionError(
            f"{where}: {column} is {shown(value)}, a score and no verdict: say which scores are failures, as "
            "in ",
            threshold,
            ".",
        )
    raise OptionError(
        f"{where}: {column} is {shown(value)}, neither a failure nor a pass. Name every word that is a "
        "failure, as in ",
        {"failure": ("WORD", "WORD")},
        ", and others that are none with ",
        {"passes": "WORD"},
        ", or leave such rows out with ",
        drop,
        ".",
        *((" Graded scores need a threshold, such as ", threshold, ".") if is_number(value or "") else ()),
        _hint(source),
    )


def _hint(source: Source) -> str:
    """What a log says of its scores."""
    hint = source.hint if isinstance(source, Table) else None
    return f" {hint}" if hint else ""
