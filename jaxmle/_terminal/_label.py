"""The document of `jaxmle label` for a terminal."""

from rich.console import Group
from rich.text import Text

from jaxmle._documents import agreement_text, count_of, names_text, percent
from jaxmle._types import Document

_FEW = 10


def label_table(document: Document) -> Group:
    """Lay out the document of `jaxmle label` for a terminal."""
    items = document["items"]
    labeled = items["failures"] + items["passes"]
    skipped = f", {items['skipped']:,} skipped" if items["skipped"] else ""
    lines = [
        Text(
            f"{labeled:,} of {count_of(items['items'], 'item')} labelled{skipped}: "
            f"{count_of(items['failures'], 'failure')}, {items['passes']:,} "
            f"{'pass' if items['passes'] == 1 else 'passes'}.",
            style="bold green" if labeled == items["items"] else "bold",
        )
    ]
    if document["taken"] is not None:
        lines.append(Text(f"{count_of(document['taken'], 'label')} taken."))
    rate = document["failure_rate"]
    if rate["reason"]:
        lines.append(Text(f"No interval: {rate['reason']}."))
    else:
        estimate = "" if rate["estimate"] is None else f"failure rate {percent(rate['estimate'])}, "
        level = f"{100 * rate['confidence']:g}% interval"
        ends = f"{level} {percent(rate['low'])} to {percent(rate['high'])}"
        lines.append(Text(f"As it stands: {estimate}{ends} (chi-square; estimate has the one to report)."))
    together = document["together"]
    if together:
        lines += _together(together)
    for one in document["agreement"]:
        lines += _agreement(one, named=not together)
    if document["page"]:
        lines.append(
            Text(
                f"Page: {document['page']}. It opens in a browser without a network; take what it saves with "
                "--import."
            )
        )
    else:
        lines.append(Text(f"Labels: {document['file']}."))
    if document["next"] and "--human-combine" in document["next"]:
        majority = "`majority` takes what most say; " if "majority" in document["next"] else ""
        lines.append(
            Text(
                f"{majority}`any` takes for a failure whatever one of them calls one, which raises the rate; "
                "`all` lowers it. Best settle the items on which they differ; --human-error agreement says "
                "what they leave open.",
                style="yellow",
            )
        )
    if document["next"]:
        lines.append(Text(f"Next: {document['next']}", no_wrap=True))
    return Group(*lines)


def _together(one: Document) -> list[Text]:
    """How more than two raters agree."""
    names = names_text(one["raters"])
    if not one["n_several"]:
        return [Text(f"No two of {names} have an item in common yet.")]
    beyond = agreement_text(one)
    said = f"{names}: pairs of labels agree on {percent(one['share'])} of {one['n_several']:,} items"
    return [Text(f"{said}{beyond and f', {beyond}'}."), *_differ(one)]


def _agreement(one: Document, *, named: bool) -> list[Text]:
    first, second = one["raters"]
    if not one["n_both"]:
        return [Text(f"{first} and {second} have no item in common yet.")]
    beyond = agreement_text(one, "kappa")
    said = f"{first} and {second} agree on {percent(one['share']['estimate'])} of {one['n_both']:,} items"
    return [Text(f"{said}{beyond and f', {beyond}'}."), *(_differ(one) if named else [])]


def _differ(one: Document) -> list[Text]:
    """The items on which raters differ, to be settled."""
    differ = [", ".join(item) for item in one["differ"]]
    more = f" and {len(differ) - _FEW:,} more" if len(differ) > _FEW else ""
    return [Text(f"They differ on {'; '.join(differ[:_FEW])}{more}.")] if differ else []
