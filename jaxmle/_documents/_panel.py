"""Several judges and several raters, one by one, for documents."""

from jaxmle._data import Counts
from jaxmle._documents._agreement import measures_of
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._words import percent
from jaxmle._inference import rater_agreement
from jaxmle._tables import Panel
from jaxmle._types import Document


def panel_document(panel: Panel, analysis: AnalysisSettings) -> Document:
    """Each judge alone and each rule with TPR, FPR and expected width; missing verdicts; disagreements.

    Rates are those of the labelled rows, unweighted. The width is that of an interval without bounds, by the
    normal approximation of `Precision`, as if rows were independent.
    """
    raters = panel.raters
    return {
        "judges": [
            {"judge": one.name, "chosen": one.chosen, **_rates(one.counts, analysis)}
            for one in panel.candidates
        ],
        "confidence": analysis.confidence,
        "missing": panel.missing,
        "missing_counts_as": panel.counted_as,
        "rows": panel.n_rows,
        "raters": None
        if raters is None
        else {
            "names": raters.names,
            "rule": raters.rule,
            "labelled_by_several": raters.n_several,
            "disagree": raters.n_differ,
            "undecided": raters.n_undecided,
            **measures_of(rater_agreement(raters.patterns, confidence=analysis.confidence), ("kappa", "ac1")),
        },
    }


def judges_title(panel: Document) -> str:
    """What the table of `judges_rows` shows."""
    level = f"{100 * panel['confidence']:g}%"
    return f"Judges alone and by rule; width: expected, of a {level} interval without bounds"


def judges_rows(panel: Document) -> list[list[str]]:
    """Each judge alone and each rule in words: judge, whether it is used, TPR, FPR, width, labelled rows."""
    return [
        [
            one["judge"],
            "used" if one["chosen"] else "",
            *(percent(one[name]) for name in ("tpr", "fpr", "width")),
            f"{one['n_labeled']:,}",
        ]
        for one in panel["judges"]
    ]


def _rates(cells: tuple[int, ...], analysis: AnalysisSettings) -> Document:
    from jaxmle._planning import Precision  # a twentieth of a second to import; most files have one judge

    tp, fn, fp, tn = cells[:4]
    external = analysis.calibration == "external"
    precision = Precision.of(Counts(*cells), external=external) if tp + fn + fp + tn else None
    return {
        "n_labeled": tp + fn + fp + tn,
        "tpr": tp / (tp + fn) if tp + fn else None,
        "fpr": fp / (fp + tn) if fp + tn else None,
        "width": None if precision is None else 2 * precision.half_width(analysis.confidence),
    }
