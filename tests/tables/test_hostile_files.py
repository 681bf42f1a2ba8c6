"""Files from strangers: a right answer or one line that says what is wrong and where, never a wrong count."""

import gzip
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from jaxmle import Bounds, tables
from jaxmle._cli import main
from jaxmle._tables._slice_bounds import slice_bounds

HEADER, ROWS = "id,topic,human,judge\n", "1,a,fail,fail\n2,a,,pass\n3,b,pass,fail\n4,b,,\n"
EXPECTED = [(1, 0, 0, 0, 0, 1), (0, 0, 1, 0, 0, 0)]
NAMES = {"judge": "judge", "human": "human"}


def counted(source, **options):
    result = tables.count(source, **NAMES, by="topic", **options)
    return [tuple(int(value) for value in one.values()) for one in result.counts]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROWS,
        (HEADER + ROWS).replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + (HEADER + ROWS).encode(),
        (HEADER + ROWS).rstrip("\n"),
        (HEADER + ROWS).replace(",", ";"),
        (HEADER + ROWS).replace(",", "\t"),
        (HEADER + ROWS).replace(",", "|"),
        HEADER.replace("id", '"i,d\nof ""it"""') + ROWS,
        HEADER.replace("id", "x" * 10_000) + ROWS.replace("1", "😀" * 10_000),
        "id,id,topic,human,judge\n" + "".join("0," + row + "\n" for row in ROWS.split()),
        HEADER + "\n" + ROWS + "\n\n",
    ],
)
def test_odd_but_right_files_count_right(tmp_path, content):
    assert counted(write(tmp_path / "it's a file.csv", content)) == EXPECTED


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("short.csv", HEADER + ROWS + "5,a,fail\n", "line 6 has 3 values where the header has 4"),
        ("long.csv", HEADER + ROWS + "5,a,fail,fail,x\n", "line 6 has 5 values where the header has 4"),
        ("latin.csv", (HEADER + ROWS + "5,é,fail,fail\n").encode("latin-1"), "line 6 is not UTF-8"),
        ("wide.csv", (HEADER + ROWS).encode("utf-16-le"), "not UTF-8|NUL"),
        ("open.csv", HEADER + ROWS + '5,"a,fail,fail\n' + ROWS, "line 6 opens a quote"),
        ("ends.csv", HEADER + ROWS + "5,a,fail,fail\r\n" + ROWS, "CRLF, LF, CR"),
        ("twice.csv", "judge,human,topic,JUDGE\n1,1,a,0\n", "more than one column 'judge'"),
        ("empty.csv", "\n\n", "the header, is empty"),
        ("cut.csv.gz", gzip.compress((HEADER + ROWS * 5000).encode())[:-9], "ends early"),
        ("no.csv.gz", b"not compressed", "cannot read"),
        ("cut.jsonl", '{"judge": 1, "human": 1, "topic": "a"}\n{"judge": 1, "hum', "cannot read"),
        ("list.jsonl", "[1, 2]\n[3]\n", "no column|cannot read"),
    ],
)
def test_broken_files_are_one_line(tmp_path, capsys, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message) as error:
        counted(path)
    assert "\n" not in str(error.value)
    status = main(["estimate", str(path), "--judge", "judge", "--human", "human", "--by", "topic"])
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "Traceback" not in err


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_parquet_is_refused(tmp_path, share):
    import duckdb

    path = tmp_path / "whole.parquet"
    duckdb.connect().execute(
        f"COPY (SELECT i % 2 AS judge, NULL AS human, i AS topic FROM range(50000) r(i)) TO '{path}'"
    )
    content = path.read_bytes()
    with pytest.raises(ValueError, match="cannot read"):
        counted(write(tmp_path / "cut.parquet", content[: int(share * len(content))]))


def test_values_from_strangers_stay_values(tmp_path):
    topics = [
        "'; DROP TABLE verdicts; --",
        'a"b',
        "x\ny",
        "nul\0l",
        "😀",
        "z" * 10_000,
        "=1+1",
        "{0}%s",
        "[b]",
    ]
    rows = [{"topic": topic, "human": "fail", "judge": "fail"} for topic in topics]
    path = write(tmp_path / "v.jsonl", "\n".join(map(json.dumps, rows)))
    result = tables.count(path, **NAMES, by="topic")
    assert [key["topic"] for key in result.keys] == sorted(topics)
    assert result.counts.tp.tolist() == [1] * len(topics)
    for topic in topics:
        named = [{topic: "x", "human": "1", "judge": "1"}, {topic: "y", "human": "", "judge": "0"}]
        if "\0" in topic:
            continue
        assert tables.count(named, **NAMES, by=[topic]).keys == [{topic: "x"}, {topic: "y"}]
    with pytest.raises(ValueError, match="no column"):
        tables.count(path, judge="judge", human="human", by="nul\0l")


