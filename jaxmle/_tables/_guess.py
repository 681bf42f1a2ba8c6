"""Which column is likely what, by its name and by what it holds."""

from dataclasses import dataclass, field

from jaxmle._data import name_parts
from jaxmle._tables._column_profile import Column
from jaxmle._tables._givers import OF_TOOLS, bring_together, is_human

_HUMAN = frozenset(
    {"human", "humans", "gold", "golden", "label", "labels", "labelled", "labeled", "annotator", "annotation"}
    | {"truth", "expert", "experts", "reviewer", "review", "rater", "manual", "adjudicated"}
)
_JUDGE = frozenset(
    {"judge", "judges", "judged", "judgement", "judgment", "verdict", "llm", "gpt", "claude", "gemini"}
    | {"llama", "mistral", "grader", "graded", "autograder", "evaluator", "eval", "classifier", "detector"}
    | {"prediction", "predicted", "pred", "score", "scores", "scorer", "auto", "rating", "flag", "flagged"}
    | {"moderation", "critic", "faithfulness", "relevancy", "relevance", "correctness", "groundedness"}
    | {"hallucination", "toxicity"}
)
_SLICE = frozenset(
    {"category", "topic", "model", "slice", "language", "lang", "domain", "system", "type", "group", "policy"}
    | {"task", "dataset", "source", "region", "locale", "tag", "subset", "split", "variant", "version"}
)
# What several items may have in common, by names that tell nothing apart: with few values it makes slices.
_SHARED = frozenset(
    {"prompt", "question", "query", "conversation", "dialogue", "session", "thread", "user", "customer"}
    | {"context", "passage", "document", "article", "problem"}
)
_FEWEST_SHARED = 20
# What an item is made of or counted by, in the names that tools give it: no verdict, whatever it holds.
_ITEM = frozenset(
    {"task", "epoch", "input", "user_input", "output", "response", "reference", "expected", "target"}
    | {"trial", "attempt", "retrieved_contexts"}
)
_WEIGHT = frozenset(("weight", "weights", "importance", "w", "wt"))
_FULL = 0.9
# Names are unique but for a few that occur again.
_REPEATS = 0.8
_MOST_SLICES = 1000
# A verdict in words of its own has one for failure, one for a pass, and one for neither at most.
_FEW_WORDS = 3


@dataclass(frozen=True)
class ColumnRoles:
    """Which column is likely what; None, or nothing, where none is.

    Attributes:
        judge: Column of the judge.
        human: Column of the human.
        judges: All columns that could be a judge's.
        humans: All columns that could be a human's.
        by: Columns that could make slices, the likeliest first.
        id: Column that tells items apart.
        cluster: Column whose values repeat and that says what belongs together, the coarsest.
        weight: Column of item weights.
        blank: Column that is named as a human's and holds nothing, where there is no other.
        unsure: Whether the choice of judge and human rests on nothing but their order.
    """

    judge: str | None = None
    human: str | None = None
    judges: list[str] = field(default_factory=list)
    humans: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    id: str | None = None
    cluster: str | None = None
    weight: str | None = None
    blank: str | None = None
    unsure: bool = False


def sides_named(name: str) -> set[str]:
    """Which of "judge" and "human" a column's name speaks of."""
    parts = set(name_parts(name))
    return {side for side, words in (("judge", _JUDGE - {"score"}), ("human", _HUMAN)) if parts & words}


