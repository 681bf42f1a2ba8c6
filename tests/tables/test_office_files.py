"""What office programs save: spreadsheets, and text in UTF-16."""

import gzip
import sys

import pytest
from exports import SHEET as ROWS
from exports import cells, workbook

from jaxmle import tables
from jaxmle._cli import main

EXPECTED = (1, 0, 1, 1, 0, 1)


def test_a_spreadsheet_is_a_table(tmp_path, capsys):
    pytest.importorskip("python_calamine")
    path = workbook(tmp_path / "labels.xlsx", Labels=ROWS, Notes=[])
    result = tables.count(path, judge="judge", human="human", by="topic")
    assert cells(result) == EXPECTED
    assert result.keys == [{"topic": "Zürich"}, {"topic": "a"}]
    # Sheets keep 1 as 1.0; names of items must still meet.
    judged = [{"id": str(i), "flag": "fail" if i < 3 else "pass"} for i in range(1, 6)]
    result = tables.count(judged, judge="flag", human="human", human_source=path, id="id")
    assert cells(result) == (1, 0, 0, 2, 1, 1)
    assert main(["doctor", str(path)]) in (0, 1)
    assert "labels.xlsx --judge judge --human human" in capsys.readouterr().out
    workbook(tmp_path / "more.xlsx", Labels=ROWS)
    assert tables.count(str(tmp_path / "*.xlsx"), judge="judge", human="human").n_rows == 8


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ({"one": ROWS, "two": ROWS}, "has rows in several sheets, 'one', 'two'"),
        ({"one": ROWS[:1]}, "has no rows in any sheet"),
        ({"one": [["judge", "human", "human"], [1, 1, 0]]}, "more than one column 'human'"),
    ],
)
def test_spreadsheets_that_leave_a_question_open(sheets, message, tmp_path):
    pytest.importorskip("python_calamine")
    path = workbook(tmp_path / "labels.xlsx", **sheets)
    with pytest.raises(ValueError, match=message):
        tables.count(path, judge="judge", human="human")


def test_a_broken_spreadsheet_is_one_line(tmp_path, capsys):
    pytest.importorskip("python_calamine")
    path = tmp_path / "labels.xlsx"
    path.write_bytes(b"no workbook")
    assert main(["estimate", str(path), "--judge", "judge", "--human", "human"]) == 2
    err = capsys.readouterr().err
    assert "as a spreadsheet" in err
    assert err.count("\n") == 1


def test_without_their_reader_spreadsheets_are_a_hint(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    path = workbook(tmp_path / "labels.xlsx", Labels=ROWS)
    with pytest.raises(ValueError, match=r"pip install '\.\[excel\]'"):
        tables.count(path, judge="judge", human="human")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", [".csv", ".txt", ".csv.gz"])
def test_text_in_utf16(encoding, ending, tmp_path):
    mark = "\t" if ending == ".txt" else ","
    text = "\r\n".join(mark.join(map(str, row)) for row in ROWS) + "\r\n"
    content = ("" if encoding == "utf-16" else "\ufeff").encode(encoding) + text.encode(encoding)
    path = tmp_path / f"labels{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    result = tables.count(path, judge="judge", human="human", by="topic")
    assert cells(result) == EXPECTED
    assert result.keys == [{"topic": "Zürich"}, {"topic": "a"}]
    with pytest.raises(ValueError, match=rf"^'{path}' has no column 'verdict'"):
        tables.count(path, judge="verdict", human="human")


def test_what_is_only_marked_as_utf16_is_one_line(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xff\xfe" + b"judge,human\n\x00\xd8\x00\xd8")
    with pytest.raises(ValueError, match=r"is marked as UTF-16 and is not"):
        tables.count(path, judge="judge", human="human")
