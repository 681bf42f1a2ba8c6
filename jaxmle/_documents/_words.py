"""Numbers, names and notes of documents in words, for every way to show them."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from jaxmle._data import percent as percent
from jaxmle._data import printable
from jaxmle._data import short_percent as short_percent
from jaxmle._documents._agreement import AGREEMENT
from jaxmle._sensitivity import true_rate
from jaxmle._types import Document

_LONGEST = 60
# Two raters of one quality differ so seldom.
_UNEQUAL = 0.05
_FEW_NAMED = 5


def count_of(count: int, what: str) -> str:
    """A number of things: 1 row, 2 rows."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def names_text(names: Iterable[str]) -> str:
    """Several names: a and b; a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def p_value(p: float) -> str:
    """Write a p-value for people."""
    return f"{p:.4f}" if p >= 5e-5 else "<.0001"


def p_compared(p: float) -> str:
    """The same behind the letter p: "= 0.0055", "< .0001"."""
    return f"< {shown[1:]}" if (shown := p_value(p)).startswith("<") else f"= {shown}"


def shown_text(value: str | None) -> str:
    """Text from a stranger's file: no control characters, no endless lines."""
    return "(none)" if value is None else printable(value, _LONGEST)


def slice_name(value: str | None) -> str:
    """Value that names a slice; quoted where it is the name of a row over all of them."""
    return repr(value) if value in ("all", "mix of slices") else shown_text(value)


def record_name(record: Document) -> str:
    """Name of the slice of a record, "all" for the total."""
    return ", ".join(slice_name(value) for value in record.get("key", {}).values()) or "all"


def warning_lines(records: list[Document], said: Sequence[str] = ()) -> list[str]:
    """Warnings of slices and total, a sentence each; of the total none that were ``said`` before."""
    return [
        f"{record_name(record)}: {warning}."
        for record in records
        for warning in record["warnings"]
        if "key" in record or warning not in said
    ]


def dropped_lines(dropped: dict[str, int]) -> list[str]:
    """How many rows were left out, and why."""
    return [f"{count_of(rows, 'row')} left out: {reason}." for reason, rows in dropped.items()]


def failure_line(failures: Document | None) -> str:
    """Which value is a failure in each column, and how many rows have it; what opens every output."""
    if failures is None:
        return "Failure: as counted by hand."
    said = []
    for one in failures.values():
        words = " or ".join(map(shown_text, one["words"]))
        column = shown_text(one["column"])
        if one["of"]:
            said.append(f"{words} in {column}, {one['n']:,} of {one['of']:,}")
        else:
            said.append(f"none in {column}, which holds no verdict")
    return f"Failure: {'; '.join(said)}."


def caution_lines(document: Document) -> list[str]:
    """What speaks against the numbers below, and the rate where it is right; said before them."""
    lines = [f"{note[0].upper()}{note[1:]}." for note in document.get("cautions", ())]
    if other := document.get("if_external"):
        rate = "not identified" if other["estimate"] is None else percent(other["estimate"])
        lines.append(
            f"With --calibration external: failure rate {rate}, interval {percent(other['low'])} to "
            f"{percent(other['high'])}."
        )
    return lines


def agreement_rows(found: Document) -> list[list[str]]:
    """Name, estimate and interval of each measure of agreement; kappa and AC1 are no shares."""
    rows = []
    for name, title in AGREEMENT.items():
        one = found[name]
        if one is None:
            rows.append([title, "-", "-"])
            continue
        ends = ("estimate", "low", "high")
        write = "{:.3f}".format if name in ("kappa", "ac1") else percent
        estimate, low, high = (write(one[end]) for end in ends)
        rows.append([title, estimate, f"{low} to {high}"])
    return rows


def source_lines(document: Document) -> list[str]:
    """The log that rows are from, and the labels that came from another file."""
    lines = []
    if log := document["log"]:
        lines.append(f"Log of {log['tool']}; judge: {shown_text(log['judge'])}.")
    if labels := document["labels"]:
        lines.append(
            f"{labels['read']:,} labels read from the other file; {labels['unmatched']:,} met no row."
        )
    return lines + panel_lines(document.get("panel"))


def panel_lines(panel: Document | None) -> list[str]:
    """Verdicts that judges did not give, and labels on which raters differ; none without several of them."""
    lines: list[str] = []
    if panel is None:
        return lines
    if missing := {name: rows for name, rows in panel["missing"].items() if rows}:
        counted = {"drop": "no vote", "failure": "a failure", "pass": "a pass"}[panel["missing_counts_as"]]
        named = ", ".join(f"{shown_text(name)} {rows:,}" for name, rows in missing.items())
        lines.append(f"Verdicts that are missing, of {panel['rows']:,}: {named}; each counts as {counted}.")
    if raters := panel["raters"]:
        several, differ = raters["labelled_by_several"], raters["disagree"]
        share = f" ({percent(differ / several)})" if several else ""
        rule = raters["rule"] or "what they agree on"
        said = f"at least {rule}" if rule.isdecimal() else rule
        beyond = agreement_text(raters)
        lines.append(
            f"Several of {', '.join(map(shown_text, raters['names']))} labelled {several:,} rows and "
            f"disagree on {differ:,}{share}{beyond and f'; {beyond}'}; failure: {said}."
        )
        if undecided := raters["undecided"]:
            lines.append(f"Rows with too few labels for that rule, taken as unlabelled: {undecided:,}.")
    return lines


