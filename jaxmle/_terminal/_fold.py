"""Tables that are wider than the terminal: the columns that matter most stay, the others go below."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

# Longer tables are not shown twice: a line says what is left out.
_MOST_ROWS = 30
_GAP = 2
# No column of names gets narrower than this.
_LEAST_NAME = 8


class RankedTable(Table):
    """A table whose first columns name its rows; the others stand in the order of their importance.

    Attributes:
        n_names: Number of columns that name a row.
        n_kept: Columns beside the names that a block holds, if the names can be wrapped to make room.
        pairs: Headings of columns that are read side by side: neither stands in a block without the other.
    """

    n_names = 1
    n_kept = 2
    pairs: tuple[tuple[str, str], ...] = (
        ("first", "second"),
        ("labelled", "unlabelled"),
        ("judge only", "human only"),
        ("TPR", "FPR"),
        ("TPR", "TPR limits"),
        ("FPR", "FPR limits"),
        ("TPR predicted", "FPR predicted"),
    )


@dataclass(frozen=True)
class _Column:
    """A column as it is laid out: its place, its heading, its cells, its width."""

    heading: str
    cells: Sequence[str | Text]
    justify: str
    width: int
    wraps: bool = False

    def narrowed(self, width: int) -> "_Column":
        """The column in this width: what is longer runs over several lines."""
        return self if self.width <= width else _Column(self.heading, self.cells, self.justify, width, True)

    def broken(self) -> "_Column":
        """The column as wide as its cells, its heading over several lines."""
        longest = max(map(cell_len, self.heading.split() or [""]))
        width = max(longest, _widest(self.cells))
        heading = "\n".join(textwrap.wrap(self.heading, width, break_long_words=False))
        return _Column(heading, self.cells, self.justify, width)


def new_table(title: str | None) -> RankedTable:
    """Return an empty table in the one style of this package."""
    return RankedTable(
        title=title, title_justify="left", title_style="", box=None, pad_edge=False, padding=(0, _GAP, 0, 0)
    )


def fold(table: RankedTable, width: int | None) -> list[Table | Text]:
    """Lay a table out in blocks that fit.

    Args:
        table: The table.
        width: Columns of the terminal; None where lines may be of any length.

    Returns:
        The table as it is where it fits, or with headings over several lines. Otherwise a table of the
        names and the columns that have room, and below it the others by the same names; of a long table
        instead a sentence that says which they are and how to see them.
    """
    columns = [_column(str(one.header), [*one.cells], one.justify) for one in table.columns]
    if width is None or _total(columns) <= width:
        return [table]
    columns = [one.broken() for one in columns]
    needed = _total(columns)
    names, others = columns[: table.n_names], columns[table.n_names :]
    kept = sum(one.width + _GAP for one in others[: table.n_kept])
    room = max(_LEAST_NAME, (width - kept + _GAP) // len(names) - _GAP)
    if _total(names) + kept > width:
        # What names that are short anyway do not need goes to the long ones.
        spare = [room - one.width for one in names if one.width <= room]
        room += sum(spare) // max(len(names) - len(spare), 1)
        names = [one.narrowed(room) for one in names]
    blocks: list[list[_Column]] = []
    others = [one.narrowed(max(_LEAST_NAME, width - _total(names) - _GAP)) for one in others]
    for group in _groups(table, others, width - _total(names) - _GAP):
        home = next((some for some in blocks if _total([*names, *some, *group]) <= width), None)
        if home is None:
            blocks.append(home := [])
        home += group
    first, *rest = (_block(table, names, some) for some in blocks)
    first.title = table.title
    if rest and len(table.rows) > _MOST_ROWS:
        left_out = ", ".join(" ".join(one.heading.split()) for some in blocks[1:] for one in some)
        said = f"Left out, as {width} columns do not hold them: {left_out}. A terminal of {needed} columns "
        return [first, Text(f"{said}shows them, and --json has them too.")]
    if not rest:
        return [first]
    rest[0].title = f"Further columns; a terminal of {needed} columns shows one table:"
    # A blank line parts one block from the next, as its title does the second from the first.
    return [first, rest[0], *(part for block in rest[1:] for part in (Text(""), block))]


def _groups(table: RankedTable, columns: list[_Column], room: int) -> list[list[_Column]]:
    """Columns one by one, or two that are read side by side where there is room for both."""
    groups: list[list[_Column]] = []
    for one in columns:
        before = groups[-1][-1].heading if groups else ""
        side_by_side = (before.replace("\n", " "), one.heading.replace("\n", " ")) in table.pairs
        if side_by_side and _total([*groups[-1], one]) <= room:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _block(table: RankedTable, names: list[_Column], columns: list[_Column]) -> Table:
    """Some columns of a table, without the rows that are blank in them."""
    block = new_table(None)
    for one in (*names, *columns):
        how: dict[str, Any] = {"overflow": "fold", "max_width": one.width} if one.wraps else {"no_wrap": True}
        block.add_column(Text(one.heading), justify=cast(Any, one.justify), **how)
    rows = zip(*(one.cells for one in (*names, *columns)), strict=True)
    for row, cells in zip(table.rows, rows, strict=True):
        if any(map(len, cells[len(names) :])):
            block.add_row(*cells, style=row.style, end_section=row.end_section)
        elif row.end_section:
            block.add_section()
    return block


def _column(heading: str, cells: list[Any], justify: str) -> _Column:
    return _Column(heading, cells, justify, max(cell_len(heading), _widest(cells)))


def _total(columns: Sequence[_Column]) -> int:
    return sum(one.width for one in columns) + _GAP * (len(columns) - 1)


def _widest(cells: Sequence[str | Text]) -> int:
    return max((cell_len(str(one)) for one in cells), default=0)
