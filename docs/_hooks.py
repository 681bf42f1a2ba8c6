"""What mkdocs puts into the pages: tables of results, commands, figures, equations, the changelog."""

import html
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
WIDTH = 100
sys.path[:0] = [str(DOCS), str(PROJECT)]

from _commands import reference
from _schema import reference as schema_reference
from _tables import table


def on_files(files: Files, config: Any) -> Files:
    """Add the figures of the benchmarks and the changelog, which lie outside of docs."""
    for path in sorted((PROJECT / "benchmarks" / "results").glob("*.png")):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    schema = str(PROJECT / "jaxmle" / "schema.json")
    files.append(File.generated(config, "reference/schema.json", abs_src_path=schema))
    files.append(File.generated(config, "changelog.md", abs_src_path=str(PROJECT / "CHANGELOG.md")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Fill in tables and commands, and write equations as MathML, which needs no script."""
    markdown = re.sub(r"^<!-- table: (.+?) -->$", lambda m: table(m[1]), markdown, flags=re.MULTILINE)
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", reference())
    if "<!-- schema -->" in markdown:
        markdown = markdown.replace("<!-- schema -->", schema_reference())
    markdown = re.sub(r"(?<=^```text\n).*?(?=^```$)", _folded, markdown, flags=re.MULTILINE | re.DOTALL)
    markdown = re.sub(r"^\$\$\n(.+?)\n\$\$$", _display, markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\\\((.+?)\\\)", lambda match: f"<span>{_mathml(match[1])}</span>", markdown)


def on_page_content(content: str, page: Any, config: Any, files: Files) -> str:
    """Keep the name of an option in one line: browsers would break it behind its hyphens."""
    return re.sub(r"<code>[^<]*--[^<]*</code>", _unbroken_options, content)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Name the search dialog and the sections of the menu to screen readers."""
    dialog = 'data-md-component="search" role="dialog"'
    title = r'\s*<label[^>]*for="\1">\s*<span[^>]*></span>\s*([^<]*?)\s*</label>'
    output = re.sub(rf'aria-labelledby="(__nav_\d+)_label"([^>]*>{title})', r'aria-label="\3"\2', output)
    return output.replace(dialog, f'{dialog} aria-label="Search"')


def _unbroken_options(match: re.Match[str]) -> str:
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*", r'<span class="option">\g<0></span>', match[0])


def _folded(match: re.Match[str]) -> str:
    """What a command prints, long sentences folded; tables and commands keep their lines."""
    lines = []
    for line in match[0].splitlines():
        is_prose = len(line) > WIDTH and "  " not in line
        lines += (
            textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) if is_prose else [line]
        )
    return "".join(f"{line}\n" for line in lines)


def _display(match: re.Match[str]) -> str:
    rows = [_mathml(line, "block") for line in match[1].split("\\\\\n")]
    label = html.escape(" ".join(match[1].split()))
    return f'<div class="equation" role="group" tabindex="0" aria-label="{label}">{"".join(rows)}</div>'


def _mathml(tex: str, display: str = "inline") -> str:
    """An equation as MathML, with a little space before logarithms, as TeX sets it."""
    return convert(tex.replace("} \\log", "} \\, \\log").replace("0 \\log", "0 \\, \\log"), display=display)
