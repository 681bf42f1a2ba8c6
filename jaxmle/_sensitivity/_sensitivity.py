"""What the estimate and the verdict owe to each bound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import Bounds, Calibration, Counts, HasCounts, check_confidence
from jaxmle._inference import check_labels, checked_problem, effective, fit_flat, warn_of_design
from jaxmle._results import drawn, plain
from jaxmle._sensitivity._bound_effects import Effect, effects_of
from jaxmle._sensitivity._bound_scan import BoundScan, ScanResult
from jaxmle._sensitivity._moved_bounds import (
    Grid,
    checked_grid,
    checked_names,
    most_influential,
    moved,
    present_value,
)
from jaxmle._sensitivity._tipping import tipping_share, verdict_changes
from jaxmle._simulation import Labels
from jaxmle._types import Array, Index

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@pytree
@dataclass(frozen=True, eq=False)
class Sensitivity(ScanResult):
    """Estimate, interval and verdict as functions of one or two bounds.

    The fields of `ScanResult` are arrays over the grid, shape ``(len(grid[0]),)`` or
    ``(len(grid[0]), len(grid[1]))``; numbers are masked where there is none, and ``status`` says why.

    Attributes:
        over: Names of the bounds that are moved.
        grid: Their values, an array each.
        present: Answers at the present bounds: plain numbers, None where there is none.
        present_values: Present values of the bounds that are moved; None for a rate that is not known.
        tipping: Where on the grid the verdict flips: values of the bound, shape ``(K,)``, or with two bounds
            points, shape ``(K, 2)``. Empty without a limit, or where it never flips.
        effects: What each bound by itself does: see `Effect`.
        limit: The failure rate to stay under, or None.
        confidence: Confidence of interval, upper limit and verdict.
    """

    over: tuple[str, ...] = field(metadata={"static": True})
    grid: tuple[Array, ...]
    present: ScanResult
    present_values: tuple[float | None, ...]
    tipping: Array
    effects: tuple[Effect, ...]
    limit: float | None
    confidence: float

    def __len__(self) -> int:
        return len(self.grid[0])

    def __getitem__(self, index: Index) -> ScanResult:
        """Answers at points of the grid."""
        found: dict[str, Any] = dict(self.parts(index))
        return ScanResult(**{name: part if np.ndim(part) else _plain(part) for name, part in found.items()})

    def __iter__(self) -> Iterator[ScanResult]:
        return (self[i] for i in range(len(self)))

    def _columns(self) -> dict[str, list[Any]]:
        """One row a point of the grid."""
        points = np.meshgrid(*self.grid, indexing="ij")
        columns = {name: values.reshape(-1).tolist() for name, values in zip(self.over, points, strict=True)}
        for one in fields(ScanResult):
            values = getattr(self, one.name)
            if values is not None:
                columns[one.name] = np.ma.asarray(values, object).reshape(-1).tolist()
        return columns

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Draw the curve or the map with `plot_sensitivity`.

        Args:
            ax: Where to draw; a new pyplot figure by default.

        Returns:
            The axes.

        Raises:
            ImportError: matplotlib is not installed.

        Examples:
            >>> from matplotlib.figure import Figure
            >>> from jaxmle import Bounds, Counts, sensitivity
            >>> counts = Counts(tp=14, fn=3, fp=5, tn=128, unlabeled_pos=200, unlabeled_neg=1300)
            >>> result = sensitivity(counts, Bounds(tpr=(0.80, 0.95)), over="tpr.low")
            >>> result.plot(ax=Figure().subplots()).get_ylabel()
            'Failure rate'
        """
        return drawn("plot_sensitivity", self, ax=ax)

    def __str__(self) -> str:
        shape = " x ".join(str(len(values)) for values in self.grid)
        return (
            f"sensitivity to {' and '.join(self.over)}, {shape} points; verdict flips at {len(self.tipping)}"
        )


