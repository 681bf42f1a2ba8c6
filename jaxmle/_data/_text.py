"""Texts from strangers' files, made fit to be shown; rates as people read them."""

from jaxmle._types import Numbers


def printable(text: str, longest: int) -> str:
    """Text without control characters, and cut where it is longer than ``longest``."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def percent(value: Numbers | None) -> str:
    """Write a rate for people: the same digits in tables, sentences and drawings."""
    return "-" if value is None else f"{100 * value:.2f}%"


def short_percent(value: float) -> str:
    """Write a rate that somebody stated: no more digits than it has, up to four."""
    return f"{100 * value:.4g}%"
