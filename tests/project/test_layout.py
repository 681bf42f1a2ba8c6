"""The layout shows the architecture, and importing costs and changes nothing."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import jaxmle

ROOT = Path(jaxmle.__file__).parent
LAYERS = (
    "_version",
    "_types",
    "_arrays",
    "_results",
    "_stats",
    "_engine",
    "_data",
    "_tables",
    "tables",
    "_model",
    "_solvers",
    "_simulation",
    "_inference",
    "_slices",
    "_planning",
    "_comparison",
    "_sensitivity",
    "_drift",
    "_plots",
    "baselines",
    "_documents",
    "_distributed",
    "spark",
    "distributed",
    "_doctor",
    "_terminal",
    "_page",
    "_labeling",
    "_ci",
    "_cli",
    "_pytest",
    "__main__",
)
# Folders of tests not called after a room: of Dask's package `distributed` a folder would take the place.
OTHER_TESTS = {"project", "logs", "many_machines"}
RENDERERS = {"rich", "html"}


@cache
def parsed(path):
    return ast.parse(path.read_text())


def imports(*, at_once=False):
    """Imports of the package by itself: file, room, module, names; all of them, or those made at once."""
    for path in ROOT.rglob("*.py"):
        relative = path.relative_to(ROOT)
        room = relative.parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        tree = parsed(path)
        for node in tree.body if at_once else ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jaxmle":
                yield relative, room, node.module.split(".")[1:], [alias.name for alias in node.names]


def test_imports_point_one_way():
    for file, room, module, names in imports():
        for name in module[:1] or names:
            assert name in LAYERS, f"{file} imports {name}"
            assert LAYERS.index(name) <= LAYERS.index(room), f"{file} imports {name} from above"


def test_rooms_speak_through_their_face():
    for file, room, module, names in imports():
        if module and module[0] != room:
            assert len(module) == 1, f"{file} reaches into {'.'.join(module)}"
        elif module == [room]:
            assert all((ROOT / room / f"{name}.py").exists() for name in names), f"{file} uses its own face"
            continue
        assert not any(name.startswith("_") for name in names), f"{file} imports what is private: {names}"


def test_files_of_a_room_import_in_no_circle():
    graph: dict[str, set[str]] = {}
    for file, _, module, _ in imports(at_once=True):
        if len(module) > 1:
            graph.setdefault(".".join(file.with_suffix("").parts), set()).add(".".join(module))
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError


def test_documents_know_of_no_way_to_show_them():
    for path in (ROOT / "_documents").rglob("*.py"):
        for node in ast.walk(parsed(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not RENDERERS & {name.split(".")[0] for name in names}, path


def test_faces_hold_what_others_use():
    used = {(node.module, alias.name) for node in stub(ROOT) for alias in node.names}
    for _, room, module, names in imports():
        if len(module) == 1 and module[0] != room:
            used |= {(module[0], name) for name in names}
    for face in ROOT.glob("_*/__init__.pyi"):
        room = face.parent.name
        for node in stub(face.parent):
            for alias in node.names:
                assert (room, alias.name) in used, f"{room} offers {alias.name} to nobody"


def stub(folder):
    tree = ast.parse((folder / "__init__.pyi").read_text())
    return [node for node in tree.body if isinstance(node, ast.ImportFrom)]


def test_modules_are_small_and_the_namespace_is_flat():
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path
    assert set(jaxmle.__all__) <= set(dir(jaxmle))
    for name in jaxmle.__all__:
        assert getattr(jaxmle, name).__doc__


def test_tests_lie_in_folders_of_the_rooms():
    tests = Path(__file__).parents[1]
    folders = {path.parent.relative_to(tests).parts[0] for path in tests.glob("*/test_*.py")}
    assert folders - OTHER_TESTS <= {room.strip("_") for room in LAYERS}


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
