"""The result of `jaxmle report`: what `estimate` and `certify` say, and what else bears on a decision."""

import platform
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from jaxmle import baselines
from jaxmle._data import Counts
from jaxmle._documents._agreement import agreement_document
from jaxmle._documents._certify import NOTHING_CERTIFIED, certify_document
from jaxmle._documents._design_effects import DesignEffects
from jaxmle._documents._estimate import estimate_document
from jaxmle._documents._fitted import Fitted, fit_table
from jaxmle._documents._human_error import HumanErrors
from jaxmle._documents._sensitivity import bound_scan
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._tolerance import tolerance_of
from jaxmle._inference import Adjustment, CertificateMethod, Fit, ProfileInterval
from jaxmle._sensitivity import MARGIN, BoundScan, effects_of, tips_of
from jaxmle._tables import SliceCounts
from jaxmle._types import Document

_ENDS = [(name, i, end) for name in ("failure_rate", "tpr", "fpr") for i, end in enumerate(("low", "high"))]


@dataclass(frozen=True)
class Evidence:
    """What the figures are of: all rows together.

    Attributes:
        fit: Fit of the counts divided by their design effect, shape ``(1,)``.
        interval: Their profile interval.
    """

    fit: Fit
    interval: ProfileInterval


def report_document(
    table: SliceCounts,
    analysis: AnalysisSettings,
    *,
    source: str,
    command: str,
    limit: float | None = None,
    method: CertificateMethod = "exact",
    adjustment: Adjustment = "none",
    errors: HumanErrors | None = None,
    fitted: Fitted | None = None,
    progress: bool = False,
    **options: Any,
) -> tuple[Document, Evidence]:
    """Gather what a page reports.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        source: Where the rows are from.
        command: What to type to get this page again.
        limit: Failure rate to stay under, in (0, 1); None where no verdict is wanted.
        method: "exact" or "profile", of the verdict.
        adjustment: "none", "holm" or "benjamini-hochberg", likewise over the slices.
        errors: How human labels may err; the verdict is then that of `certify` with the same.
        fitted: The table's data sets, where they are fitted already.
        progress: Whether to show a bar on standard error where that is a terminal.
        **options: As for `estimate_document`.

    Returns:
        The document, which holds those of `estimate` and `certify`, and what its figures are of. Where an
        upper limit of the certificate lies above an interval, the interval ends there: the two take nuisance
        rates into account by different sets of judges, and the longer answer is the one to keep.

    Raises:
        ValueError: The bounds leave no feasible point for some slice, or an argument is out of range.
    """
    fitted = fitted or fit_table(table, analysis)
    last, effects = fitted.last, fitted.effects
    counts = fitted.counts[last]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said in the documents
        interval = fitted.fits[last].interval(
            confidence=analysis.confidence,
            labels=analysis.labels,
            simulate=False if options.get("interval") == "chi-square" else None,
            seed=analysis.seed,
            **fitted.dispersion(last),
        )
    estimate = estimate_document(table, analysis, fitted=fitted, total=interval, progress=progress, **options)
    certificate = None
    # The limit that the share of failures among labels must stay below.
    tested = limit if limit is None or errors is None else errors.limit(limit)
    if limit is not None:
        given: dict[str, Any] = {"limit": tested, "method": method, "adjustment": adjustment, "asked": limit}
        certificate = certify_document(table, analysis, fitted=fitted, progress=progress, **given)
        if adjustment == "none" and not estimate.get("pooling"):
            _reconcile(estimate, certificate)
    if errors is not None:
        errors.add_to(estimate)
        if certificate is not None and limit is not None:
            errors.add_verdicts_to(certificate, limit)
    agreement = agreement_document(
        counts, analysis.confidence, effects.for_humans(last, counts) if effects else None
    )
    verdict = None if certificate is None else bool(certificate["total"]["certified"])
    scan = bound_scan(fitted, analysis, tested, max(analysis.confidence, 0.5))
    (margin,) = (None,) if tested is None else tips_of(scan, (MARGIN,))
    document = {
        "command": "report",
        "failure": table.failures,
        "cautions": (certificate or estimate)["cautions"],
        "if_external": estimate["if_external"],
        "version": version("jaxmle"),
        "source": source,
        "certified": certificate["certified"] if certificate else None,
        "estimate": estimate,
        "certificate": certificate,
        "ppi_plus_plus": _ppi(counts, analysis, effects),
        "agreement": agreement,
        "judge_in_labels": {name: agreement and agreement[name] for name in ("tpr", "fpr")},
        "effects": _effects(fitted, scan),
        "tolerance": tolerance_of(fitted, scan, margin, verdict),
        "reproduce": {"command": command, "seed": analysis.seed, "versions": _versions()},
    }
    return document, Evidence(fitted.effective[[last]], interval)


def _reconcile(estimate: Document, certificate: Document) -> None:
    """Let no interval end below the upper limit of the same data set."""
    limits = {_name(record): record for record in [*certificate["slices"], certificate["total"]]}
    for record in [*estimate["slices"], estimate["total"]]:
        other = limits[_name(record)]
        # A limit that the data do not give, as where they contradict the bounds, draws nothing out.
        is_informative = NOTHING_CERTIFIED not in other["warnings"]
        if is_informative and record["failure_rate"]["high"] < other["upper_limit"] < 1:
            record["failure_rate"]["high"] = other["upper_limit"]
            record["warnings"].append("the interval is drawn out to the upper limit of the certificate")


def _name(record: Document) -> str:
    return repr(record.get("key"))


def _ppi(
    counts: Counts, analysis: AnalysisSettings, effects: DesignEffects | None
) -> dict[str, float] | None:
    """PPI++ of all rows, where it applies: to labels that are a random sample of the judged items."""
    random = analysis.calibration == "internal" and analysis.labels == "random"
    if not (random and counts.n_labeled and counts.n_unlabeled):
        return None
    effect = float(effects.effect[-1]) if effects else 1.0
    narrowed = Counts(*(value / effect for value in counts.values()))
    found = baselines.ppi_plus_plus(narrowed, confidence=analysis.confidence)
    assert found.estimate is not None
    return {"estimate": float(found.estimate), "low": float(found.low), "high": float(found.high)}


def _effects(fitted: Fitted, scan: BoundScan) -> list[Document]:
    """What each bound of all rows together does, those that say nothing left out."""
    result = fitted.fits[fitted.last]
    stated = [f"{name}.{end}" for (name, i, end), value in zip(_ENDS, scan.ends, strict=True) if value != i]
    found = effects_of(scan, tuple(stated))
    prices = {
        f"{name}.{end}": float(getattr(result.shadow_price, name)[i]) if result.identified else None
        for name, i, end in _ENDS
    }
    return [
        {
            "bound": one.bound,
            "value": one.value,
            "active": one.bound in result.active_bounds,
            "shadow_price": prices[one.bound],
            "d_estimate": one.d_estimate,
            "d_upper_limit": one.d_upper_limit,
            "tipping": one.tipping,
        }
        for one in found
    ]


def _versions() -> dict[str, str]:
    packages = ("jaxmle", "jax", "numpy", "scipy", "duckdb")
    return {**{name: version(name) for name in packages}, "python": platform.python_version()}
