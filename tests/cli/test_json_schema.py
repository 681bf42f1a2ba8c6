"""`--json`: what the commands print is what the schema in the package says, no more and no less."""

import json
import shutil
from importlib.resources import files

import pytest
import typer
from cases import LOGS, some_fast
from json_cases import CASES, FEW, write_files

from jaxmle._cli import main
from jaxmle._cli._app import app

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads((files("jaxmle") / "schema.json").read_text(encoding="utf-8"))
DEFS = SCHEMA["$defs"]
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")
    write_files(folder)
    shutil.copy(LOGS / "promptfoo.json", folder / "log.json")  # it takes no package to read
    assert main(["demo", "--write", str(folder / "verdicts.csv")]) == 0
    return folder


@pytest.fixture(scope="module")
def documents(folder):
    """What each case printed, by its name."""
    return {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", some_fast(CASES, FEW))
def test_documents_are_as_the_schema_says(name, folder, documents, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert main([*CASES[name], "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    errors = sorted(VALIDATOR.iter_errors(found), key=lambda error: error.json_path)
    assert not errors, _said(found)
    documents[name] = found
    # Closed: what the schema does not name is refused, wherever it stands.
    assert not VALIDATOR.is_valid(found | {"odd": 1})
    assert not VALIDATOR.is_valid(found | {"schema": 0})


def test_the_schema_names_nothing_that_is_never_printed(documents):
    if documents.keys() != CASES.keys():
        pytest.skip("needs the documents of all cases")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    seen: set[str] = set()
    for found in documents.values():
        _walk(SCHEMA, "", found, seen)
    named = {(pointer, name) for pointer, one in _objects(SCHEMA, "") for name in one["properties"]}
    assert named - seen == set()
    commands = {one["command"] for one in documents.values()}
    assert commands == set(vars(typer.main.get_command(app))["commands"])


def _said(found):
    """Which sentence of the schema of its command a document breaks."""
    name = {"bounds": "bounds_document"}.get(found["command"], found["command"])
    name = "demo_file" if name == "demo" and "file" in found else name
    own = jsonschema.Draft202012Validator({**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{name}"}]})
    best = jsonschema.exceptions.best_match(own.iter_errors(found))
    return f"{best.json_path}: {best.message}"


def _walk(schema, pointer, value, seen):
    """Note which properties of the schema, by the place where they are named, a document has."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        _walk(DEFS[name], f"/$defs/{name}", value, seen)
    for i, one in enumerate(schema.get("allOf", ())):
        _walk(one, f"{pointer}/allOf/{i}", value, seen)
    for word in ("anyOf", "oneOf"):
        for i, one in enumerate(schema.get(word, ())):
            if VALIDATOR.evolve(schema={"$defs": DEFS, **one}).is_valid(value):
                _walk(one, f"{pointer}/{word}/{i}", value, seen)
    if isinstance(value, dict):
        for name, one in schema.get("properties", {}).items():
            if name in value:
                seen.add((pointer, name))
                _walk(one, f"{pointer}/properties/{name}", value[name], seen)
        if isinstance(schema.get("additionalProperties"), dict):
            for one in value.values():
                _walk(schema["additionalProperties"], f"{pointer}/additionalProperties", one, seen)
    if isinstance(value, list) and "items" in schema:
        for one in value:
            _walk(schema["items"], f"{pointer}/items", one, seen)


def _objects(schema, pointer):
    """Every part of the schema that names properties, with its place."""
    if isinstance(schema, list):
        for i, one in enumerate(schema):
            yield from _objects(one, f"{pointer}/{i}")
    elif isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield pointer, schema
        for word, one in schema.items():
            yield from _objects(one, f"{pointer}/{word}")
