"""Six numbers that carry all the information in a set of verdicts."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import numpy as np

from jaxmle._arrays import is_jax, is_traced, rebuilt, unchecked_pytree
from jaxmle._data._labels import aligned_verdicts, coded_verdicts, unknown_words
from jaxmle._data._validation import first_bad, host_number
from jaxmle._results import Result
from jaxmle._types import Array, ArrayLike, Index, Verdicts


class HasCounts(Protocol):
    """A table that was counted, such as `jaxmle.tables.count` returns."""

    def as_counts(self) -> "Counts":
        """The counts it holds."""


@unchecked_pytree
@dataclass(frozen=True, eq=False)
class Counts(Result):
    """Sufficient statistics of human and judge verdicts; 1 means failure in both.

    The human verdict is the truth and the judge's verdict the test. Counts may be whole numbers, or
    sums of weights, and may have any one batch shape: one element a slice. They are kept as float64, in
    arrays of their own, so that sums never wrap and nobody changes them from outside; arrays of JAX are kept
    as JAX's floating-point numbers.

    Args:
        tp: Items that human and judge both call failures, shape ``(...)``, 0 to 2**53.
        fn: Items that the human calls a failure and the judge a pass.
        fp: Items that the human calls a pass and the judge a failure.
        tn: Items that both call passes.
        unlabeled_pos: Items without a human verdict that the judge calls failures.
        unlabeled_neg: Items without a human verdict that the judge calls passes.

    Raises:
        ValueError: A count is negative, above 2**53, not finite, masked or not a number, or the shapes
            differ; the message names the field.

    Examples:
        >>> from jaxmle import Counts
        >>> counts = Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=90, unlabeled_neg=1110)
        >>> print(counts.n_labeled, counts.n_unlabeled)
        50.0 1200.0
        >>> counts + counts
        Counts(tp=8, fn=2, fp=4, tn=86, unlabeled_pos=180, unlabeled_neg=2220)
    """

    tp: Array
    fn: Array
    fp: Array
    tn: Array
    unlabeled_pos: Array
    unlabeled_neg: Array

    if TYPE_CHECKING:  # what may be passed; the fields hold arrays

        def __init__(
            self,
            tp: ArrayLike,
            fn: ArrayLike,
            fp: ArrayLike,
            tn: ArrayLike,
            unlabeled_pos: ArrayLike,
            unlabeled_neg: ArrayLike,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name, value in zip(_NAMES, self.values(), strict=True):
            if is_jax(value):
                object.__setattr__(self, name, _floating(value))
        # Under jit the numbers are unknown; rebuilding from a pytree does not come here at all.
        if is_traced(*self.values()):
            return
        for name, value in zip(_NAMES, self.values(), strict=True):
            checked = host_number(name, value)
            first_bad(name, checked, np.asarray(checked) < 0, "a count >= 0")
            most = _MOST if not is_jax(value) or value.dtype == np.float64 else _MOST_SINGLE
            first_bad(
                name,
                checked,
                np.asarray(checked) > most,
                f"at most {most:,}, beyond which whole numbers cannot be told apart in floating point; "
                "divide counts or weights by a constant",
            )
            if np.shape(checked) != np.shape(self.tp):
                raise ValueError(
                    f"`{name}` must have the shape of `tp`, {np.shape(self.tp)}; got {np.shape(checked)}."
                )
            if not is_jax(value):
                own = np.array(checked, dtype=np.float64)  # a copy
                own.flags.writeable = False
                object.__setattr__(self, name, own[()])

    @classmethod
    def from_labels(
        cls,
        *,
        judge: Verdicts,
        human: Verdicts,
        weights: ArrayLike | None = None,
        failure: object = None,
    ) -> Self:
        """Count verdicts given item by item.

        Args:
            judge: Judge verdicts, shape ``(n_items,)``: 1, True, "fail" and the like are failures, 0, False,
                "pass" and the like passes; none may be missing.
            human: Human verdicts, shape ``(n_items,)``, likewise; NaN, None, -1 and masked elements are items
                that nobody labelled. Of two pandas Series with different indexes, items that ``human`` lacks
                have no label.
            weights: Optional item weights, shape ``(n_items,)``, finite and >= 0; the counts are
                then sums of weights.
            failure: Word, number or several that mean failure where that is not plain, such as "refusal" for
                words of your own, the one other word being a pass, or 0 where 1 means good.

        Returns:
            Scalar counts, or sums of weights where these are given.

        Raises:
            ValueError: The lengths differ, or indexes do not name the same items; a verdict is none of the
                values above (the judge's may not be missing); a Series has a name such as "passed", for which
                1 is good, and no ``failure`` was given; a weight is negative or not finite; or there are no
                items.

        Examples:
            >>> from jaxmle import Counts
            >>> Counts.from_labels(judge=[1, 1, 0, 1], human=[1, 0, None, -1])
            Counts(tp=1, fn=0, fp=1, tn=0, unlabeled_pos=1, unlabeled_neg=1)
            >>> judge, human = ["refusal", "refusal", "answer"], ["refusal", "answer", ""]
            >>> Counts.from_labels(judge=judge, human=human, failure="refusal")
            Counts(tp=1, fn=0, fp=1, tn=0, unlabeled_pos=0, unlabeled_neg=1)
        """
        human, judge = aligned_verdicts(human, judge)
        both = unknown_words(human) | unknown_words(judge) if failure is not None else frozenset[str]()
        truth = coded_verdicts("human", human, missing_allowed=True, failure=failure, other_words=both)
        test = coded_verdicts("judge", judge, missing_allowed=False, failure=failure, other_words=both)
        if truth.shape != test.shape:
            raise ValueError(
                f"`human` and `judge` must have the same length; got {truth.size} and {test.size}."
            )
        if not truth.size:
            raise ValueError("`judge` must hold at least one verdict; got none.")
        weight = None if weights is None else _weights(weights, truth.size)
        cell = np.where(truth < 0, 2, 1 - truth) * 2 + (1 - test)
        totals = np.bincount(cell, weights=weight, minlength=6)
        return cls(*(total.item() for total in totals))

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch shape: ``()`` for one data set, ``(n_slices,)`` for slices."""
        return tuple(np.shape(self.tp))

    @property
    def n_labeled(self) -> Array:
        """Number (or weight) of items with a human verdict, shape ``(...)``."""
        return self.tp + self.fn + self.fp + self.tn

    @property
    def n_unlabeled(self) -> Array:
        """Number (or weight) of items with the judge's verdict only, shape ``(...)``."""
        return self.unlabeled_pos + self.unlabeled_neg

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("scalar Counts have no length")
        return self.shape[0]

    def __getitem__(self, index: Index) -> Self:
        return rebuilt(self, {name: value[index] for name, value in zip(_NAMES, self.values(), strict=True)})

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __add__(self, other: Self) -> Self:
        """Pool two disjoint sets of items, slice by slice."""
        if not isinstance(other, Counts):
            return NotImplemented
        if self.shape != other.shape:
            raise ValueError(
                f"Counts must have equal shapes to be added; got {self.shape} and {other.shape}."
            )
        pairs = zip(_NAMES, self.values(), other.values(), strict=True)
        return rebuilt(self, {name: mine + theirs for name, mine, theirs in pairs})

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        def whole(value: Any) -> Any:
            if isinstance(value, list):
                return [whole(one) for one in value]
            return int(value) if float(value).is_integer() else value

        def show(value: Any) -> str:
            if isinstance(value, np.generic | np.ndarray) or (is_jax(value) and not is_traced(value)):
                few = np.size(value) <= 8
                return repr(whole(np.asarray(value).tolist())) if few else f"<{np.shape(value)}>"
            return repr(value)

        return f"Counts({', '.join(f'{n}={show(v)}' for n, v in zip(_NAMES, self.values(), strict=True))})"

    def with_unlabeled(self, share: Array | float) -> Self:
        """Return the counts with a share of the unlabelled items.

        Args:
            share: What is kept of them, in [0, 1], broadcastable to the counts' shape.

        Examples:
            >>> from jaxmle import Counts
            >>> Counts(4, 1, 2, 43, 900, 9100).with_unlabeled(0.5)
            Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=450, unlabeled_neg=4550)
        """
        return rebuilt(
            self, {"unlabeled_pos": self.unlabeled_pos * share, "unlabeled_neg": self.unlabeled_neg * share}
        )

    def values(self) -> tuple[Array, ...]:
        """Return the six counts in the order tp, fn, fp, tn, unlabeled_pos, unlabeled_neg.

        Examples:
            >>> from jaxmle import Counts
            >>> sum(Counts(4, 1, 2, 43, 900, 9100).values()).item()
            10050.0
        """
        return (self.tp, self.fn, self.fp, self.tn, self.unlabeled_pos, self.unlabeled_neg)


def counts_of(name: str, value: object) -> Counts:
    """Counts, or those of a table that was counted.

    Raises:
        TypeError: ``value`` is neither; the message says what to do with a table of rows.
        ValueError: A table holds clusters or weights, which counts alone do not tell.
    """
    if isinstance(value, Counts):
        return value
    if hasattr(value, "as_counts"):
        found = value.as_counts()
        if isinstance(found, Counts):
            return found
    hint = ""
    if hasattr(value, "columns") or isinstance(value, list | dict):
        hint = ", or come with the names of its columns: judge=..., human=..."
    raise TypeError(f"`{name}` must be a Counts{hint}; got {type(value).__name__}.")


_NAMES = tuple(field.name for field in fields(Counts))
# The whole numbers that float64 and float32 hold exactly.
_MOST, _MOST_SINGLE = 2**53, 2**24


def _floating(value: Any) -> Array:
    """An array of JAX in floating-point numbers, of the precision that JAX is set to where it held none."""
    if value.dtype.kind == "f":
        return cast(Array, value)
    from jax import numpy as jnp

    return cast(Array, value.astype(jnp.result_type(float)))


def _weights(weights: object, n_items: int) -> Array:
    weight = np.asarray(host_number("weights", weights), dtype=np.float64)
    if weight.shape != (n_items,):
        raise ValueError(f"`weights` must have shape ({n_items},); got {weight.shape}.")
    first_bad("weights", weight, weight < 0, ">= 0")
    return weight