def test_every_kind_of_source_counts_the_same(tmp_path, monkeypatch):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")

    path = write(tmp_path / "a.csv", HEADER + ROWS)
    frame = pandas.read_csv(path)
    sources = [path, str(path), frame, polars.read_csv(path), pyarrow.Table.from_pandas(frame)]
    sources.append(frame.to_dict("records"))
    import duckdb

    for kind in ("csv.gz", "csv.zst", "jsonl", "jsonl.gz", "parquet"):
        target = tmp_path / f"b.{kind}"
        duckdb.connect().execute(f"COPY (SELECT * FROM read_csv('{path}', all_varchar = true)) TO '{target}'")
        sources.append(target)
    for source in sources:
        assert counted(source) == EXPECTED, source
    for content in (
        path.read_bytes(),
        *(source.read_bytes() for source in sources[-5:]),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert counted("-") == EXPECTED
    for wrong in (3, None, [1, 2], object()):
        with pytest.raises(TypeError, match="`source` must be"):
            counted(wrong)


def test_patterns_name_several_files(tmp_path):
    write(tmp_path / "a 1.csv", HEADER + ROWS)
    write(tmp_path / "a 2.csv", "judge,topic,human\nfail,b,fail\n")
    assert counted(tmp_path / "a *.csv") == [EXPECTED[0], (1, 0, 1, 0, 0, 0)]
    with pytest.raises(ValueError, match="no file matches"):
        counted(tmp_path / "b*.csv")
    write(tmp_path / "a 3.csv", "judge,topic,human\nfail,b,maybe\n")
    with pytest.raises(ValueError, match=r"row 1 of .*a 3\.csv': human is 'maybe'"):
        counted(tmp_path / "a *.csv")
    write(tmp_path / "a 4.jsonl", "{}")
    with pytest.raises(ValueError, match="different kinds"):
        counted(tmp_path / "a *")


def test_graded_scores(tmp_path):
    rows = [(0.9, 1), (0.5, 0), ("0.49", 0), ("2e-1", None), ("", 1), ("-1", None)]
    source = [{"s": score, "h": human} for score, human in rows]
    for threshold, expected in (
        (0.5, (1, 0, 1, 1, 0, 2)),
        (">=0.5", (1, 0, 1, 1, 0, 2)),
        ("> 0.5", (1, 0, 0, 2, 0, 2)),
        ("<0.5", (0, 1, 1, 1, 2, 0)),
        ("<=.5", (0, 1, 2, 0, 2, 0)),
    ):
        result = tables.count(source, judge="s", human="h", judge_threshold=threshold)
        assert tuple(int(v) for v in result.counts[0].values()) == expected, threshold
        assert result.dropped == {"no judge verdict": 1}
        assert result.unjudged.tolist() == [[1, 0]]
    for wrong in ("half", "=>1", "", "nan", "1;2"):
        with pytest.raises(ValueError, match="`judge_threshold`"):
            tables.count(source, judge="s", human="h", judge_threshold=wrong)
    with pytest.raises(ValueError, match="s is 'good', neither"):
        tables.count([*source, {"s": "good", "h": 1}], judge="s", human="h", judge_threshold=0.5)


def test_invalid_rows_are_dropped_by_reason_when_asked():
    source = [
        {"j": "1", "h": "1", "w": "1"},
        {"j": "ERROR", "h": "1", "w": "1"},
        {"j": "1", "h": "maybe", "w": "1"},
        {"j": "1", "h": "", "w": "-2"},
        {"j": "0", "h": "", "w": ""},
        {"j": "", "h": "0", "w": "1"},
    ]
    options = {"judge": "j", "human": "h", "weight": "w"}
    with pytest.raises(ValueError, match="row 2 of the list of rows: j is 'ERROR'"):
        tables.count(source, **options)
    with pytest.raises(ValueError, match="row 2 of .*: w is '-2'"):
        tables.count(source[:1] + source[3:4] * 3 + source[:1], **options)
    result = tables.count(source, **options, on_invalid="drop")
    assert tuple(result.counts[0].values()) == (1, 0, 0, 0, 0, 0)
    assert result.n_rows == 6
    assert result.dropped == {
        "no judge verdict": 1,
        "judge verdict neither a failure nor a pass": 1,
        "human verdict neither a failure nor a pass": 1,
        "weight missing, negative, no number or beyond 1e-50 to 1e50": 2,
    }


JUDGED = [{"id": str(i), "j": i % 2} for i in range(6)]


def test_labels_in_a_second_table_are_joined_by_id(tmp_path):
    labels = [
        {"id": "1", "h": "fail"},
        {"id": "2", "h": "pass"},
        {"id": "9", "h": "pass"},
        {"id": "3", "h": ""},
    ]
    options = {"judge": "j", "human": "h", "id": "id"}
    result = tables.count(JUDGED, **options, human_source=labels)
    assert tuple(int(v) for v in result.counts[0].values()) == (1, 0, 0, 1, 2, 2)
    assert result.labels == {"read": 3, "unmatched": 1, "unknown": 1}
    for extra, message in (
        ({"id": "1", "h": "fail"}, "2 verdicts for id '1'"),
        ({"id": "1", "h": "pass"}, "the verdicts 'fail' and 'pass' for id '1'"),
    ):
        with pytest.raises(ValueError, match=message):
            tables.count(JUDGED, **options, human_source=[*labels, extra])
    with pytest.raises(ValueError, match="holds 2 rows for id '1'"):
        tables.count([*JUDGED, {"id": "1", "j": 0}], **options, human_source=labels)
    with pytest.raises(ValueError, match="no id with a verdict in .* is among those of"):
        tables.count(JUDGED, **options, human_source=[{"id": "x", "h": "fail"}])
    with pytest.raises(ValueError, match="go together"):
        tables.count(JUDGED, judge="j", human="h", human_source=labels)


def test_bounds_by_slice():
    keys = [{"m": "a"}, {"m": "b"}, {"m": None}]
    rows = [{"m": "b", "tpr_low": "0.5", "tpr_high": "0.9"}, {"m": "other", "tpr_low": "0.1", "tpr_high": ""}]
    bounds, notes = slice_bounds(rows, keys, Bounds(tpr=(0.7, 1.0)))
    assert len(notes) == 1
    assert "no slice of these data: m = 'other'" in notes[0]
    assert np.array_equal(bounds.tpr, ([0.7, 0.5, 0.7], [1.0, 0.9, 1.0]))
    for wrong, message in (
        ([*rows, rows[0]], "two rows for m = 'b'"),
        ([{**rows[0], "tpr_low": "x"}], "tpr_low is 'x' for m = 'b', not a number"),
        ([{"m": "zzz", "tpr_low": "0"}], "bounds for none of the slices"),
        ([{"m": "b", "low": "0"}], "none of the columns"),
        ([{"tpr_low": "0"}], "no column 'm'"),
    ):
        with pytest.raises(ValueError, match=message):
            slice_bounds(wrong, keys, Bounds())


@pytest.mark.slow
def test_the_command_line_reads_all_of_it(tmp_path, environment, capsys):
    judged = write(
        tmp_path / "j.csv",
        "id,m,j,p\n" + "".join(f"{i},{'ab'[i % 2]},{i % 3 == 0:d},{i // 4}\n" for i in range(400)),
    )
    labels = write(
        tmp_path / "h.csv",
        "id,h\n" + "".join(f"{i},{i % 3 == 0 or i % 17 == 0:d}\n" for i in range(0, 450, 5)),
    )
    bounds = write(tmp_path / "b.csv", "m,fpr_low,fpr_high\na,0,0.1\n")
    anchor = write(tmp_path / "r.csv", "j,h\n" + "1,1\n" * 80 + "0,1\n" * 10 + "0,0\n" * 99 + "1,0\n")
    shared = [
        "--judge",
        "j",
        "--human",
        "h",
        "--human-file",
        str(labels),
        "--id",
        "id",
        "--by",
        "m",
        "--json",
    ]
    assert main(["estimate", str(judged), *shared, "--bounds", str(bounds), "--cluster", "p"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["labels"] == {"read": 90, "unmatched": 10, "unknown": 10}
    assert [one["bounds"] for one in document["slices"]] == [{"fpr": [0.0, 0.1]}, {}]
    assert all(one["design_effect"] >= 1 for one in document["slices"])
    assert main(["estimate", str(judged), *shared, "--order", "width"]) == 0
    slices = json.loads(capsys.readouterr().out)["slices"]
    widths = [one["failure_rate"]["high"] - one["failure_rate"]["low"] for one in slices]
    assert widths == sorted(widths, reverse=True)
    both = write(tmp_path / "both.csv", "j,h\n" + "1,1\n0,0\n1,\n0,\n" * 50)
    options = ["--judge", "j", "--human", "h", "--json"]
    assert main(["estimate", str(both), *options, "--reference", str(anchor), "--same-population"]) == 0
    tpr = json.loads(capsys.readouterr().out)["settings"]["bounds"]["tpr"]
    assert 0.7 < tpr[0] < 0.85 < 0.95 < tpr[1] <= 1
    assert main(["estimate", str(both), *options, "--reference", str(anchor)]) == 0
    wider = json.loads(capsys.readouterr().out)["settings"]["bounds"]["tpr"]
    assert wider[0] < tpr[0] < tpr[1] < wider[1]
    assert (
        main(
            [
                "estimate",
                str(both),
                *options,
                "--interval",
                "bootstrap",
                "--cluster",
                "j",
                "--where",
                "j <> '9'",
            ]
        )
        == 0
    )
    capsys.readouterr()
    run = subprocess.run(
        [sys.executable, "-m", "jaxmle", "certify", "-", *options[:4], "--limit", "0.6"],
        input=both.read_text(),
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "CERTIFIED" in run.stdout
