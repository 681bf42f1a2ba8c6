"""What it takes to get a page again."""

from jaxmle._page._blocks import Block, Code, Rows, Section
from jaxmle._types import Document

_COUNTS = {
    "tp": "human failure, judge failure",
    "fn": "human failure, judge pass",
    "fp": "human pass, judge failure",
    "tn": "human pass, judge pass",
    "unlabeled_pos": "no human verdict, judge failure",
    "unlabeled_neg": "no human verdict, judge pass",
}


def reproduce(document: Document) -> Section:
    """The command, the counts with which numbers can be had without the file, versions and seed."""
    found = document["reproduce"]
    total = document["estimate"]["total"]
    counts = [[name, f"{total['counts'][name]:,.10g}", what] for name, what in _COUNTS.items()]
    versions = [[name, value] for name, value in (*found["versions"].items(), ("seed", str(found["seed"])))]
    blocks: list[Block] = [
        Code(found["command"], "The command that makes this page"),
        Rows("Counts of all rows together", ["count", "items", "what"], counts, words=("what",)),
    ]
    if "design_effect" not in total:
        blocks.append(Code(_lines(document), "The number again, from the counts alone, in Python"))
    blocks.append(Rows("Versions, and the seed of all simulation", ["what", "value"], versions))
    return Section("reproduce", "Reproduce this page", blocks)


def _lines(document: Document) -> str:
    estimate = document["estimate"]
    settings, total = estimate["settings"], estimate["total"]
    bounds = total["bounds"] if settings["bounds"] == "by slice" else settings["bounds"]
    counts = ", ".join(f"{name}={value:.17g}" for name, value in total["counts"].items())
    stated = ", ".join(f"{name}=({low!r}, {high!r})" for name, (low, high) in bounds.items())
    given = [f"confidence={settings['confidence']!r}", f"seed={settings['seed']}"]
    given += [
        f'{name}="{settings[name]}"'
        for name, usual in (("calibration", "internal"), ("labels", "random"))
        if settings[name] != usual
    ]
    given += ["simulate=False"] if settings["interval"] == "chi-square" else []
    return (
        "from jaxmle import Bounds, Counts, profile_interval\n\n"
        f"counts = Counts({counts})\n"
        f"bounds = Bounds({stated})\n"
        f"print(profile_interval(counts, bounds, {', '.join(given)}))"
    )
