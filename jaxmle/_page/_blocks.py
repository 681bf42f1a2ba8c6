"""What a page is made of, whether it is written as HTML or as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of plain texts."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Lines to be copied as they stand."""

    text: str
    label: str


@dataclass(frozen=True)
class Rows:
    """A table: the first ``n_names`` cells of a row name it, the others are numbers or short words.

    Attributes:
        caption: What it shows.
        headings: One a column.
        rows: Cells, one a heading.
        n_names: Columns that name the row.
        words: Headings of other columns that hold words rather than numbers.
        last_is_total: Whether the last row is about all others.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_names: int = 1
    words: Sequence[str] = ()
    last_is_total: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes:
        name: Unique on the page: letters alone.
        title: What it is, in a few words.
        description: What it shows, in words that do without it.
        svg: The drawing as an ``svg`` element; empty where only words are wanted.
    """

    name: str
    title: str
    description: str
    svg: str


Block = Paragraph | Bullets | Code | Rows | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; ``name`` is unique on the page, letters alone."""

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes:
        title: Its heading: the verdict, or the number.
        source: What it is about, in one line.
        certified: The verdict; None where no limit is asked about.
        figures: Numbers by themselves, each with its name, the one to read first in front.
        lead: Sentences below it.
        sections: All else.
        version: Of jaxmle.
    """

    title: str
    source: str
    certified: bool | None
    figures: Sequence[tuple[str, str]]
    lead: Sequence[str]
    sections: Sequence[Section]
    version: str = field(default="")
