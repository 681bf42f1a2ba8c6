"""The workflow of the guide does what it says: a yes, a no, and trouble that does not look like a no."""

import os
import re
import subprocess
import sys

import pytest
from cases import PROJECT

GUIDE = PROJECT / "docs" / "guides" / "release-gate.md"


@pytest.fixture
def job():
    yaml = pytest.importorskip("yaml")
    blocks = re.findall(r"```yaml\n(# \.github/workflows/.*?)```", GUIDE.read_text(), re.DOTALL)
    (document,) = map(yaml.safe_load, blocks)
    (found,) = document["jobs"].values()
    return found


@pytest.fixture
def run_steps(job, tmp_path):
    """Run the job's own commands in an empty folder, as a runner would, until one fails."""
    programs = tmp_path / "bin"
    programs.mkdir()
    shim = programs / "jaxmle"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jaxmle "$@"\n')
    shim.chmod(0o755)

    def run(content, **variables):
        (tmp_path / "verdicts.csv").write_text(content)
        # Compiled code is kept for the next test.
        given = {**os.environ, "JAX_PLATFORMS": "cpu", **job["env"], **variables}
        given["PATH"] = f"{programs}{os.pathsep}{given['PATH']}"
        said = ""
        for step in job["steps"]:
            if "jaxmle" not in step.get("run", "") or step["run"].startswith("pip "):
                continue
            # What a runner calls where a step names no shell.
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]], capture_output=True, text=True, cwd=tmp_path, env=given
            )
            said += done.stdout + done.stderr
            if done.returncode:
                return step["name"], done.returncode, said
        return None, 0, said

    return run


def verdicts():
    """Three hundred labels with a failure rate of 5%, and 3,000 verdicts more."""
    rows = [(1, 1)] * 13 + [(1, 0)] * 2 + [(0, 1)] * 42 + [(0, 0)] * 243
    rows += [("", 1)] * 550 + [("", 0)] * 2450
    return "human,judge\n" + "".join(f"{human},{judge}\n" for human, judge in rows)


@pytest.mark.slow
def test_a_release_passes_or_fails_by_the_certificate(run_steps):
    step, status, said = run_steps(verdicts(), LIMIT="0.2")
    assert (step, status) == (None, 0)
    assert "::notice title=Certified::" in said
    assert "CERTIFIED: below 20.00%" in said
    step, status, said = run_steps(verdicts(), LIMIT="0.03")
    assert (step, status) == ("Certify the failure rate", 1)
    assert "::error title=Not certified::" in said
    assert "Trouble" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "variables", "step"),
    [
        ("human,judge\n1\n", {}, "Look at the verdicts"),
        (verdicts(), {"COLUMNS_ARE": "--judge jugde --human human"}, "Look at the verdicts"),
        (verdicts(), {"BOUNDS": "--tpr 0.9:0.8"}, "Certify the failure rate"),
    ],
)
def test_trouble_does_not_look_like_a_no(run_steps, content, variables, step):
    failed, status, said = run_steps(content, **variables)
    assert (failed, status) == (step, 2)
    assert "Not certified" not in said
    if step == "Certify the failure rate":
        assert "::error title=Trouble::" in said


def test_every_step_that_speaks_of_jaxmle_is_run_here_or_installs_it(job):
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert sum(command.startswith("pip install") for command in commands) == 1
    assert sum("jaxmle certify" in command for command in commands) == 1
    assert all(isinstance(value, str) for value in job["env"].values())
    assert job["steps"][-1]["if"] == "always()"