def agreement_text(found: Document, kappa: str = "Fleiss' kappa") -> str:
    """Agreement beyond chance in words, where items tell of it."""
    return ", ".join(
        f"{name} {one['estimate']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
        for key, name in (("kappa", kappa), ("ac1", "AC1"))
        if (one := found[key])
    )


def verdict_line(certificate: Document) -> str:
    """The verdict of a document of `certify`, in one line."""
    limit, slices = percent(certificate["settings"]["limit"]), certificate["slices"]
    passed = sum(record["certified"] for record in slices)
    which = (
        f" ({passed:,} of {len(slices):,} {'slice passes' if len(slices) == 1 else 'slices pass'})"
        if slices
        else ""
    )
    allowed = errors_text(certificate["settings"])
    if certificate["certified"]:
        return f"Certified: the failure rate is below {limit}{which}{allowed}"
    return f"Not certified: below {limit} is not shown{which}{allowed}"


def errors_text(settings: Document) -> str:
    """What stands behind a rate or a verdict that holds although labels err; nothing where none may."""
    return ", human error allowed for" if settings.get("human_error") else ""


def estimate_text(record: Document) -> str:
    """The failure rate of a record or a mix: where labels may err, from the least to the largest."""
    rate, found = record.get("failure_rate", record.get("estimate")), record.get("human_error")
    if not record.get("identified", True):
        return "not identified"
    if found and found["estimates"]:
        low, high = map(percent, found["estimates"])
        return low if low == high else f"{low} to {high}"
    estimate = rate["estimate"] if isinstance(rate, dict) else rate
    return "not identified" if estimate is None else percent(estimate)


def interval_that_holds(record: Document) -> Document:
    """The ends that hold of a record or a mix: where labels may err, those that allow for it."""
    found: Document = record.get("human_error") or record.get("failure_rate", record)
    return found


def human_error_line(document: Document, certificate: Document | None = None) -> str:
    """What estimate, interval and verdict become where labels err; nothing where that was not asked.

    Args:
        document: Of `jaxmle estimate` or `jaxmle certify`.
        certificate: That of `jaxmle certify` beside an estimate.
    """
    ranges = document["settings"].get("human_error")
    if not ranges:
        return ""
    found, total = document["total"]["human_error"], document["total"]
    (missed, most), (least, alarms) = ranges["missed"], ranges["false_alarms"]
    said = _raters_differ(ranges.get("agreement"), document)
    humans = f"humans miss {span_text(missed, most)} of the failures "
    humans += f"and call {span_text(least, alarms)} of the passes"
    said += f"{'if' if said.endswith(': ') else 'If'} {humans} failures: "
    if found["estimates"]:
        said += f"estimate {percent(found['estimates'][0])} to {percent(found['estimates'][1])}"
    if "low" in found:
        said += (
            f"{', ' * bool(found['estimates'])}interval {percent(found['low'])} to {percent(found['high'])}"
        )
    verdict = total if certificate is None else certificate["total"]
    right = []
    if isinstance(rate := total["failure_rate"], dict):
        right += [] if rate["estimate"] is None else [f"estimate {percent(rate['estimate'])}"]
        right.append(f"interval {percent(rate['low'])} to {percent(rate['high'])}")
    if "labeled_upper_limit" in (of_verdict := verdict["human_error"]):
        said += f"; upper limit {percent(verdict['upper_limit'])}"
        word = "certified" if of_verdict["certified_if_right"] else "not certified"
        right.append(f"upper limit {percent(of_verdict['labeled_upper_limit'])} ({word})")
    return f"{said}. With labels that are right: {', '.join(right)}."


