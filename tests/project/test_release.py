"""What is released agrees with itself: version, changelog, recipe, citation, and what is in the wheel."""

import re
import tomllib
import zipfile

import pytest
from cases import PROJECT

METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What conda-forge calls a package in another way.
CONDA = {"duckdb": "python-duckdb", "lazy_loader": "lazy-loader"}


def split(requirement):
    """Name and versions of a requirement, as pip and conda write it."""
    name, versions = re.fullmatch(r"([A-Za-z0-9_.-]+?) ?([<>=!~].*)", requirement).groups()
    return name, set(versions.split(","))


def test_changelog_and_citation_are_of_this_version():
    version = METADATA["version"]
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (.*)$", changelog, re.MULTILINE)[1]
    assert re.fullmatch(rf"{re.escape(version)}, (unreleased|\d{{4}}-\d{{2}}-\d{{2}})", first)
    citation = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: .?{re.escape(version)}.?$", citation, re.MULTILINE)


def test_the_recipe_of_conda_needs_what_the_package_needs():
    yaml = pytest.importorskip("yaml")
    recipe = yaml.safe_load((PROJECT / "conda" / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    context = recipe["context"]
    assert context["version"] == METADATA["version"]
    assert METADATA["requires-python"] == f">={context['python_min']}"
    python, *needed = recipe["requirements"]["run"]
    assert python == "python >=${{ python_min }}"
    pairs = map(split, METADATA["dependencies"])
    assert dict(map(split, needed)) == {CONDA.get(name, name): versions for name, versions in pairs}
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {target}" for name, target in METADATA["scripts"].items()
    ]
    (backend,) = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"][
        "requires"
    ]
    assert split(backend) in map(split, (one for one in recipe["requirements"]["host"] if ">" in one))
    assert recipe["about"]["summary"] == METADATA["description"]
    assert recipe["about"]["license"] == METADATA["license"]


def test_the_wheel_holds_the_package_its_types_and_its_entries(tmp_path):
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(PROJECT))
    (wheel,) = builder.build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entries,) = (name for name in names if name.endswith("entry_points.txt"))
        said = archive.read(entries).decode()
    package = PROJECT / "jaxmle"
    wanted = {str(path.relative_to(PROJECT)) for path in package.rglob("*") if path.suffix in (".py", ".pyi")}
    assert wanted | {"jaxmle/py.typed"} <= names
    assert {name.split("/")[0] for name in names} == {"jaxmle", f"jaxmle-{METADATA['version']}.dist-info"}
    assert "jaxmle = jaxmle.__main__:main" in said
    assert "jaxmle = jaxmle._pytest" in said


def test_the_checklist_names_what_a_release_takes():
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Releasing")[1]
    for step in ("CHANGELOG.md", "CITATION.cff", "conda/recipe/recipe.yaml", ".ci/run", ".ci/release", "Tag"):
        assert step in text, step
    assert (PROJECT / ".ci" / "release").stat().st_mode & 0o100
