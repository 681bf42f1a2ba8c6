"""What there is to say of several judges, or several raters, one by one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A judge alone, or several by a rule.

    Attributes:
        name: Its column, or the rule.
        chosen: Whether the estimate rests on it.
        counts: tp, fn, fp, tn, unlabelled flagged, unlabelled passed; rows, whatever they weigh.
    """

    name: str
    chosen: bool
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Raters:
    """Several humans.

    Attributes:
        names: Their columns.
        rule: The rule by which they make a label; None where they agree.
        n_several: Rows that two or more of them labelled.
        n_differ: Those of these on which they do not all agree.
        n_undecided: Rows that too few labelled for the rule to say what they are; these have no label.
        n_labeled: Rows that any of them labelled.
        pairs: Of each two of them, in their order, rows that both call a failure, the first alone, the second
            alone, and neither.
        patterns: How many called a row a failure, how many a pass, and of how many rows that is so.
    """

    names: list[str]
    rule: str | None
    n_several: int
    n_differ: int
    n_undecided: int
    n_labeled: int
    pairs: tuple[tuple[int, ...], ...]
    patterns: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Panel:
    """Several judges, or several raters, or a judge whose missing verdicts count.

    Attributes:
        candidates: Each judge alone and each rule; none where there is one judge.
        missing: Rows without a verdict of each judge, by its column.
        counted_as: What such a verdict counts as: "drop" for none, "failure" or "pass".
        n_rows: Rows looked at.
        raters: The humans, where there are several.
    """

    candidates: list[Candidate]
    missing: dict[str, int]
    counted_as: str
    n_rows: int
    raters: Raters | None
