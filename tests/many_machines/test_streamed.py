"""Many slices go into a file in a stream: it says what the file of a few says."""

import json

import pyarrow.csv
import pyarrow.parquet
import pytest
from slice_verdicts import BOX, OPTIONS, table

from jaxmle._cli import main
from jaxmle._documents import _many_slices

SAID = {"fingerprint", "result_sha256", "sha256", "out"}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pyarrow.parquet.write_table(table(), path)
    return path


def described(out):
    found = json.loads(out.with_name(out.name + ".json").read_text())
    return {name: value for name, value in found.items() if name not in SAID}


@pytest.mark.parametrize(
    "more",
    [
        ["--interval", "chi-square", *BOX],
        ["--interval", "bootstrap", "--n-resamples", "100", "--judge-rates", "per-slice"],
        ["--interval", "chi-square", "--bounds"],
    ],
)
def test_a_streamed_file_is_the_same(path, tmp_path, monkeypatch, more):
    if more[-1] == "--bounds":
        names = sorted({str(value) for value in table()["topic"].to_pylist() if value is not None})
        rows = {"topic": [None, *names], "tpr_low": [0.5] * 24, "tpr_high": [0.9, *[0.95] * 23]}
        bounds = tmp_path / "bounds.parquet"
        pyarrow.parquet.write_table(pyarrow.table(rows), bounds)
        more = [*more, str(bounds)]
    few, many = tmp_path / "few.parquet", tmp_path / "many.parquet"
    assert main(["estimate", str(path), *OPTIONS, *more, "--out", str(few)]) == 0
    monkeypatch.setattr(_many_slices, "MANY", 3)
    monkeypatch.setattr(_many_slices, "_PART", 7)
    monkeypatch.setattr(_many_slices, "_QUICK_PART", 7)
    assert main(["estimate", str(path), *OPTIONS, *more, "--out", str(many)]) == 0
    assert pyarrow.parquet.read_table(few).equals(pyarrow.parquet.read_table(many))
    assert described(few) == described(many)


def test_a_stream_that_was_stopped_goes_on(path, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_many_slices, "MANY", 3)
    monkeypatch.setattr(_many_slices, "_PART", 7)
    monkeypatch.setattr(_many_slices, "_QUICK_PART", 7)
    out, whole = tmp_path / "out.csv", tmp_path / "whole.csv"
    command = ["estimate", str(path), *OPTIONS, "--interval", "chi-square", "--out"]
    found, columns = [], _many_slices.with_unjudged

    def stop_at_third(*arguments):
        found.append(1)
        if len(found) == 3:
            raise ValueError("stopped")
        return columns(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(_many_slices, "with_unjudged", stop_at_third)
        assert main([*command, str(out)]) == 2
    assert main([*command, str(out), "--resume"]) == 0
    assert described(out)["n_resumed"] == 2
    assert main([*command, str(whole)]) == 0
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "out.csv.parts").exists()