def sensitivity(
    counts: Counts | HasCounts,
    bounds: Bounds | None = None,
    *,
    over: str | Sequence[str] | None = None,
    grid: Grid | None = None,
    limit: float | None = None,
    confidence: float = 0.95,
    calibration: Calibration = "internal",
    labels: Labels = "random",
    design_effect: float | None = None,
    df: float | None = None,
) -> Sensitivity:
    """Estimate, interval and verdict as functions of the bounds, and where the verdict flips.

    Intervals and verdicts are those of the profile likelihood with asymptotic cut-offs, all points of the
    grid being one batch; with few labels let `certify` have the last word at the bounds that matter.

    Args:
        counts: Counts of one data set, or what `tables.count` returns.
        bounds: The present bounds, scalars; none by default.
        over: What is moved, one or two of "tpr.low", "tpr.high", "fpr.low", "fpr.high", "failure_rate.low",
            "failure_rate.high"; "tpr" or "fpr", the rate taken as known; or "margin", by which all four
            bounds on the judge's rates are widened. By default the two bounds on the judge's rates on which
            the upper limit depends most.
        grid: Increasing values in [0, 1]; for two bounds a pair of such rows. By default some 21 values: from
            the other end of its range to as far beyond the present bound.
        limit: The failure rate to stay under, in (0, 1); without one there is no verdict.
        confidence: Confidence of interval, upper limit and verdict, in [0.5, 1).
        calibration: "internal" or "external", as in `fit`.
        labels: "random" or "by-verdict", as in `certify`.
        design_effect: Design effect of weights or clusters, > 0, as in `profile_interval`.
        df: Degrees of freedom with it.

    Returns:
        Answers over the grid and at the present bounds, tipping points, and what each bound does.

    Raises:
        ValueError: ``over``, ``grid``, ``limit`` or another argument is out of range; ``counts`` or
            ``bounds`` are of a batch; or the data are impossible within the present bounds.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Warns:
        UserWarning: The labelled items are no random sample though they are declared to be.

    Source:
        Each point: `profile_interval` with chi-square cut-offs. Effects of bounds: their shadow prices, by
        the envelope theorem.

    Examples:
        >>> from jaxmle import Bounds, Counts, sensitivity
        >>> counts = Counts(tp=14, fn=3, fp=5, tn=128, unlabeled_pos=200, unlabeled_neg=1300)
        >>> bounds = Bounds(tpr=(0.80, 0.95), fpr=(0.02, 0.06))
        >>> result = sensitivity(counts, bounds, over="tpr.low", limit=0.149)
        >>> result.present.certified, [f"{value:.2f}" for value in result.tipping]
        (True, ['0.78'])
    """
    check_over(over, grid)
    if check_confidence(confidence) < 0.5:
        raise ValueError(f"`confidence` must be at least 0.5; got {confidence!r}.")
    check_labels(labels, calibration)
    problem, shape = checked_problem(counts, bounds, calibration)
    if shape:
        raise ValueError(f"`counts` and `bounds` must be of one data set; got a batch of shape {shape}.")
    problem, _ = effective(problem, shape, design_effect, df)
    mismatched = warn_of_design(problem.counts, calibration, labels, effective=design_effect is not None)
    scan = BoundScan(
        present=fit_flat(problem, calibration),
        unbounded=np.asarray(fit_flat(problem.unbounded(), calibration).log_likelihood),
        limit=limit,
        confidence=float(confidence),
        labels=labels,
        mismatched=bool(mismatched),
        df=df,
    )
    return scanned(scan, over, grid)


def check_over(over: str | Sequence[str] | None, grid: Grid | None) -> None:
    """Raise ``ValueError`` unless one or two bounds are named, or none and no values for them."""
    if over is not None:
        checked_names(over)
    elif grid is not None:
        raise ValueError("`grid` goes with `over`: name the bounds that take its values.")


def scanned(scan: BoundScan, over: str | Sequence[str] | None, grid: Grid | None) -> Sensitivity:
    """`sensitivity` of a data set that is fitted already."""
    present = scan.ends
    names = None if over is None else checked_names(over)
    values = None if names is None else checked_grid(names, grid, present)
    effects = effects_of(scan)
    if names is None or values is None:
        names = most_influential({one.bound: one.d_upper_limit or 0.0 for one in effects})
        values = checked_grid(names, None, present)

    mesh = np.meshgrid(*values, indexing="ij")
    points = np.stack([axis.reshape(-1) for axis in mesh], -1)
    found = scan.results(np.concatenate([moved(present, names, points), present[None]]))
    over_grid: dict[str, Any] = {
        name: None if part is None else part.reshape(mesh[0].shape)
        for name, part in found.parts(slice(0, -1)).items()
    }
    here = ScanResult(**{name: _plain(part) for name, part in found.parts(-1).items()})
    tipping = np.zeros((0, len(names)))
    if scan.limit is not None:
        tipping = _tipping(scan, names, mesh, ScanResult(**over_grid))
    return Sensitivity(
        **over_grid,
        over=names,
        grid=values,
        present=here,
        present_values=tuple(present_value(name, present) for name in names),
        tipping=tipping[:, 0] if len(names) == 1 else tipping,
        effects=effects,
        limit=scan.limit,
        confidence=scan.confidence,
    )


def _tipping(scan: BoundScan, names: tuple[str, ...], mesh: Sequence[Array], over_grid: ScanResult) -> Array:
    """Points between neighbours on the grid, along each of its axes."""
    starts, stops = [], []
    points = np.stack(mesh, -1)
    for axis in range(len(names)):
        along_axis: dict[str, Any] = {
            name: None if part is None else np.moveaxis(part, axis, -1)
            for name, part in over_grid.parts(...).items()
        }
        turned = ScanResult(**along_axis)
        where = verdict_changes(turned)
        along = np.moveaxis(points, axis, -2)
        starts.append(along[..., :-1, :][where])
        stops.append(along[..., 1:, :][where])
    start, stop = np.concatenate(starts), np.concatenate(stops)
    share = tipping_share(scan, *(moved(scan.ends, names, points) for points in (start, stop)))
    found = start + share[:, None] * (stop - start)
    return found[np.lexsort(found.T[::-1])]


def _plain(value: Array | None) -> Any:
    return None if value is None or value is np.ma.masked else plain(np.asarray(value))
