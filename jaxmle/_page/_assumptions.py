"""What a result rests on, in plain words."""

from jaxmle._documents import bounds_text, percent
from jaxmle._types import Document


def assumptions(document: Document) -> list[str]:
    """Say what must be true for the numbers of a report to mean what they say."""
    estimate, certificate = document["estimate"], document["certificate"]
    settings = estimate["settings"]
    level = f"{100 * settings['confidence']:g}%"
    found = [
        _truth(settings),
        _design(settings),
        "The judge is the same throughout: labelled and unlabelled items have the same TPR (share of "
        "failures that it flags) and the same FPR (share of passes that it flags).",
        _bounds(settings),
        _independence(estimate["total"]),
    ]
    if estimate["dropped"]:
        found.append("Rows that were left out are like the others; the numbers say nothing about them.")
    if estimate["slices"]:
        found.append(_slices(settings))
    found.append(
        f"An interval of {level} is made by a method that, over many such data sets, holds the true rate in "
        f"{level} of them; it does not cover false assumptions."
    )
    if certificate:
        found.append(_certificate(certificate["settings"]))
    return found


def _truth(settings: Document) -> str:
    errors = settings.get("human_error")
    if not errors:
        return "The human verdict is the truth: a failure is what humans call a failure."
    missed, alarms = (
        f"{percent(low)} to {percent(high)}" for low, high in (errors["missed"], errors["false_alarms"])
    )
    raters = " Raters err independently of each other and equally often." if "agreement" in errors else ""
    return (
        f"Humans call {missed} of the failures passes and {alarms} of the passes failures, "
        f"whatever the judge says.{raters}"
    )


def _design(settings: Document) -> str:
    if settings["calibration"] == "external":
        return (
            "The labelled items come from elsewhere or were chosen by their true label: they tell of the "
            "judge only, and the failure rate is that of the unlabelled items (--calibration external)."
        )
    if settings["labels"] == "by-verdict":
        return (
            "Which items humans labelled depended on the judge's verdict and on nothing else "
            "(--labels by-verdict)."
        )
    return "The labelled items are a random sample of the judged ones."


def _bounds(settings: Document) -> str:
    if not settings["bounds"]:
        return "Nothing is taken as known of the judge: there are no bounds."
    by_slice = settings["bounds"] == "by slice"
    what = "they differ by slice" if by_slice else bounds_text(settings).removeprefix("bounds: ")
    return (
        f"The bounds are true: {what}. They are a claim from outside these data: a wrong one biases the "
        "estimate, and the interval does not tell."
    )


def _independence(total: Document) -> str:
    if "design_effect" in total:
        return (
            "Items stand together as the weights or clusters say (design effect "
            f"{total['design_effect']:.2f}); clusters, or items with weights, are independent of one another."
        )
    return "Items are independent: one tells nothing of the next."


def _slices(settings: Document) -> str:
    return {
        "per-slice": "Each slice has a judge of its own, learnt from its labels alone.",
        "common": "All slices have one judge: the same TPR and the same FPR.",
        "partial": "Slices have judges that are alike as far as the data say, and borrow from each other.",
    }[settings["judge_rates"]]


def _certificate(settings: Document) -> str:
    error = f"{100 * (1 - settings['confidence']):.3g}%"
    how = {
        "exact": "by simulation over all judges that bounds and labels allow",
        "profile": "by the simulated p-value of the likelihood ratio, over fewer judges than the exact test",
    }[settings["method"]]
    each = {
        "none": "each verdict by itself" if settings["by"] else "",
        "holm": "over all slices together (Holm)",
        "benjamini-hochberg": "as the expected share of wrong certificates (Benjamini-Hochberg)",
    }[settings["adjustment"]]
    return (
        f"A certificate is wrong with a probability of at most {error}, {how}{each and f'; {each}'}. "
        "Not certified does not mean above the limit: only that below it is not shown."
    )
