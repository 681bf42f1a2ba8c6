"""What pages open with: the figures of a result, and how many items it is of."""

from jaxmle._documents import estimate_text, p_value, percent
from jaxmle._types import Document


def certificate_figures(record: Document, settings: Document) -> list[tuple[str, str]]:
    """The four figures of a certificate: rate, upper limit, the limit asked about, and p."""
    level = f"{100 * settings['confidence']:g}%"
    return [
        (rate_name(settings), estimate_text(record)),
        (f"Upper limit ({level})", percent(record["upper_limit"])),
        ("Limit", percent(settings["limit"])),
        ("p-value", p_value(record["p_value"])),
    ]


def rate_name(settings: Document) -> str:
    """What the first figure is called."""
    return "Failure rate, all rows" if settings["by"] else "Failure rate"


def rate_text(rate: float | None) -> str:
    """A rate, or that the data do not determine it."""
    return "not identified" if rate is None else percent(rate)


def sizes_lines(total: Document) -> list[str]:
    """How many items a result is of, and how many that stand alone tell as much."""
    lines = [f"{total['n_labeled']:,.8g} labelled and {total['n_unlabeled']:,.8g} unlabelled items."]
    effective = total.get("n_effective")
    if effective and total["design_effect"] != 1:
        lines.append(
            f"They tell as much as {effective['labeled']:,.0f} labelled and {effective['unlabeled']:,.0f} "
            "unlabelled items that stand alone; intervals account for it."
        )
    return lines
