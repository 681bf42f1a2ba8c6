"""The action does what the guide says, run as a runner would: a yes, a no, and trouble that is no no."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cases import PROJECT

yaml = pytest.importorskip("yaml")
GUIDE = PROJECT / "docs" / "guides" / "release-gate.md"
ACTION = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
(WORKFLOW,) = map(
    yaml.safe_load, re.findall(r"```yaml\n(# \.github/workflows/.*?)```", GUIDE.read_text(), re.DOTALL)
)
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
# A Python that makes an environment of itself and writes down what it is asked to install.
SHIM = """#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip") echo "$@" >> "$PIP_LOG" ;;
  *) exec "{python}" "$@" ;;
esac
"""


def filled(text, known):
    """A text with its expressions replaced by their values; a step that did not run has no outputs."""
    return EXPRESSION.sub(lambda found: known.get(found[1], ""), text)


def outputs_of(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


@pytest.fixture
def run_action(tmp_path):
    """Run the action's own steps in an empty folder with the inputs given, until one fails."""
    shim, work, temp = tmp_path / "python", tmp_path / "work", tmp_path / "temp"
    shim.write_text(SHIM.format(python=sys.executable))
    shim.chmod(0o755)
    work.mkdir()
    temp.mkdir()

    def run(content, **inputs):
        (work / "verdicts.csv").write_text(content)
        given = {name: one.get("default") for name, one in ACTION["inputs"].items()} | inputs
        assert set(given) == set(ACTION["inputs"])
        known = {f"inputs.{name}": value for name, value in given.items()}
        known |= {"github.action_path": str(PROJECT), "runner.temp": str(temp)}
        known["steps.python.outputs.python-path"] = str(shim)
        status, said = 0, ""
        for i, step in enumerate(ACTION["runs"]["steps"]):
            if "run" not in step:
                continue
            script, output = tmp_path / f"{i}.sh", tmp_path / f"{i}.output"
            script.write_text(step["run"])
            output.touch()
            variables = {name: filled(text, known) for name, text in step["env"].items()}
            own = {
                **{"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")},
                **{"PIP_LOG": str(tmp_path / "pip.log"), "JAX_PLATFORMS": "cpu", "COLUMNS": "100"},
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=work,
                env={**os.environ, **own, **variables},
            )
            said += done.stdout
            known |= {
                f"steps.{step['id']}.outputs.{name}": value for name, value in outputs_of(output).items()
            }
            if status := done.returncode:
                break
        found = {name: filled(one["value"], known) for name, one in ACTION["outputs"].items()}
        return status, said, found

    return run


def verdicts(name="a"):
    """Three hundred labels with a failure rate of 5%, and 3,000 verdicts more, in two slices."""
    rows = [(1, 1)] * 13 + [(1, 0)] * 2 + [(0, 1)] * 42 + [(0, 0)] * 243
    rows += [("", 1)] * 550 + [("", 0)] * 2450
    lines = [f"{name if i % 2 else 'b'},{human},{judge}\n" for i, (human, judge) in enumerate(rows)]
    return "topic,human,judge\n" + "".join(lines)


def guide_inputs():
    (job,) = WORKFLOW["jobs"].values()
    (step,) = (one for one in job["steps"] if one.get("uses") == "./jaxmle")
    return step["with"]


@pytest.mark.slow
def test_the_guide_s_release_passes_or_fails_by_the_certificate(run_action, tmp_path):
    inputs = guide_inputs()
    status, said, found = run_action(verdicts(), **inputs | {"limit": "0.2"})
    assert (status, found["verdict"]) == (0, "certified")
    assert "::notice title=Certified%3A the failure rate is below 20.00%25::" in said
    assert "CERTIFIED: below 20.00%" in said
    status, said, found = run_action(verdicts(), **inputs | {"limit": "0.03"})
    assert (status, found["verdict"]) == (1, "not-certified")
    assert "::error title=Not certified%3A below 3.00%25 is not shown::" in said
    assert "Trouble" not in said
    assert "NOT CERTIFIED: below 3.00%" in Path(found["certificate"]).read_text()
    root = ElementTree.parse(tmp_path / "work" / inputs["junit"]).getroot()
    assert root.get("failures") == "1"
    summary = (tmp_path / "summary.md").read_text()
    assert summary.index("# Certified") < summary.index("# Not certified")
    installed = (tmp_path / "pip.log").read_text().splitlines()
    assert {line.split()[-1] for line in installed} == {str(PROJECT)}


