"""Commands beside estimate and certify that a file supports."""

import re
from collections.abc import Sequence

from jaxmle._doctor._commands import Command, DoctorOptions
from jaxmle._documents import is_balanced, shell_line, short_percent
from jaxmle._planning import MIN_LABELS, Precision
from jaxmle._tables import Guess, SliceCounts, Source, quote_name, quote_text, shown

# Slices of such names are systems, which one would compare.
_SYSTEMS = frozenset(("model", "system", "variant", "version", "provider", "policy"))
_WIDTH = 0.1


def other_commands(
    source: Source,
    tables: list[SliceCounts],
    slices: Sequence[tuple[str, ...]],
    roles: Guess,
    wanted: DoctorOptions,
    words: list[str],
) -> list[Command]:
    """Comparing two systems, and planning how many labels to buy.

    Args:
        source: The file.
        tables: Counts, one for each way to make slices.
        slices: The columns that make the slices of each.
        roles: Which column is what.
        wanted: What the user has said of the file.
        words: Words that say what to read, of `reading_words`.
    """
    found = []
    for by, table in zip(slices, tables, strict=False):
        if len(by) == 1 and by[0].rpartition(".")[2].casefold() in _SYSTEMS and wanted.human_file is None:
            found += _compare(source, table, by[0], roles, words)
            break
    found += _together(roles, words, wanted)
    return [*found, *plan_commands(tables[0], wanted, roles.cluster)]


def _together(roles: Guess, words: list[str], wanted: DoctorOptions) -> list[Command]:
    """All raters, and all judges, as one: columns whose names differ by a number or a letter at their end."""
    found = []
    for what, option, rule, name, names in (
        ("raters", "--human", "--human-combine", roles.human, roles.humans),
        ("judges", "--judge", "--combine", roles.judge, roles.judges),
    ):
        others = [one for one in names if one != name and name and _stem(one) == _stem(name)]
        if others and not (what == "judges" and wanted.judges):
            by = "any" if len(others) == 1 and what == "raters" else "majority"  # two raters may tie
            more = [word for one in others for word in (option, one)]
            line = shell_line("jaxmle", "estimate", *words, *more, rule, by)
            why = (
                f"{', '.join(map(shown, (name, *others)))} look like several {what}: {rule} says what counts"
            )
            found.append(Command(f"estimate, {what} together", True, line, why))
    return found


def _stem(name: str) -> str:
    return re.sub(r"(\d+|[_.-]\w)$", "", name)


def _compare(source: Source, table: SliceCounts, by: str, roles: Guess, words: list[str]) -> list[Command]:
    """The two systems with the most labels."""
    labeled = table.counts.n_labeled
    names = [key[by] for key in table.keys]
    best = [i for i in (-labeled).argsort(kind="stable") if names[i] is not None][:2]
    if len(best) < 2:
        return []
    one, two = sorted(best)
    text = source.text(by)
    column = by if by in _SYSTEMS and text == f"CAST({quote_name(by)} AS VARCHAR)" else text
    rows = [f"{column} = {quote_text(names[i] or '')}" for i in (one, two)]
    # The same prompt before both systems makes a pair.
    paired = ["--id", roles.cluster] if roles.cluster else []
    line = shell_line("jaxmle", "compare", *words, "--where", rows[0], "--where-b", rows[1], *paired)
    fewest = int(min(labeled[one], labeled[two]))
    named = f"{shown(by)} has {shown(names[one])} and {shown(names[two])}"
    if fewest < MIN_LABELS:
        said = f"{named}, one with {fewest or 'no'} label{'' if fewest == 1 else 's'}"
        if not fewest:
            line += " --judge-rates common"
            said += ": --judge-rates common takes TPR and FPR to be the same for both"
        return [Command("compare", True, line, said, MIN_LABELS - fewest)]
    more = f", {len(names) - 2:,} more can be named" if len(names) > 2 else ""
    return [Command("compare", True, line, f"{named}{more}")]


def plan_commands(table: SliceCounts, wanted: DoctorOptions, cluster: str | None = None) -> list[Command]:
    """How many labels for a limit, or for an interval of ten points."""
    precision = Precision.of(table.total, external=is_balanced(table.total))
    expected = precision.expected if precision else None
    if precision is None or expected is None:
        return []
    options = zip(("--failure-rate", "--judge-tpr", "--judge-fpr"), expected.values(), strict=True)
    words = [word for name, value in options for word in (name, f"{value:.3g}")]
    if precision.external:
        words += ["--calibration", "external"]
    if wanted.confidence != 0.95:
        words += ["--confidence", f"{wanted.confidence:g}"]
    goal = ["--target-width", f"{_WIDTH:g}"] if wanted.limit is None else ["--limit", f"{wanted.limit:g}"]
    line = shell_line("jaxmle", "plan", *words, "--n-unlabeled", str(precision.n_unlabeled), *goal)
    aim = (
        "an interval ten points wide"
        if wanted.limit is None
        else f"a certificate below {short_percent(wanted.limit)}"
    )
    if not 0 < expected["failure_rate"] < (1 if wanted.limit is None else wanted.limit):
        return []
    why = f"labels for {aim}, if the rates are as they seem"
    if wanted.limit is not None and (labels := precision.labels_for(wanted.limit, wanted.confidence)):
        why += f": about {labels:,} of independent items by formula, before it simulates"
    if cluster:
        why += f"; with clusters ({shown(cluster)}) more are needed"
    return [Command("plan", True, line, why)]