def _raters_differ(found: Document | None, document: Document) -> str:
    """What two raters' agreement says of their errors; nothing where that was not asked."""
    if found is None:
        return ""
    names, items = names_text(map(shown_text, found["raters"])), count_of(found["n_both"], "item")
    two = len(found["raters"]) == 2
    of = f"the {items} that both labelled" if two else f"pairs of labels of the same item, {items}"
    said = (
        f"{names} differ on {percent(found['disagreement'])} of {of}. That they err independently and "
        "equally often is assumed"
    )
    if found["p_value"] < _UNEQUAL:
        who = "both" if two else "all"
        said += f" (that {who} find as many failures is unlikely, p = {found['p_value']:.2g})"
    rate = document["total"]["failure_rate"]
    estimate = rate["estimate"] if isinstance(rate, dict) else rate
    if found["rate"] is not None and estimate is not None:
        equal = percent(float(true_rate(estimate, *found["labels_if_equal"])))
        said += (
            f". Were failures and passes as easily got wrong, each would err on {percent(found['rate'])} "
            f"({percent(found['low'])} to {percent(found['high'])}), and the failure rate be {equal}"
        )
    return f"{said}. Without that: " if found["rate"] is not None and estimate is not None else f"{said}. "


def span_text(low: float, high: float) -> str:
    """A range of rates, or the one rate where it is known."""
    return short_percent(low) if low == high else f"{short_percent(low)} to {short_percent(high)}"


def looks_text(settings: Document) -> str:
    """Which look at a gate it is, and what it may spend; nothing where there is one."""
    if settings["method"] == "anytime":
        return "at any time"
    looks = settings.get("looks")
    if not looks:
        return ""
    return (
        f"look {looks['look']} of {looks['of']}, {looks['spending']}: certified at p <= {looks['level']:.3g}"
    )


def certificate_line(record: Document, settings: Document) -> str:
    """What the verdict on one record of `certify` rests on."""
    upper, limit = map(percent, (record["upper_limit"], settings["limit"]))
    rate = f"failure rate {estimate_text(record)}{errors_text(settings)}"
    return (
        f"{rate}, upper limit {upper} at {100 * settings['confidence']:g}% confidence, "
        f"limit {limit}, p {p_compared(record['p_value'])} ({looks_text(settings) or settings['method']}); "
        f"{record['n_labeled']:,.8g} labelled, {record['n_unlabeled']:,.8g} unlabelled"
    )


def few_labels_line(settings: Document) -> str:
    """What the star behind a number of labels means."""
    return f"* fewer than {settings['min_labels']} labels."


def pooling_lines(pooling: Document) -> list[str]:
    """How the judge's rates were taken, and which slices speak against one judge for all."""
    asked, used = pooling["asked"], pooling["used"]
    said = f"Judge's rates: {used}"
    if asked != used:
        said += f" ({asked} was asked; {pooling['reason']})"
    if pooling["spread"]:
        tpr, fpr = pooling["spread"]["tpr"], pooling["spread"]["fpr"]
        said += f", spread {tpr:.2f} of TPR and {fpr:.2f} of FPR over slices"
    if pooling["one_judge"] is not None:
        said += f"; one judge for all has a probability of {pooling['one_judge']:.2f}"
    lines = [f"{said}."]
    if test := pooling["homogeneity"]:
        names = [record_name({"key": key}) for key in test["outlying"]]
        more = f" and {len(names) - _FEW_NAMED} more" if len(names) > _FEW_NAMED else ""
        stand = "no slice stands out" if not names else f"standing out: {'; '.join(names[:_FEW_NAMED])}{more}"
        lines.append(f"Test of one judge for all slices: p = {test['p_value']:.3f}; {stand}.")
    elif pooling["homogeneity_skipped"]:
        lines.append(f"No test of one judge for all slices: {pooling['homogeneity_skipped']}.")
    return lines


def borrowed_line(lent: Document) -> str:
    """What was borrowed from references, and how alike they are."""
    n, names = lent["n_references"], ("tpr", "fpr")
    varies = " and ".join(f"{100 * lent['spread'][name]:.1f} points of {name.upper()}" for name in names)
    alike = " and ".join(f"{lent['exchangeable'][name]:.2f} for the {name.upper()}" for name in names)
    references = f"{n} reference{'s' * (n != 1)} with {lent['n_labeled']:,.8g} labels"
    return (
        f"Borrowing, in place of bounds on TPR and FPR: {references}; from one to the next {varies} "
        f"(standard deviation); the judge here is like theirs with a probability of {alike}; "
        f"{lent['share']:.0%} of what is known of it is theirs."
    )


def bounds_text(settings: Document) -> str:
    """Say which bounds were used."""
    if settings["bounds"] == "by slice":
        return "bounds: by slice"
    names = {"failure_rate": "failure rate", "tpr": "TPR", "fpr": "FPR"}
    stated = [f"{names[name]} {span_text(low, high)}" for name, (low, high) in settings["bounds"].items()]
    origin = origin_text(settings)
    return f"bounds: {', '.join(stated) or 'none'}{origin and f' ({origin})'}"


def origin_text(settings: Document) -> str:
    """Which calibration file bounds are from; nothing where they are from none."""
    origin = settings.get("bounds_from")
    return f"{shown_text(PurePath(origin['file']).name)}: {origin['said']}" if origin else ""