def guess(
    columns: list[Column], *, judge: str | None = None, human: str | None = None, by: tuple[str, ...] = ()
) -> ColumnRoles:
    """Tell which column is likely what.

    Args:
        columns: The columns of `profile`.
        judge: Column of the judge, if it is known.
        human: Column of the human, if it is known.
        by: Columns that make the slices, if they are known.

    Returns:
        The roles; what is given stays as it is.
    """
    verdicts = [one for one in columns if one.kind == "verdict" and not _is_of_item(one)]
    named = [one for one in columns if _may_be_verdict(one) and not _is_of_item(one)]
    humans = [one for one in verdicts if is_human(one, _HUMAN)]
    # Humans give few grades, and other numbers are none.
    humans = humans or [one for one in named if is_human(one, _HUMAN) and one.words is not None]
    judges = [one for one in verdicts if one not in humans]
    if all(len(one.present_values) == 1 for one in judges):
        # A flag that is the same in every row is no judge where there is a score.
        judges = [one for one in named if one not in humans and one.tokens & _JUDGE] or judges
    unsure = False
    scores = [one for one in named if one not in humans and one.kind == "score"]
    if humans and not judges and len(scores) == 1:
        judges, unsure = scores, not judge
    if not humans and not human and len(judges) > 1:
        # Judges look at all rows, humans at some.
        fullest = max(one.n_present for one in judges)
        others = [one for one in judges if not one.name.startswith(OF_TOOLS)]
        humans = [one for one in others if one.n_present < _FULL * fullest and not one.tokens & _JUDGE]
        humans = humans or [one for one in others if one.n_present < _FULL * fullest][-1:]
        if others and not humans and not judge:
            unsure = True
            humans = [min(others, key=lambda one: bool(one.tokens & _JUDGE))]
        judges = [one for one in judges if one not in humans]
    humans.sort(key=lambda one: (one.name.casefold() not in _HUMAN, len(one.tokens - _HUMAN)))
    least = _FULL * max((one.n_present for one in judges), default=0)
    judges.sort(
        key=lambda one: (
            len(one.present_values) == 1,
            one.name.casefold() not in _JUDGE,
            not one.tokens & _JUDGE,
            one.n_present < least,
        )
    )
    bring_together(judges, humans, judge, human)
    judge = judge or next((one.name for one in judges if one.name != human), None)
    human = human or next((one.name for one in humans if one.name != judge), None)
    taken = {judge, human, *by, *(one.name for one in judges), *(one.name for one in humans)}
    ids = [one for one in columns if one.kind == "id" and one.name not in taken]
    unique = [one for one in ids if one.distinct >= _REPEATS * one.filled]
    coarse = [one for one in ids if one.is_named_id and 1 < one.distinct < _REPEATS * one.filled]
    coarse = coarse or [one for one in columns if one.name not in taken and _is_shared(one)]
    stems = tuple(f"{name}{mark}" for name in taken if name for mark in "_.-")
    slices = [
        one
        for one in columns
        if one.kind == "category"
        and one.name not in taken
        and one not in coarse
        and 2 <= one.distinct <= _MOST_SLICES
        and not one.name.startswith(stems)
    ]
    slices.sort(key=lambda one: not one.tokens & _SLICE)
    blank = [one.name for one in columns if one.kind == "empty" and is_human(one, _HUMAN)]
    weights = [one for one in columns if one.kind == "score" and one.tokens & _WEIGHT]
    unique.sort(key=lambda one: not one.is_named_id)
    return ColumnRoles(
        judge=judge,
        human=human,
        judges=[one.name for one in judges],
        humans=[one.name for one in humans],
        by=list(by) or [one.name for one in slices],
        id=unique[0].name if unique else None,
        cluster=min(coarse, key=lambda one: one.distinct).name if coarse else None,
        weight=next((one.name for one in weights if one.name not in taken), None),
        blank=None if human else next(iter(blank), None),
        unsure=unsure,
    )


def _is_shared(column: Column) -> bool:
    """Whether a column not named as an id says what belongs together, such as the text of a prompt."""
    named = column.tokens & _SHARED and not column.tokens & (_SLICE | _WEIGHT | _HUMAN | _JUDGE)
    sort = column.kind in ("text", "category")
    return bool(named and sort and _FEWEST_SHARED <= column.distinct < _REPEATS * column.filled)


def _may_be_verdict(column: Column) -> bool:
    """Whether a column holds verdicts in words of its own, or graded ones."""
    if column.is_named_id or column.tokens & _WEIGHT:
        return False
    own_words = column.kind in ("category", "constant") and 1 <= len(column.present_values) <= _FEW_WORDS
    return column.kind == "score" or own_words


def _is_of_item(column: Column) -> bool:
    """Whether a column is a part of the item: by its whole name, or as an expectation of MLflow's."""
    return column.name.casefold() in _ITEM or column.name.startswith("expected.")
