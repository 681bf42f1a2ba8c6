"""Slices are shown in natural order: numbers within names by their size."""

import json

import pytest

from jaxmle._cli import main
from jaxmle._documents._order import sort_naturally


def test_natural_order():
    values = ["s10", "s2", "", None, "s2b", "10", "9", "a", "s02"]
    slices = [{"key": {"by": value}} for value in values]
    sort_naturally(slices)
    found = [record["key"]["by"] for record in slices]
    assert found == ["", "9", "10", "a", "s2", "s02", "s2b", "s10", None]
    numbers = [{"key": {"by": value}} for value in (10, 2.5, None, -1, True)]
    sort_naturally(numbers)
    assert [record["key"]["by"] for record in numbers] == [-1, True, 2.5, 10, None]


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("estimate", ["--interval", "chi-square"]),
        pytest.param("estimate", ["--judge-rates", "common"], marks=pytest.mark.slow),
        ("certify", ["--limit", "0.5", "--method", "profile"]),
        ("drift", ["--tpr", "0.5:1"]),
        pytest.param("compare", ["--where-b", "half = 'b'", "--where", "half = 'a'"], marks=pytest.mark.slow),
    ],
)
def test_documents_and_tables_have_it(tmp_path, capsys, command, options):
    path = tmp_path / "slices.csv"
    cells = ["1,1"] * 5 + ["0,0"] * 8 + ["0,1", "1,0", ",1", ",0"] * 2
    rows = [f"s{i},{half},{cell}" for i in range(1, 13) for half in "ab" for cell in cells[i % 3 :]]
    path.write_text("\n".join(["by,half,human,judge", *rows]) + "\n")
    given = [command, str(path), "--judge", "judge", "--human", "human", "--by", "by", *options]
    main([*given, "--json"])
    document = json.loads(capsys.readouterr().out)
    names = [f"s{i}" for i in range(1, 13)]
    assert [record["key"]["by"] for record in document["slices"]] == names
    # Records are sorted, not their names alone.
    labeled = {record["key"]["by"]: record.get("n_labeled") for record in document["slices"]}
    if command != "compare":
        assert len({labeled[name] for name in ("s3", "s6", "s9", "s12")}) == 1
    main(given)
    out = capsys.readouterr().out
    places = [out.index(f"\n{name} ") for name in names]
    assert places == sorted(places)
