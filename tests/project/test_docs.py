"""README and site: what their examples print is what the commands print, and their tables are there."""

import re

import numpy as np
import pytest
from cases import PROJECT

from docs import _examples
from jaxmle import Counts, fit, fit_slices, tables

GUIDES = sorted((PROJECT / "docs").rglob("*.md"))
PAGES = _examples.pages()
# Pages whose examples simulate for a second or more.
SIMULATING = {
    *("planning", "few-labels", "release-gate", "no-failures", "looking-more-than-once"),
    *("engineer", "data-scientist", "bounds", "compare", "README", "labelling", "judges", "researcher"),
    *("clusters-weights", "label-choice", "files"),
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
            assert (
                re.fullmatch(
                    r"|not run: needs (Spark|PostgreSQL|Ibis|Dask|Ray|pytest; tests/\S+ runs it)|needs \w+"
                    r"|exit status 2",
                    mark,
                )
                or "<!--" not in mark
            ), (page, mark)


def test_the_readme_is_short_and_names_both_commands():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    fresh = "python3 -m venv .venv && .venv/bin/pip install "
    assert f"\n{fresh}. && .venv/bin/jaxmle demo\n" in text
    assert f"\n{fresh}-e '.[test]' && .venv/bin/python -m pytest -n auto -m \"not slow\"\n" in text
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


# What one asks, by words of the entry's row; the section that answers; and what it must say.
QUESTIONS = {
    "0 of 60": ("guides/no-failures.md", ["Not by that alone", "below 4.9%", "NOT CERTIFIED: below 5.00%"]),
    "1 means correct": ("guides/failure.md#1-means-correct", ["--failure 0", "Failure: 0 in judge"]),
    "balanced": ("guides/label-choice.md#balanced-labels", ["--calibration external", "no random sample"]),
    "Three judges": ("guides/judges.md", ["--combine majority", "any", "all"]),
    "40 with 3": ("guides/few-labels.md", ["--judge-rates partial", "fit_slices"]),
    "Spark": ("guides/databases.md", ["ibis.pyspark.connect()", "tables.count"]),
    "How many labels": (
        "guides/planning.md#how-many-labels-for-5",
        ["--target-width 0.1", "--limit 0.05", "59 labels"],
    ),
    "from another model": ("guides/bounds.md#bounds-from-another-model", ["a margin", "17 of 30"]),
}


@pytest.mark.parametrize("words", QUESTIONS)
def test_questions_are_answered_two_clicks_from_the_entry(words):
    target, said = QUESTIONS[words]
    entry = PROJECT / "docs" / "index.md"
    (row,) = (line for line in entry.read_text(encoding="utf-8").splitlines() if words in line)
    first = links_of(row, entry)
    second = {link for page, _ in first for link in links_of(page.read_text(encoding="utf-8"), page)}
    page, _, anchor = target.partition("#")
    place = (PROJECT / "docs" / page, anchor)
    assert place in first | second
    section = section_of(*place)
    for one in said:
        assert one in section, one


def links_of(text, page):
    """Pages of the site that a text leads to, with the anchor, "" for a page as a whole."""
    found = set()
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        found.add(((page.parent / path).resolve() if path else page, anchor))
    return {(path, anchor) for path, anchor in found if path.suffix == ".md" and path.exists()}


def section_of(page, anchor):
    """The text under a heading, all of the page for none."""
    lines = page.read_text(encoding="utf-8").splitlines()
    if not anchor:
        return "\n".join(lines)
    heads = {
        re.sub(r"[^a-z0-9]+", "-", line.lstrip("# ").lower()).strip("-"): i
        for i, line in enumerate(lines)
        if line.startswith("#")
    }
    start = heads[anchor]
    end = next((i for i in sorted(heads.values()) if i > start), len(lines))
    return "\n".join(lines[start:end])


def test_measured_numbers_stand_in_no_table_written_by_hand():
    for page in [*(PROJECT / "docs" / "validation").glob("*.md"), PROJECT / "docs" / "comparison.md"]:
        for line in page.read_text(encoding="utf-8").splitlines():
            assert not re.match(r" *\|.*\d\.\d", line), (page, line)


def test_numbers_of_the_answers_are_right(tmp_path):
    # 60 passes in a row come one time in twenty at this rate, and 59 are the least that show less than 5%.
    assert pytest.approx(0.049, abs=5e-4) == 1 - 0.05 ** (1 / 60)
    assert 0.95**59 < 0.05 < 0.95**58
    assert pytest.approx(0.30, abs=5e-3) == 0.98**59
    # 40 categories with 3 labels each: borrowing errs less than each alone.
    rng = np.random.default_rng(0)
    rate = rng.uniform(0.05, 0.4, 40)
    cells = np.stack([rate * 0.85, rate * 0.15, (1 - rate) * 0.1, (1 - rate) * 0.9], -1)
    labelled = np.array([rng.multinomial(3, one) for one in cells])
    flagged = rng.binomial(300, cells[:, 0] + cells[:, 2])
    counts = Counts(*labelled.T, flagged, 300 - flagged)
    alone, shared = (fit_slices(counts, judge_rates=how).failure_rate for how in ("per-slice", "partial"))
    assert np.mean((shared - rate) ** 2) < 0.5 * np.mean((alone - rate) ** 2)
    # Balanced labels: the rate is far off as a random sample, and right as an external set.
    balanced = Counts(tp=21, fn=4, fp=1, tn=24, unlabeled_pos=1200, unlabeled_neg=8800)
    with pytest.warns(UserWarning, match="calibration"):
        random = fit(balanced).interval(simulate=False)
    external = fit(balanced, calibration="external").interval(simulate=False)
    assert external.low < 0.1 < external.high < random.estimate
    # 1 means correct.
    path = tmp_path / "correct.csv"
    path.write_text("judge,human\n" + "1,1\n" * 40 + "0,0\n" * 10 + "1,\n" * 400 + "0,\n" * 100)
    total = tables.count(path, judge="judge", human="human", failure=0).total
    assert fit(total).failure_rate == pytest.approx(0.2, abs=0.01)


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
