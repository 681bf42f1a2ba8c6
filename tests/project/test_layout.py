"""The layout shows the architecture, and importing costs and changes nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import jaxmle

ROOT = Path(jaxmle.__file__).parent
LAYERS = (
    "_types",
    "_arrays",
    "_engine",
    "_data",
    "_model",
    "_solvers",
    "_simulation",
    "_inference",
    "_pooling",
    "_decisions",
    "_plots",
    "baselines",
    "tables",
    "_report",
    "_cli",
    "__main__",
)


def test_imports_point_one_way():
    for path in ROOT.rglob("*.py"):
        relative = path.relative_to(ROOT)
        layer = relative.parts[0].removesuffix(".py")
        if layer == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jaxmle":
                inner = node.module.split(".")[1:]
                names = (
                    [inner[0]]
                    if inner
                    else [
                        alias.name if alias.name in LAYERS else jaxmle._HOME.get(alias.name, alias.name)
                        for alias in node.names
                    ]
                )
            for name in names:
                assert name in LAYERS, f"{relative} imports {name}"
                assert LAYERS.index(name) <= LAYERS.index(layer), f"{relative} imports {name} from above"


def test_modules_are_small_and_the_namespace_is_flat():
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path
    assert set(jaxmle.__all__) <= set(dir(jaxmle))
    for name in jaxmle.__all__:
        assert getattr(jaxmle, name).__doc__


def test_importing_is_light_silent_and_changes_nothing(environment):
    code = """
import sys, warnings
import jax
names = ("jax_enable_x64", "jax_platforms", "jax_compilation_cache_dir")
before = {name: getattr(jax.config, name) for name in names}
import jaxmle
for name in jaxmle.__all__:
    getattr(jaxmle, name)
jaxmle.fit(jaxmle.Counts(4, 1, 2, 43, 900, 9100))
heavy = [m for m in ("jaxopt", "duckdb", "matplotlib", "pandas", "typer", "rich") if m in sys.modules]
assert not heavy, heavy
assert before == {name: getattr(jax.config, name) for name in before}
print("ok")
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=environment
    )
    assert (run.stdout, run.stderr) == ("ok\n", "")
    light = "import jaxmle, sys; assert 'jax' not in sys.modules; print(jaxmle.__version__)"
    run = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, env=environment)
    assert run.stdout == "0.1.0\n"


@pytest.mark.slow
def test_using_jaxopt_does_not_warn(environment):
    code = "import jaxmle; jaxmle.fit(jaxmle.Counts(4, 1, 2, 43, 900, 9100), solver='projected_gradient')"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=environment
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_compiled_programs_call_no_lapack():
    # Batched LAPACK calls of programs that run side by side can wait for each other for good.
    for path in ROOT.rglob("*.py"):
        assert "jnp.linalg" not in path.read_text(), path
