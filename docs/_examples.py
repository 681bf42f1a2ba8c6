"""Run the examples of README and site in order, and compare or refresh what they print.

    python docs/_examples.py            # which blocks are stale
    python docs/_examples.py --write    # put in what the commands print now

A page runs by itself, in a new folder that holds `verdicts.csv` as `jaxmle demo --write verdicts.csv` makes
it, and `promptfoo.json`, a log of the tests. A block of `sh` or `python` runs; a block of `text` that follows
at once is what it prints, standard output and errors together, with lines as wide as in a terminal of 120
columns. What installs is left out, and so is a block under a comment `<!-- not run: WHY -->`, or under
`<!-- needs MODULE -->` where that is not installed; `<!-- exit status 2 -->` says that it ends in trouble.
"""

import argparse
import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>sh|python)(?P<title>[^\n]*)\n(?P<code>.*?)^(?P=indent)```\n"
    r"(?P<between>\n*)(?P<printed>^(?P=indent)```text\n.*?^(?P=indent)```$)?",
    re.MULTILINE | re.DOTALL,
)
WIDTH = "120"
LOG = PROJECT / "tests" / "logs" / "promptfoo.json"


def pages() -> list[Path]:
    """README and the pages of the site that have examples."""
    found = [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))]
    return [page for page in found if BLOCK.search(page.read_text(encoding="utf-8"))]


@dataclass
class Example:
    """A block of a page: what it runs, what the page says that it prints, and what it prints."""

    page: str
    line: int
    code: str
    said: str | None
    prints: str

    @property
    def stale(self) -> bool:
        """Whether the page says something else than what is printed."""
        return self.said is not None and self.said != self.prints


def refreshed(page: Path, folder: Path) -> tuple[str, list[Example]]:
    """The text of a page with what its examples print now, run in a folder; and the examples."""
    text = page.read_text(encoding="utf-8")
    examples: list[Example] = []
    names: dict[str, Any] = {"__name__": "__main__", "needs": []}

    def renew(match: re.Match[str]) -> str:
        mark, indent, code = match["mark"] or "", match["indent"], match["code"]
        line = text.count("\n", 0, match.start("code")) + 1
        place = f"{page.relative_to(PROJECT)}:{line}"
        needed = re.fullmatch(r"needs (\w+)", mark)
        if mark.startswith("not run: ") or "pip install" in code or (needed and not is_there(needed[1])):
            return match[0]
        plain = _dedented(code, indent)
        if match["language"] == "python" and not all(map(is_there, [*names["needs"], *_imported(plain)])):
            names["needs"] += _imported(plain)  # what follows may need the names of this block
            return match[0]
        with contextlib.chdir(folder):
            prints = _run_python(plain, names) if match["language"] == "python" else _run(plain, mark, place)
        printed = match["printed"]
        said = None if printed is None else _dedented(printed, indent).split("\n", 1)[1].removesuffix("```")
        examples.append(Example(place, line, plain, said, prints))
        if printed is None:
            return match[0]
        body = "".join(f"{indent}{row}\n" if row else "\n" for row in prints.splitlines())
        return match[0].removesuffix(printed) + f"{indent}```text\n{body}{indent}```"

    with mock.patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1", "GITHUB_STEP_SUMMARY": ""}):
        return BLOCK.sub(renew, text), examples


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """A folder that holds what `jaxmle demo --write verdicts.csv` makes, and a log."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        _jaxmle(["demo", "--write", "verdicts.csv"])
        shutil.copy(LOG, name)
        yield Path(name)


def _dedented(text: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))


def _imported(code: str) -> list[str]:
    return re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)


def is_there(module: str) -> bool:
    """Whether a module is installed."""
    return importlib.util.find_spec(module) is not None


def _run_python(code: str, names: dict[str, Any]) -> str:
    with _captured() as printed:
        exec(compile(code, "example", "exec"), names)
    return _tidy(printed.getvalue())


def _run(code: str, mark: str, place: str) -> str:
    """Run lines of a shell; `jaxmle` itself runs in this process, which saves starting it anew."""
    printed = []
    for line in code.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        setting = re.match(r"(\w+)=(\S+) (?=jaxmle )", line)
        plain = line[setting.end() :] if setting else line.replace(".venv/bin/jaxmle", "jaxmle")
        command, rest = _first_command(plain)
        if not command.startswith("jaxmle "):
            command, rest = "", line
        with mock.patch.dict(os.environ, {setting[1]: setting[2]} if setting else {}):
            before, status = _jaxmle(shlex.split(command, comments=True)[1:]) if command else ("", 0)
        if rest:
            shell = subprocess.run(
                ["bash", "-c", rest], input=before, capture_output=True, text=True, encoding="utf-8"
            )
            before, status = shell.stdout + shell.stderr, status or shell.returncode
        if (status == 2) != (mark == "exit status 2"):
            raise RuntimeError(f"{place}: {line.strip()} ended with exit status {status}:\n{before}")
        printed.append(before)
    return _tidy("".join(printed))


def _first_command(line: str) -> tuple[str, str]:
    """A command, and what its output goes to (`cat | ...`, `cat > ...`) as a command of its own."""
    for match in re.finditer(r" [|>] ", line):
        before = line[: match.start()]
        if not before.count("'") % 2 and not before.count('"') % 2:
            return before, f"cat {line[match.start() :]}"
    return line, ""


def _jaxmle(arguments: list[str]) -> tuple[str, int]:
    from jaxmle._cli import main

    with _captured() as printed:
        status = main([*arguments])
    return printed.getvalue(), status


@contextlib.contextmanager
def _captured() -> Iterator[io.StringIO]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield printed


def _tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def main() -> int:
    """Compare the examples with what they print, or refresh them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put in what the commands print now")
    parser.add_argument("pages", nargs="*", type=Path, help="pages (default: README and all of the site)")
    options = parser.parse_args()
    stale = 0
    for page in [one.resolve() for one in options.pages] or pages():
        with new_folder() as folder:
            text, examples = refreshed(page, folder)
        for example in examples:
            if example.stale:
                stale += 1
                print(f"{example.page} is stale", file=sys.stderr)
        if options.write:
            page.write_text(text, encoding="utf-8")
    return 0 if options.write or not stale else 1


if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT))
    sys.exit(main())
