"""Six numbers that carry all the information in a set of verdicts."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from jaxmle._arrays import is_jax, is_traced, rebuilt, unchecked_pytree
from jaxmle._data._validation import first_bad, host_number
from jaxmle._types import Array, ArrayLike, Index, Verdicts


@unchecked_pytree
@dataclass(frozen=True, eq=False)
class Counts:
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
        human: Verdicts,
        judge: Verdicts,
        *,
        weights: ArrayLike | None = None,
    ) -> Self:
        """Count verdicts given item by item.

        Args:
            human: Human verdicts, shape ``(n_items,)``: 1 or True is a failure, 0 or False a pass,
                and NaN, None or -1 an item that nobody labelled.
            judge: Judge verdicts, shape ``(n_items,)``: 1 or True is a failure, 0 or False a pass.
            weights: Optional item weights, shape ``(n_items,)``, finite and >= 0; the counts are
                then sums of weights.

        Returns:
            Scalar counts, or sums of weights where these are given.

        Raises:
            ValueError: The lengths differ, a verdict is none of the values above (the judge's may
                not be missing), a weight is negative or not finite, or there are no items.

        Examples:
            >>> from jaxmle import Counts
            >>> Counts.from_labels([1, 0, None, -1], [1, 1, 0, 1])
            Counts(tp=1, fn=0, fp=1, tn=0, unlabeled_pos=1, unlabeled_neg=1)
        """
        truth = coded_verdicts("human", human, missing_allowed=True)
        test = coded_verdicts("judge", judge, missing_allowed=False)
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

    def values(self) -> tuple[Array, ...]:
        """Return the six counts in the order tp, fn, fp, tn, unlabeled_pos, unlabeled_neg."""
        return (self.tp, self.fn, self.fp, self.tn, self.unlabeled_pos, self.unlabeled_neg)


_NAMES = tuple(field.name for field in fields(Counts))
# The whole numbers that float64 and float32 hold exactly.
_MOST, _MOST_SINGLE = 2**53, 2**24


def _floating(value: Any) -> Array:
    """An array of JAX in floating-point numbers, of the precision that JAX is set to where it held none."""
    if value.dtype.kind == "f":
        return cast(Array, value)
    from jax import numpy as jnp

    return cast(Array, value.astype(jnp.result_type(float)))


def coded_verdicts(name: str, values: object, *, missing_allowed: bool) -> Array:
    """Return verdicts as an integer array of 0, 1 and, for missing, -1."""
    if isinstance(values, np.ma.MaskedArray):
        plain = np.ma.getdata(values).astype(object)
        plain[np.ma.getmaskarray(values)] = None
        values = plain
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional; got shape {array.shape}.")
    if array.dtype == object:
        kinds = np.frompyfunc(lambda v: v is None or type(v).__name__ in ("NAType", "NaTType"), 1, 1)
        array = np.where(kinds(array).astype(bool), np.nan, array)
    if array.dtype.kind in "Mmc":
        raise ValueError(f"`{name}` must hold verdicts, 0 or 1; got values of type {array.dtype}.")
    try:
        number = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must hold 0, 1, True or False"
            f"{', and NaN, None or -1 where missing' if missing_allowed else ''}; got {error}."
        ) from error
    missing = np.isnan(number) | ((number == -1) if missing_allowed else False)
    if not missing_allowed:
        first_bad(name, number, missing, "0 or 1 for every item (leave out items the judge did not decide)")
    bad = ~missing & (number != 0) & (number != 1)
    first_bad(name, number, bad, "0 or 1" + (", or NaN, None or -1 where missing" if missing_allowed else ""))
    return np.where(missing, -1, number).astype(np.int64)


def _weights(weights: object, n_items: int) -> Array:
    weight = np.asarray(host_number("weights", weights), dtype=np.float64)
    if weight.shape != (n_items,):
        raise ValueError(f"`weights` must have shape ({n_items},); got {weight.shape}.")
    first_bad("weights", weight, weight < 0, ">= 0")
    return weight
