"""What is known beforehand about the judge and the failure rate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self, TypeAlias, cast

import numpy as np

from jaxmle._arrays import is_jax, is_traced, unchecked_pytree
from jaxmle._data._counts import Counts, HasCounts, counts_of
from jaxmle._data._references import PRIOR_SPREAD, predictive
from jaxmle._data._validation import check_confidence, first_bad, host_number
from jaxmle._results import Result
from jaxmle._stats import clopper_pearson
from jaxmle._types import Array, ArrayLike, Index, Pair

_UNIT = cast(Pair, (0.0, 1.0))
# A pair of numbers or arrays.
_Range: TypeAlias = tuple[ArrayLike, ArrayLike] | Sequence[float] | Array


@unchecked_pytree
@dataclass(frozen=True, eq=False)
class Bounds(Result):
    """Known ranges of the failure rate and of the judge's true and false positive rates.

    Each is a pair ``(low, high)`` of scalars or of per-slice arrays; ``low == high`` means the
    value is known. The default says nothing.

    Args:
        failure_rate: Range of P(failure), within [0, 1].
        tpr: Range of P(judge says failure | failure), within [0, 1].
        fpr: Range of P(judge says failure | pass), within [0, 1].

    Raises:
        ValueError: A bound is not a pair, lies outside [0, 1], or low > high.

    Examples:
        >>> from jaxmle import Bounds
        >>> Bounds(tpr=(0.85, 0.97), fpr=(0.01, 0.08))
        Bounds(failure_rate=(0.0, 1.0), tpr=(0.85, 0.97), fpr=(0.01, 0.08))
    """

    failure_rate: Pair = _UNIT
    tpr: Pair = _UNIT
    fpr: Pair = _UNIT

    if TYPE_CHECKING:  # what may be passed; the fields hold arrays

        def __init__(
            self, failure_rate: _Range = _UNIT, tpr: _Range = _UNIT, fpr: _Range = _UNIT
        ) -> None: ...

    def __post_init__(self) -> None:
        for name, pair in zip(_NAMES, self._values(), strict=True):
            try:
                low, high = pair
            except (TypeError, ValueError):
                raise ValueError(f"`{name}` must be a pair (low, high); got {pair!r}.") from None
            if is_traced(low, high):
                object.__setattr__(self, name, (low, high))
                continue
            ends = [host_number(f"{name}.{end}", value) for end, value in (("low", low), ("high", high))]
            for end, value in zip(("low", "high"), ends, strict=True):
                first_bad(
                    f"{name}.{end}", value, (np.asarray(value) < 0) | (np.asarray(value) > 1), "in [0, 1]"
                )
            try:
                crossed = np.greater(*ends)
            except ValueError as error:
                raise ValueError(
                    f"`{name}` must have low and high of matching shapes; got {error}."
                ) from error
            if np.any(crossed):
                raise ValueError(f"`{name}` must have low <= high; got low {low!r}, high {high!r}.")
            keep = tuple(
                raw if is_jax(raw) else np.asarray(value, dtype=np.float64)[()]
                for raw, value in zip((low, high), ends, strict=True)
            )
            object.__setattr__(self, name, keep)

    @classmethod
    def from_reference(
        cls, counts: Counts | HasCounts, *, confidence: float = 0.95, same_population: bool = False
    ) -> Self:
        """Bound the judge's rates in a new data set by what it did in a single other one.

        One reference does not tell how far data sets differ, so that is taken from published ones: these are
        the limits of `from_references` with one reference. Limits of binomial sampling alone speak of the
        reference and not of the next data set: at a nominal 99% they held the rate of the next published set
        in a third of the cases (185 of 492) where all others were the reference, and in two thirds with one
        of them (``python -m benchmarks.references``). ``same_population=True`` asks for them.

        Args:
            counts: Labelled counts of the reference, shape ``(...)``, or what `tables.count` returns;
                unlabelled counts are ignored.
            confidence: Probability, in (0, 1), that both rates of the new data set lie within the bounds.
            same_population: Whether reference and new data are random samples of the same: the same judge on
                the same task, as with last week's labels. Bounds then allow for sampling alone and are exact
                (Clopper-Pearson) limits.

        Returns:
            Bounds on ``tpr`` and ``fpr``, shape ``(...)``; a rate of which the reference holds no trial keeps
            (0, 1).

        Raises:
            ValueError: ``confidence`` is not in (0, 1).
            TypeError: ``counts`` is neither.

        Source:
            As in `from_references`; Clopper and Pearson, Biometrika 26 (1934), limits as Beta quantiles.

        Examples:
            >>> from jaxmle import Bounds, Counts
            >>> reference = Counts(tp=90, fn=10, fp=5, tn=95, unlabeled_pos=0, unlabeled_neg=0)
            >>> low, high = Bounds.from_reference(reference).tpr
            >>> f"{low:.2f} {high:.2f}"
            '0.51 1.00'
            >>> low, high = Bounds.from_reference(reference, same_population=True).tpr
            >>> f"{low:.2f} {high:.2f}"
            '0.81 0.96'
        """
        cells = _labeled_cells(counts_of("counts", counts))
        if not same_population:
            return cls(**_predicted([[count[..., None] for count in pair] for pair in cells], confidence))
        tail = _share(confidence)
        tpr, fpr = (clopper_pearson(hits, misses, tail) for hits, misses in cells)
        return cls(tpr=tpr, fpr=fpr)

    @classmethod
    def from_references(cls, counts: Counts | HasCounts, *, confidence: float = 0.95) -> Self:
        """Bound the judge's rates in a new data set by how they differ between others.

        Limits of what the judge did elsewhere speak of elsewhere: where judges differ between models, kinds
        of questions or months, the next data set lies outside them more often than not. These limits predict
        its rates: the fewer and the less alike the references, the wider they are.

        Args:
            counts: Labelled counts of each reference (a model, a kind of question, a month), shape
                ``(..., K)``, the references last, or what `tables.count` returns with ``by``; unlabelled
                counts are ignored. One reference leaves the difference to the next one to the prior, a
                standard deviation of .05 or so.
            confidence: Probability, in (0, 1), that both rates of the new data set lie within the bounds.

        Returns:
            Bounds on ``tpr`` and ``fpr``, shape ``(...)``; a rate of which no reference holds a trial keeps
            (0, 1).

        Raises:
            ValueError: ``confidence`` is not in (0, 1), or ``counts`` are those of a single data set without
                an axis of references.
            TypeError: ``counts`` is neither.

        Source:
            Beta-binomial random effects, mean and spread integrated out, the spread with a half-normal prior
            of scale .08; prediction of a new group as in Higgins et al., JRSS A 172 (2009).

        Examples:
            >>> from jaxmle import Bounds, Counts
            >>> none = [0, 0, 0]
            >>> models = Counts([45, 80, 30], [5, 20, 10], [5, 3, 8], [95, 97, 92], none, none)
            >>> low, high = Bounds.from_references(models).tpr
            >>> f"{low:.2f} {high:.2f}"
            '0.55 0.97'
        """
        counts = counts_of("counts", counts)
        cells = _labeled_cells(counts)
        if not counts.shape:
            raise ValueError("`counts` must have an axis of references, shape (..., K); got shape ().")
        return cls(**_predicted(cells, confidence))

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch shape of the bounds: ``()`` where they are scalars."""
        return np.broadcast_shapes(*(np.shape(end) for pair in self._values() for end in pair))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar Bounds has no length")
        return self.shape[0]

    def __getitem__(self, index: Index) -> Self:
        """Bounds of some data sets."""
        shape = self.shape
        ends = ([np.broadcast_to(end, shape)[index] for end in pair] for pair in self._values())
        return type(self)(**{name: (low, high) for name, (low, high) in zip(_NAMES, ends, strict=True)})

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def _table_shape(self) -> tuple[int, ...]:
        return self.shape

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        def show(end: ArrayLike) -> str:
            if is_traced(end) or np.size(end) > 8:
                return f"<{np.shape(end)}>"
            return repr(np.asarray(end).tolist())

        shown = (
            f"{name}=({', '.join(show(end) for end in pair)})"
            for name, pair in zip(_NAMES, self._values(), strict=True)
        )
        return f"Bounds({', '.join(shown)})"

    def _values(self) -> tuple[Pair, Pair, Pair]:
        return (self.failure_rate, self.tpr, self.fpr)


