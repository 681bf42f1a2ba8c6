"""The document of `jaxmle draw` for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from jaxmle._documents import count_of, percent, record_name, shell_line, shown_text
from jaxmle._terminal._fold import new_table
from jaxmle._terminal._tables import cell
from jaxmle._types import Document

# Slices whose reason is said.
_FEW = 4
_HOW = {"random": "at random", "by-verdict": "by the judge's verdict", "by-slice": "by slice"}


def draw_table(document: Document) -> Group:
    """Lay out the document of `jaxmle draw` for a terminal."""
    settings, strata = document["settings"], document["strata"]
    answer = Text(
        f"DRAWN: {count_of(document['n_drawn'], 'item')} of {document['n_judged']:,} "
        f"{_HOW[settings['kind']]}, seed {settings['seed']}.",
        style="bold green",
    )
    parts: list[RenderableType] = []
    if names := list(strata[0]["key"]):
        table = new_table("")
        for name in names:
            table.add_column(name, no_wrap=True)
        for heading in ("items", "labelled or drawn before", "drawn", "share"):
            table.add_column(heading, justify="right", no_wrap=True)
        for one in strata:
            cells = [cell("(none)" if one["key"][name] is None else one["key"][name]) for name in names]
            table.add_row(
                *cells,
                f"{one['items']:,}",
                f"{one['before']:,}",
                f"{one['drawn']:,}",
                percent(one["share"]),
            )
        parts += [table, *_left_out(strata), *_drawn_otherwise(strata)]
    before = document["n_before"]
    notes = [f"{count_of(before, 'item')} labelled or drawn before stay out."] if before else []
    if left := document["left_out"]:
        notes.append(
            f"Not shown, as they read like labels of humans: {', '.join(map(shown_text, left))}; name what "
            "is to be seen with --column."
        )
    lines = [
        *notes,
        f"Queue: {document['queue']} ({', '.join(document['columns'])}; the judge's verdict is not shown to "
        "whoever labels)."
        if not document["shows_verdict"]
        else f"Queue: {document['queue']} ({', '.join(document['columns'])}).",
        f"Design: {document['design']}. Keep it: estimate, certify and report take it with --design.",
        f"Next: {shell_line('jaxmle', 'label', document['queue'])}",
    ]
    return Group(answer, *parts, *map(Text, lines))


def _left_out(strata: list[Document]) -> list[Text]:
    """Slices of which none is drawn, and why: those without a plan by name."""
    without = [one for one in strata if one["reason"] is not None and not one["drawn"]]
    reasons = [one["reason"] for one in without]
    usual = max(reasons, key=reasons.count, default=None)
    # What is said of several at once is said once.
    together = [one for one in without if one["reason"] == usual] if reasons.count(usual) > 1 else []
    alone = [one for one in without if one not in together]
    lines = [f"{record_name(one)}: none drawn; {one['reason']}." for one in alone[:_FEW]]
    if len(alone) > _FEW:
        lines.append(
            f"... and {len(alone) - _FEW:,} more slices of which none is drawn; the design says why."
        )
    if together:
        names = "; ".join(map(record_name, together[:_FEW]))
        more = f" and {len(together) - _FEW:,} more" if len(together) > _FEW else ""
        lines.append(f"None drawn of {names}{more}: {usual}.")
    if empty := [record_name(one) for one in without if not one["before"]]:
        more = f" and {len(empty) - _FEW:,} more" if len(empty) > _FEW else ""
        lines.append(
            f"No label at all yet: {'; '.join(empty[:_FEW])}{more}. The rate of all items takes some of each:"
            " draw these with --labels and --floor."
        )
    return [Text(line, style="yellow") for line in lines]


def _drawn_otherwise(strata: list[Document]) -> list[Text]:
    """Slices of which labels are not drawn as they were planned, and what that costs."""
    some = [one for one in strata if one["reason"] is not None and one["drawn"]]
    lines = [f"{record_name(one)}: {one['reason']}." for one in some[:_FEW]]
    if len(some) > _FEW:
        lines.append(f"... and {len(some) - _FEW:,} more slices likewise; the design says it of each.")
    return [Text(line, style="yellow") for line in lines]
