"""The fixture of pytest: a yes passes, a no fails in the terminal's words, trouble fails and says so."""

import json
import re
import sys
import tomllib
from importlib.metadata import entry_points

import pytest
from cases import PROJECT

pytest_plugins = ["pytester"]

# By its entry point where the package was installed with it, else by its module.
PLUGIN = "jaxmle" if entry_points(group="pytest11", name="jaxmle") else "jaxmle._pytest"


@pytest.fixture
def folder(pytester):
    rows = [("de", 1, 1)] * 5 + [("de", 1, 0), ("en", 0, 1)] + [("de", 0, 0)] * 90 + [("en", 0, 0)] * 90
    rows += [("de", "", 1)] * 40 + [("en", "", 1)] * 10 + [("de", "", 0)] * 600 + [("en", "", 0)] * 650
    lines = [f"{lang},{human},{judge}" for lang, human, judge in rows]
    pytester.makefile(".csv", verdicts="\n".join(["lang,human,judge", *lines]))
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


# Pytester forgets what was imported while it is at work, and DuckDB cannot be imported twice: all commands
# run in processes of their own.
def run(folder):
    return folder.runpytest_subprocess("-p", PLUGIN, "--color=no")


def certify(folder, *options):
    asked = ["certify", "verdicts.csv", "--judge", "judge", "--human", "human", "--method", "profile"]
    return folder.run(sys.executable, "-m", "jaxmle", *asked, *options)


@pytest.mark.slow
def test_a_yes_passes_and_hands_on_the_document(folder):
    options = ["--tpr", "0.7:0.95", "--by", "lang", "--where", "judge <> '-'"]
    found = certify(folder, "--limit", "15%", *options, "--json")
    assert found.ret == 0
    document = found.stdout.str()
    folder.makepyfile(f"""
        import json
        from pathlib import Path

        def test_rate(jaxmle_gate):
            found = jaxmle_gate(
                Path("verdicts.csv"), limit="15%", tpr=(0.7, 0.95), by=["lang"], method="profile",
                where="judge <> '-'", combine=None, annotations=False,
            )
            assert found == json.loads({document!r})

        def test_counts(jaxmle_gate):
            jaxmle_gate(counts="4,1,2,143,900,9100", limit=0.2, method="profile")
    """)
    run(folder).assert_outcomes(passed=2)


def test_a_no_reads_like_the_terminal(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    found = certify(folder, "--limit", "0.035", "--by", "lang")
    assert found.ret == 1
    said = found.stdout.str().rstrip()
    assert said.startswith("NOT CERTIFIED: below 3.50% is not shown (1 of 2 slices pass")
    folder.makepyfile("""
        def test_rate(jaxmle_gate):
            jaxmle_gate("verdicts.csv", limit=0.035, by="lang", method="profile")
    """)
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run(folder)
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "\n".join(line.rstrip() for line in said.splitlines()) in text
    assert "\x1b" not in text
    assert "Failed: NOT CERTIFIED: below 3.50% is not shown" in text
    assert "jaxmle/_pytest.py" not in text


@pytest.mark.slow
def test_trouble_is_no_certificate_and_no_verdict(folder):
    calls = {
        '"none.csv", limit=0.1': "none.csv",
        '"verdicts.csv", limit=5': "did you mean 5%",
        '"verdicts.csv", limit=0.1, judge="jugde"': "Did you mean 'judge'",
        '"verdicts.csv", limit=0.1, cluste="x"': "No such option: --cluste",
        '"verdicts.csv", limit=0.1, tpr=(0.9, 0.8)': "did you mean 0.8:0.9",
    }
    folder.makepyfile(
        "\n".join(f"def test_{i}(jaxmle_gate):\n    jaxmle_gate({call})\n" for i, call in enumerate(calls))
    )
    result = run(folder)
    result.assert_outcomes(failed=len(calls))
    lines = [line for line in result.stdout.lines if line.startswith("no verdict: ")]
    for line, said in zip(lines, calls.values(), strict=True):
        assert said in line
    assert "CERTIFIED" not in result.stdout.str()


@pytest.mark.slow
def test_a_file_may_begin_with_a_dash(folder):
    (folder.path / "-x.csv").write_bytes((folder.path / "verdicts.csv").read_bytes())
    folder.makepyfile("""
        def test_rate(jaxmle_gate):
            jaxmle_gate("-x.csv", limit="15%", method="profile")
    """)
    run(folder).assert_outcomes(passed=1)


@pytest.mark.slow
def test_the_guide_s_tests_do_what_it_says(pytester, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    guide = (PROJECT / "docs" / "guides" / "release-gate.md").read_text(encoding="utf-8")
    (code,) = re.findall(r'```python title="test_rate.py"\n(.*?)```', guide, re.S)
    (said,) = re.findall(r"python -m pytest test_rate.py\n```\n\n```text\n(.*?)```", guide, re.S)
    demo = pytester.run(sys.executable, "-m", "jaxmle", "demo", "--write", "verdicts.csv")
    assert demo.ret == 0
    pytester.makepyfile(test_rate=code)
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    assert said in f"{result.stdout.str()}\n"


def test_pytest_starts_without_jax_or_numpy(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest("""
        import json, sys
        def pytest_sessionfinish():
            with open("modules.json", "w") as file:
                json.dump(sorted(sys.modules), file)
    """)
    pytester.makepyfile("""
        def test_it():
            pass
    """)
    run = pytester.run(sys.executable, "-W", "error", "-m", "pytest", "-W", "error", "-p", PLUGIN)
    run.assert_outcomes(passed=1)
    modules = set(json.loads((pytester.path / "modules.json").read_text()))
    assert "jaxmle._pytest" in modules
    assert not modules & {"jax", "numpy", "scipy", "duckdb", "typer", "rich", "pandas", "matplotlib"}
    assert {name for name in modules if name.startswith("jaxmle")} == {"jaxmle", "jaxmle._pytest"}


def test_the_package_offers_the_plugin():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"jaxmle": "jaxmle._pytest"}
