"""Verdicts that were asked for before: what a design shows of them, and what there is to say of one more."""

from jaxmle._data import Look, LookRule, printable
from jaxmle._documents._words import count_of, short_percent
from jaxmle._types import Document

_SHOWN = 3
_WITHOUT_PLAN = (
    "whoever looks until it passes is wrong more often than said; say beforehand how often, with --look and "
    "--of, or take --anytime"
)


def look_of(settings: Document, limit: float) -> Look | None:
    """The verdict that a document of `certify` or `report` is, for its design; None where there is none.

    Args:
        settings: Settings of the document.
        limit: The limit as it was asked.
    """
    design, plan = settings.get("label_design"), settings.get("looks")
    if design is None:
        return None
    rule: LookRule | None = "anytime" if settings.get("method") == "anytime" else None
    return Look(
        limit=limit,
        confidence=settings["confidence"],
        n_labeled=design["n_labels"],
        rule=plan["spending"] if plan else rule,
        look=plan["look"] if plan else None,
        of=plan["of"] if plan else None,
        where=design["where"],
    )


def looks_notes(design: Document | None, now: Look | None) -> list[str]:
    """What to say where a design, or that of an earlier round, shows that a verdict was asked for before.

    One with other labels is a look more. With the same labels it is none, but what was changed after an
    answer is told as what it is.

    Args:
        design: As `design_origin` has it, or None.
        now: The verdict that is asked for now.
    """
    if design is None or now is None:
        return []
    known = [one for one in map(_look, design["looks"]) if one != now]
    return [
        *_other_labels([one for one in known if one.n_labeled != now.n_labeled], now),
        *_same_labels([one for one in known if one.n_labeled == now.n_labeled], now),
    ]


def _look(record: Document) -> Look:
    return Look(**record)


def _other_labels(looks: list[Look], now: Look) -> list[str]:
    """What to say of verdicts on fewer labels, or more."""
    if now.rule is None:
        return [f"{_asked(looks, now)}: {_WITHOUT_PLAN}"] if looks else []
    if now.rule == "anytime":
        others = [one for one in looks if one.rule != "anytime"]
        return [f"{_asked(others, now)}, not at any time: {_on_top(others, '--anytime')}"] if others else []
    notes = []
    planned = [one for one in looks if one.rule not in (None, "anytime")]
    if others := [one for one in looks if one not in planned]:
        notes.append(f"{_asked(others, now)}, outside the plan: {_on_top(others, 'the planned looks')}")
    changed = [one for one in planned if (one.of, one.rule) != (now.of, now.rule)]
    if changed:
        first = changed[0]
        notes.append(
            f"the plan was {first.of} looks, {first.rule}, with {_labels(first)}, and is now {now.of}, "
            f"{now.rule}: how many looks there are, and how they share the error, is settled before the first"
        )
    gate = (now.limit, now.confidence, now.where)
    if moved := [one for one in planned if (one.limit, one.confidence, one.where) != gate]:
        notes.append(
            f"{_asked(moved, now)}: the planned looks keep the error of one limit, at one confidence, of the "
            "same rows"
        )
    taken = [one for one in planned if one not in changed and one.n_labeled < now.n_labeled]
    latest = max((one.look or 0 for one in taken), default=0)
    if now.look is not None and now.look <= latest:
        last = next(one for one in taken if one.look == latest)
        notes.append(
            f"the design shows look {latest} with {_labels(last)}: this is look {latest + 1}, not {now.look}"
        )
    return notes


def _same_labels(looks: list[Look], now: Look) -> list[str]:
    """What to say of other verdicts on the labels that there are now: it is what was changed."""
    notes = []
    if rows := [one for one in looks if one.where != now.where]:
        notes.append(
            f"these labels were looked at {_rows(rows[-1])} before, and now {_rows(now)}: each choice of "
            "rows has its own verdict, and whoever takes the best of several is wrong more often than said"
        )
    looks = [one for one in looks if one.where == now.where]
    if levels := [one for one in looks if one.confidence != now.confidence]:
        notes.append(
            f"these labels were judged at {_level(levels[-1])} before, and now at {_level(now)}: a "
            "confidence that is chosen after an answer promises less than it says"
        )
    if limits := [one for one in looks if one.limit != now.limit]:
        before = ", ".join(dict.fromkeys(short_percent(one.limit) for one in limits[-_SHOWN:]))
        notes.append(
            f"these labels were asked about a limit of {before} before, and now of "
            f"{short_percent(now.limit)}: no further look, as the upper limit speaks of all limits at once, "
            "but a limit that is chosen after an answer is no goal that was met"
        )
    if plans := [one for one in looks if (one.rule, one.look, one.of) != (now.rule, now.look, now.of)]:
        notes.append(
            f"these labels were looked at {_plan(plans[-1])} before, and now {_plan(now)}: of several rules "
            "for one look only the first keeps its promise"
        )
    return notes


def _asked(looks: list[Look], now: Look) -> str:
    """That a verdict was asked for before, with how many labels, and what was different about it."""
    shown = looks[-_SHOWN:]
    if all((one.limit, one.confidence, one.where) == (now.limit, now.confidence, now.where) for one in looks):
        return f"this limit was asked about before, with {' and with '.join(map(_labels, shown))}"
    earlier = " and with ".join(f"{_labels(one)} ({', '.join(_differences(one, now))})" for one in shown)
    return f"a verdict was asked for before, with {earlier}"


def _differences(one: Look, now: Look) -> list[str]:
    said = []
    if one.limit != now.limit:
        said.append(f"limit {short_percent(one.limit)}, now {short_percent(now.limit)}")
    if one.confidence != now.confidence:
        said.append(f"{_level(one)}, now {_level(now)}")
    if one.where != now.where:
        said.append(f"{_rows(one)}, now {_rows(now)}")
    return said or ["as now"]


def _on_top(looks: list[Look], of: str) -> str:
    what = "its error comes" if len(looks) == 1 else "their errors come"
    return f"{what} on top of what {of} {'keeps' if of.startswith('--') else 'keep'}"


def _labels(one: Look) -> str:
    return count_of(one.n_labeled, "label")


def _level(one: Look) -> str:
    return f"{100 * one.confidence:g}% confidence"


def _rows(one: Look) -> str:
    return "in all rows" if one.where is None else f"where {printable(one.where, 60)}"


def _plan(one: Look) -> str:
    if one.rule is None:
        return "without a plan"
    return "at any time" if one.rule == "anytime" else f"as look {one.look} of {one.of}, {one.rule}"