@pytest.mark.slow
def test_inputs_and_data_are_texts_and_no_commands(run_action, tmp_path):
    name = "::error::$(touch data) `touch data`"
    status, said, found = run_action(
        verdicts(name),
        file="verdicts.csv",
        limit="0.5",
        judge="judge",
        by="topic\n",
        args="""--method profile --where "topic <> '$(touch args); `touch args`'" """,
    )
    assert (status, found["verdict"]) == (0, "certified")
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["verdicts.csv"]
    # The row of the slice begins like a command, where the runner listens to none.
    before, token, inside = re.fullmatch(
        r"(.*)::stop-commands::(\w{32})\n(.*)::\2::\n.*", said, re.S
    ).groups()
    assert len(token) == 32
    assert f"\n{name}" in inside
    assert not any(line.startswith("::error") for line in before.splitlines())
    for field in ("file", "limit", "judge", "human", "tpr", "fpr", "by", "args"):
        given = {"file": "verdicts.csv", "limit": "0.5", field: "$(touch x); touch x; `touch x`"}
        assert run_action(verdicts(), **given)[0] == 2
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["verdicts.csv"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("judge", "##[error]judge"),
        ("args", '--where "##[add-path]x"'),
        ("args", "--where '::error::x\n##[y]"),
    ],
)
def test_trouble_with_texts_of_strangers_holds_no_commands(run_action, field, text):
    status, said, found = run_action(verdicts(), **{"file": "verdicts.csv", "limit": "0.5", field: text})
    assert (status, found["verdict"]) == (2, "trouble")
    # The runner obeys '::name' at the start of a line and, unless it did that, '##[name]' anywhere in it.
    outside = re.sub(r"::stop-commands::(\w{32})\n.*?::\1::\n", "", said, flags=re.S)
    lines = outside.splitlines()
    assert [line for line in lines if line.lstrip().startswith("::")] == [
        line for line in lines if line.startswith("::error title=Trouble::no verdict: ")
    ]
    assert not any("##[" in line for line in lines if not line.startswith("::"))
    assert "::error title=Trouble::" in outside


@pytest.mark.slow
def test_files_of_the_repository_are_not_imported(run_action, tmp_path):
    """A pull request could otherwise bring a gate of its own, or stop it by a module of a common name."""
    for name in ("secrets.py", "shlex.py", "jaxmle/__init__.py", "jaxmle/__main__.py"):
        path = tmp_path / "work" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise SystemExit(0)")
    status, said, found = run_action(verdicts(), file="verdicts.csv", limit="0.02", args="--method profile")
    assert (status, found["verdict"]) == (1, "not-certified")
    assert "NOT CERTIFIED" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "inputs"),
    [
        ("human,judge\n1\n", {}),
        (verdicts(), {"judge": "jugde"}),
        (verdicts(), {"tpr": "0.9:0.8"}),
        (verdicts(), {"args": "--where 'a"}),
        (verdicts(), {"file": "--help"}),
    ],
)
def test_trouble_does_not_look_like_a_no(run_action, content, inputs):
    status, said, found = run_action(content, **{"file": "verdicts.csv", "limit": "0.2", **inputs})
    assert (status, found["verdict"]) == (2, "trouble")
    assert "Not certified" not in said
    assert "title=Trouble::" in said


@pytest.mark.slow
def test_the_guide_s_job_of_gitlab_leaves_a_report(tmp_path, environment):
    (job,) = map(
        yaml.safe_load, re.findall(r"```yaml\n# \.gitlab-ci\.yml\n(.*?)```", GUIDE.read_text(), re.S)
    )
    (job,) = job.values()
    install, command = job["script"]
    assert install == "pip install ./jaxmle"
    (tmp_path / "verdicts.csv").write_text(verdicts())
    words = [sys.executable, "-m", *shlex.split(command)]
    assert subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True).returncode == 1
    report = ElementTree.parse(tmp_path / job["artifacts"]["reports"]["junit"]).getroot()
    assert report.get("failures") == "1"
    assert job["artifacts"]["when"] == "always"


def test_nothing_is_put_into_a_script_by_the_runner():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert ("run" in step) == ("shell" in step)
    texts = [str(step.get("env", step.get("with"))) for step in ACTION["runs"]["steps"]]
    used = set(re.findall(r"inputs\.([\w-]+)", " ".join(texts)))
    assert used == set(ACTION["inputs"])
    assert all(one["description"] for one in (*ACTION["inputs"].values(), *ACTION["outputs"].values()))
    for name, one in ACTION["inputs"].items():
        assert isinstance(one.get("default", ""), str), name
        assert ("default" in one) != one.get("required", False)


def test_the_guide_s_workflow_gives_inputs_that_there_are():
    inputs = guide_inputs()
    assert set(inputs) <= set(ACTION["inputs"])
    assert all(isinstance(value, str) for value in inputs.values())
    (job,) = WORKFLOW["jobs"].values()
    assert job["steps"][-1]["if"] == "always()"


def test_the_action_and_the_workflows_are_what_github_takes(tmp_path):
    """By the schemas that check-jsonschema carries, as its hooks of pre-commit do."""
    pytest.importorskip("check_jsonschema")
    of_guide = tmp_path / "guide.yml"
    (text,) = re.findall(r"```yaml\n(# \.github/workflows/.*?)```", GUIDE.read_text(), re.DOTALL)
    of_guide.write_text(text)
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("runs-on:", "runs-onto:"))
    workflows = [*(PROJECT / ".github" / "workflows").iterdir(), of_guide]
    forms = [*(PROJECT / ".github" / "ISSUE_TEMPLATE").iterdir()]

    def status(schema, files):
        words = ["--builtin-schema", f"vendor.{schema}", *map(str, files)]
        return subprocess.run(
            [sys.executable, "-m", "check_jsonschema", *words], capture_output=True
        ).returncode

    assert status("github-actions", [PROJECT / "action.yml"]) == 0
    assert status("github-workflows", workflows) == 0
    assert status("github-issue-forms", forms) == 0
    assert status("github-workflows", [wrong]) == 1
