"""README and site: what their examples print is what the commands print, and their tables are there."""

import re

import pytest
from cases import PROJECT

from docs import _examples

GUIDES = sorted((PROJECT / "docs").rglob("*.md"))
PAGES = _examples.pages()
# Pages whose examples simulate for a second or more.
SIMULATING = {
    *("planning", "few-labels", "release-gate", "no-failures"),
    *("engineer", "data-scientist", "bounds", "compare"),
}


@pytest.mark.parametrize(
    "page",
    [pytest.param(one, marks=pytest.mark.slow if one.stem in SIMULATING else []) for one in PAGES],
    ids=[one.stem for one in PAGES],
)
def test_examples_print_what_the_page_says(page):
    """To refresh a page: `python docs/_examples.py --write PAGE`."""
    with _examples.new_folder() as folder:
        text, examples = _examples.refreshed(page, folder)
    stale = [example for example in examples if example.stale]
    assert not stale, "\n".join(f"{e.page}\n{e.said}now:\n{e.prints}" for e in stale)
    if _examples.is_there("pandas"):
        assert text == page.read_text(encoding="utf-8")


def test_a_changed_number_and_trouble_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(_examples, "PROJECT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\njaxmle demo --write new.csv | tail -1\n```\n\n```text\nNext: jaxmle doctor new.csv\n```\n"
        "<!-- exit status 2 -->\n```sh\njaxmle estimate none.csv --judge j --human h\n```\n"
        "```text\nold\n```\n"
        "```python\nx = 1\nprint(x)\n```\n```text\n1\n```\n"
    )
    with _examples.new_folder() as folder:
        text, examples = _examples.refreshed(page, folder)
    assert [example.stale for example in examples] == [False, True, False]
    assert "```text\njaxmle: " in text
    page.write_text("```sh\njaxmle estimate none.csv --judge j --human h\n```\n")
    with _examples.new_folder() as folder, pytest.raises(RuntimeError, match=r"page\.md:2.*exit status 2"):
        _examples.refreshed(page, folder)


def test_every_command_of_a_page_runs_or_says_why_not():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = len(re.findall(r"^ *```(?:sh|python)\b", text, re.MULTILINE))
        found = list(_examples.BLOCK.finditer(text))
        assert len(found) == blocks, page
        for match in found:
            mark = match["mark"] or ""
            assert re.fullmatch(r"|not run: needs .+|exit status 2", mark) or "<!--" not in mark, (page, mark)


def test_the_readme_is_short_and_names_both_commands():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    fresh = "python3 -m venv .venv && .venv/bin/pip install "
    assert f"\n{fresh}. && .venv/bin/jaxmle demo\n" in text
    assert f"\n{fresh}-e '.[test]' && .venv/bin/python -m pytest\n" in text
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (PROJECT / target).exists(), target


def test_tables_are_made_from_the_results_and_all_are_shown():
    from docs import _tables

    shown = [
        name
        for page in GUIDES
        for name in re.findall(r"^ *<!-- table: (.+?) -->$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert sorted(shown) == sorted(_tables.TABLES)
    for name in shown:
        lines = [line for line in _tables.table(name).splitlines() if line.startswith("|")]
        assert len(lines) > 2, name
        assert not any(re.search(r"\bnan\b", line) for line in lines), name
    with pytest.raises(ValueError, match="no table 'x'"):
        _tables.table("x")


def test_the_entry_leads_to_what_is_asked():
    entry = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8")
    for words, target in {
        "0 of 60": "guides/no-failures.md",
        "1 means correct": "guides/failure.md#1-means-correct",
        "balanced": "guides/label-choice.md#balanced-labels",
        "Three judges": "guides/judges.md",
        "40 with 3": "guides/few-labels.md",
        "Spark": "guides/databases.md",
        "How many labels": "guides/planning.md",
        "from another model": "guides/bounds.md#bounds-from-another-model",
    }.items():
        (row,) = (line for line in entry.splitlines() if words in line)
        assert f"({target})" in row


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path, environment):
    pytest.importorskip("material")
    import subprocess
    import sys

    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    page = (tmp_path / "site" / "reference" / "commands.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in page for name in ("demo", "estimate", "certify", "plan"))
    assert 'id="jaxmle.certify"' in (tmp_path / "site" / "reference" / "decide.html").read_text(
        encoding="utf-8"
    )
    for path in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]*(?:src|href)=.?(https?:[^\s>]+)", path.read_text(encoding="utf-8")
        )
        assert not loaded, (path, loaded)  # it is read offline
