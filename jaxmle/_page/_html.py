"""Pages as one file of HTML that needs no network and no script."""

from collections.abc import Sequence
from html import escape

from jaxmle._data import printable
from jaxmle._page._blocks import Block, Bullets, Code, Figure, Page, Paragraph, Rows, Section
from jaxmle._page._style import STYLE

_LONGEST = 2000
# Tables of more columns need the whole width of a screen.
_NARROW = 7


def page_html(page: Page) -> str:
    """Write a page as HTML, every text escaped."""
    verdict = {None: "", True: ' class="pass"', False: ' class="fail"'}[page.certified]
    mark = {None: "", True: "\u2713 ", False: "\u2717 "}[page.certified]
    links = "".join(f'<li><a href="#{one.name}">{_text(one.title)}</a></li>' for one in page.sections)
    figures = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(one)}</dd></div>" for name, one in page.figures)
    lead = "".join(f"<p>{_text(line)}</p>" for line in page.lead)
    body = "".join(map(_section, page.sections))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        # The page asks nobody for anything, whatever the texts in it.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f'<meta name="generator" content="jaxmle {_text(page.version)}">\n'
        f"<title>{_text(page.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the content</a>\n'
        f"<header><p>{_text(page.source)}</p></header>\n"
        f'<main id="main">\n<h1{verdict}><span aria-hidden="true">{mark}</span>{_text(page.title)}</h1>\n'
        f'<dl class="figures">{figures}</dl>\n<div class="lead">{lead}</div>\n'
        f'<nav aria-label="On this page"><ul>{links}</ul></nav>\n{body}</main>\n'
        f"<footer><p>Made by jaxmle {_text(page.version)}.</p></footer>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    blocks = "".join(_block(block, section.name) for block in section.blocks)
    return (
        f'<section id="{section.name}" aria-labelledby="{section.name}-title">\n'
        f'<h2 id="{section.name}-title">{_text(section.title)}</h2>\n{blocks}</section>\n'
    )


def _block(block: Block, section: str) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{_text(text)}</p>\n"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>\n"
        case Code(text, label):
            lines = "\n".join(_text(line) for line in text.split("\n"))
            return f"<p>{_text(label)}</p>\n<pre><code>{lines}</code></pre>\n"
        case Figure():
            return _figure(block)
        case Rows():
            return _rows(block)
    raise AssertionError(block)


def _figure(figure: Figure) -> str:
    if not figure.svg:
        return f"<p>{_text(figure.description)}</p>\n"
    return (
        f"<figure>{figure.svg}<figcaption>{_text(figure.title)}. {_text(figure.description)}</figcaption>"
        "</figure>\n"
    )


def _rows(table: Rows) -> str:
    left = [i < table.n_names or heading in table.words for i, heading in enumerate(table.headings)]
    head = "".join(
        f'<th scope="col"{"" if left[i] else " class=n"}><bdi>{_text(heading)}</bdi></th>'
        for i, heading in enumerate(table.headings)
    )
    last = len(table.rows) - 1
    total = [table.last_is_total and i == last for i in range(len(table.rows))]
    body = "".join(
        f"<tr{' class=total' if total[i] else ''}>{_row(row, table.n_names, left)}</tr>\n"
        for i, row in enumerate(table.rows)
    )
    caption = _text(table.caption)
    kind = "scroll wide" if len(table.headings) > _NARROW else "scroll"
    # What scrolls can be reached by the keyboard.
    return (
        f'<div class="{kind}" role="region" aria-label="{caption}" tabindex="0"><table>'
        f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
    )


def _row(cells: Sequence[str], n_names: int, left: Sequence[bool]) -> str:
    names = "".join(f'<th scope="row"><bdi>{_text(cell)}</bdi></th>' for cell in cells[:n_names])
    return names + "".join(
        f"<td{' class=w' if left[i] else ''}>{_text(cell)}</td>"
        for i, cell in enumerate(cells)
        if i >= n_names
    )


def _text(text: str) -> str:
    """Text for an element or a quoted attribute, without what a terminal or a reader would act on."""
    return escape(printable(text, _LONGEST), quote=True)
