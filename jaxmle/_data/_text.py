"""Texts from strangers' files, made fit to be shown."""


def printable(text: str, longest: int) -> str:
    """Text without control characters, and cut where it is longer than ``longest``."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."
