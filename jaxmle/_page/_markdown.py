"""Pages as Markdown, with tables as GitHub has them."""

import re
from collections.abc import Sequence

from jaxmle._data import printable
from jaxmle._page._blocks import Block, Bullets, Code, Figure, Page, Paragraph, Rows

_LONGEST = 2000
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}


def page_markdown(page: Page) -> str:
    """Write a page as Markdown, every text escaped; words stand for figures."""
    parts = [
        f"# {_text(page.title)}",
        _text(page.source),
        _table(
            [name for name, _ in page.figures],
            ["--:"] * len(page.figures),
            [[one for _, one in page.figures]],
        ),
        *map(_text, page.lead),
    ]
    for section in page.sections:
        parts.append(f"## {_text(section.title)}")
        parts += map(_block, section.blocks)
    return "\n\n".join([*parts, f"Made by jaxmle {_text(page.version)}."]) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text) | Figure(description=text):
            return _text(text)
        case Bullets(items):
            return "\n".join(f"- {_text(item)}" for item in items)
        case Code(text, label):
            longest = max(map(len, re.findall("`+", text)), default=0)
            fence = "`" * max(3, longest + 1)
            lines = "\n".join(printable(line, _LONGEST) for line in text.split("\n"))
            return f"{_text(label)}\n\n{fence}\n{lines}\n{fence}"
        case Rows():
            return _rows(block)
    raise AssertionError(block)


def _rows(table: Rows) -> str:
    rules = [
        "---" if i < table.n_names or heading in table.words else "--:"
        for i, heading in enumerate(table.headings)
    ]
    return f"{_text(table.caption)}:\n\n{_table(table.headings, rules, table.rows, table.last_is_total)}"


def _table(
    headings: Sequence[str], rules: Sequence[str], rows: Sequence[Sequence[str]], last_is_total: bool = False
) -> str:
    cells = [list(map(_text, row)) for row in rows]
    if last_is_total:
        cells[-1] = [f"**{cell}**" if cell else "" for cell in cells[-1]]
    return "\n".join(f"| {' | '.join(row)} |" for row in (list(map(_text, headings)), rules, *cells))


def _text(text: str) -> str:
    """Text that stays text: no markup, no HTML, no formula."""
    marked = re.sub(r"([\\`*_\[\]#|~])", r"\\\1", printable(text, _LONGEST).strip())
    marked = re.sub(r"[&<>$]", lambda found: _ENTITIES[found[0]], marked)
    # A dash or a number at the start would begin a list.
    return re.sub(r"^([-+=]|\d+(?=[.)](\s|$)))", lambda found: _first(found[0]), marked)


def _first(start: str) -> str:
    return f"&#{ord(start[0])};{start[1:]}"