_NAMES = tuple(field.name for field in fields(Bounds))


def _labeled_cells(counts: Counts) -> tuple[tuple[Array, Array], ...]:
    """Hits and misses of the judge: of TPR, then of FPR."""
    tp, fn, fp, tn = (np.asarray(count, float) for count in counts.values()[:4])
    return (tp, fn), (fp, tn)


def bounds_of_parts(counts: Counts, *, confidence: float, prior_spread: float | None) -> Bounds:
    """Bounds that a calibration has from its parts, shape ``(K,)``; no spread if they are one population."""
    if prior_spread is None:
        return Bounds.from_reference(counts[0], confidence=confidence, same_population=True)
    return Bounds(**_predicted(_labeled_cells(counts), confidence, prior_spread))


def _predicted(
    cells: Sequence[Sequence[Array]], confidence: float, prior_spread: float = PRIOR_SPREAD
) -> dict[str, Pair]:
    """Predictive limits of TPR and FPR from hits and misses of shape ``(..., K)``."""
    tail = _share(confidence)
    found: dict[str, Pair] = {}
    for name, (hits, misses) in zip(("tpr", "fpr"), cells, strict=True):
        low, high = predictive(hits, misses, prior_spread).limits(tail)
        known = (hits + misses).sum(-1) > 0
        found[name] = (np.where(known, low, 0.0), np.where(known, high, 1.0))
    return found


def _share(confidence: float) -> float:
    """What each limit may miss with: two rates share it, and each has two limits."""
    return (1 - check_confidence(confidence)) / 4


def need_bounds(value: object) -> None:
    """Raise ``TypeError`` unless it is a `Bounds`, and say where those are of a result that holds some."""
    if not isinstance(value, Bounds):
        hint = ": give its .bounds" if isinstance(getattr(value, "bounds", None), Bounds) else ""
        raise TypeError(f"`bounds` must be a Bounds; got {type(value).__name__}{hint}.")
