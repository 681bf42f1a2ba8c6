"""What every result can do: be indexed, become a dictionary or a table, show itself in a notebook."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from jaxmle._arrays import is_traced, leaves, tree_map
from jaxmle._types import Array, ArrayLike, Document, Index

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_SHOWN = 3
_MOST_ROWS, _MOST_COLUMNS = 10, 12
_ENDS = ("low", "high")
# Metadata of a field that holds a pair of another kind: what its two columns of a table are called after.
OF_RATES: dict[str, Any] = {"pair": ("tpr", "fpr")}
OF_SETS: dict[str, Any] = {"pair": ("first", "second")}


def plain(value: Array) -> Any:
    """A Python number where the value is a single one."""
    return value.item() if np.ndim(value) == 0 else value


def first_few(form: Callable[..., str], *values: ArrayLike) -> str:
    """The first results of a batch in words: ``form`` of the values of each, "..." for the others."""
    rows = zip(*(np.ravel(one)[:_SHOWN] for one in values), strict=True)
    more = ", ..." if np.size(values[0]) > _SHOWN else ""
    return ", ".join(form(*row) for row in rows) + more


def drawn(function: str, *results: object, **options: object) -> "Axes":
    """Call a plot function of the package, by name: plots are above the results, and load matplotlib."""
    return cast("Axes", getattr(import_module("jaxmle"), function)(*results, **options))


class Result:
    """A frozen dataclass of numbers, arrays and other results; fields that begin with "_" are left out."""

    def __str__(self) -> str:
        """All numbers, of a batch the first few."""
        return f"{type(self).__name__}({', '.join(f'{name}={_brief(value)}' for name, value in _flat(self))})"

    def to_dict(self) -> Document:
        """Return all fields as plain numbers, lists, strings and dictionaries, ready for JSON.

        Examples:
            >>> from jaxmle import Counts, design_check
            >>> sorted(design_check(Counts(4, 1, 2, 43, 900, 9100)).to_dict())
            ['flag_rate_labeled', 'flag_rate_unlabeled', 'p_value']
        """
        return cast(Document, _plain_tree(self))

    def to_frame(self) -> "pd.DataFrame":
        """Return a table of pandas, one row a data set; pandas is imported for it.

        Fields within fields are columns named like ``counts_tp``; ends of ranges end in ``_low``, ``_high``,
        what is of the judge's two rates in ``_tpr``, ``_fpr``, of two data sets in ``_first``, ``_second``.

        Raises:
            ImportError: pandas is not installed.

        Examples:
            >>> from jaxmle import Counts, fit
            >>> counts = Counts([4, 9], [1, 2], [2, 3], [43, 86], [90, 180], [910, 1820])
            >>> fit(counts).to_frame()[["failure_rate", "tpr"]].round(2).shape
            (2, 2)
        """
        import pandas as pd

        columns = self._columns()
        size = max(len(column) for column in columns.values())
        return pd.DataFrame(columns, index=pd.RangeIndex(size))

    def _columns(self) -> dict[str, list[Any]]:
        """The table, column by column: what has a value for each data set, and what all have in common."""
        shape = self._table_shape()
        size = int(np.prod(shape))
        columns = {}
        for name, value in _flat(self):
            own = np.shape(value)
            if own == shape:
                columns[name] = np.asarray(value, object if value is None else None).reshape(-1).tolist()
            elif not own:
                columns[name] = [plain(np.asarray(value)) if value is not None else None] * size
        return columns

    def _table_shape(self) -> tuple[int, ...]:
        """Batch shape: that of the first number or array."""
        return np.shape(next(leaves(self)))

    def _repr_html_(self) -> str:
        columns = self._columns()
        names = list(columns)[:_MOST_COLUMNS]
        rows = list(zip(*(columns[name] for name in names), strict=True))
        more = len(rows) - _MOST_ROWS
        lines = [f"<p>{escape(str(self))}</p><table><thead><tr>"]
        lines += [f"<th>{escape(name)}</th>" for name in names]
        lines.append("</tr></thead><tbody>")
        for row in rows[:_MOST_ROWS]:
            lines.append(f"<tr>{''.join(f'<td>{escape(_shown(value))}</td>' for value in row)}</tr>")
        lines.append("</tbody></table>")
        if more > 0:
            lines.append(f"<p>... and {more:,} more rows</p>")
        return "".join(lines)


class Batch(Result):
    """A pytree whose leaves have the batch axes in front, the first leaf no others: indexed like an array."""

    def __getitem__(self, index: Index) -> Self:
        def picked(x: Any) -> Any:
            part = x[index] if hasattr(x, "ndim") else np.asarray(x)[index]
            return part.item() if isinstance(part, np.generic) else part

        return tree_map(picked, self)

    def __len__(self) -> int:
        shape = self._table_shape()
        if not shape:
            raise TypeError(f"a scalar {type(self).__name__} has no length")
        return shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))


def _public(value: Any) -> list[tuple[str, Any]]:
    return [(one.name, getattr(value, one.name)) for one in fields(value) if not one.name.startswith("_")]


def _plain_tree(value: Any) -> Any:
    if is_dataclass(value):
        return {name: _plain_tree(part) for name, part in _public(value)}
    if isinstance(value, tuple | list):
        return [_plain_tree(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain_tree(part) for key, part in value.items()}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return np.asarray(value).tolist()


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of fields, those of fields within fields too."""
    named = {one.name: one.metadata.get("pair", _ENDS) for one in fields(value)}
    for name, part in _public(value):
        if is_dataclass(part):
            yield from _flat(part, f"{prefix}{name}_")
        elif isinstance(part, tuple) and len(part) == 2:
            yield from ((f"{prefix}{name}_{end}", one) for end, one in zip(named[name], part, strict=True))
        elif not isinstance(part, tuple | list | dict):
            yield f"{prefix}{name}", part


def _brief(value: Any) -> str:
    if is_traced(value):
        return f"<{np.shape(value)}>"
    if np.ndim(value) == 0:
        return _shown(plain(np.asarray(value)) if value is not None else None)
    return f"[{first_few(lambda one: _shown(plain(one)), np.asarray(value))}]"


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
