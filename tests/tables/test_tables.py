import json

import pytest

from jaxmle import tables

ROWS = [
    ("privacy", "fail", "FAIL"),
    ("privacy", "pass", " fail "),
    ("privacy", "", "pass"),
    ("safety", "unsafe", "safe"),
    ("safety", None, "unsafe"),
    ("safety", "safe", "safe"),
    ("safety", "safe", ""),
]


def write(folder, kind):
    import duckdb

    path = folder / f"verdicts.{kind}"
    if kind in ("csv", "tsv"):
        mark = "," if kind == "csv" else "\t"
        lines = [mark.join(("topic", "human", "judge"))] + [mark.join(v or "" for v in row) for row in ROWS]
        path.write_text("\n".join(lines))
    elif kind == "jsonl":
        path.write_text(
            "\n".join(json.dumps(dict(zip(("topic", "human", "judge"), r, strict=True))) for r in ROWS)
        )
    else:
        connection = duckdb.connect()
        connection.execute("CREATE TABLE t (topic VARCHAR, human VARCHAR, judge VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
        connection.execute(f"COPY t TO '{path}'")
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_gives_the_same_counts(tmp_path, kind):
    path = write(tmp_path, kind)
    result = tables.count(path, judge="judge", human="human", by=["topic"])
    assert result.keys == [{"topic": "privacy"}, {"topic": "safety"}]
    assert result.counts[0].values() == (1, 0, 1, 0, 0, 1)
    assert result.counts[1].values() == (0, 1, 0, 1, 1, 0)
    assert result.total.values() == (1, 1, 1, 1, 1, 1)
    assert result.dropped == {"no judge verdict": 1}
    assert result.n_rows == 7


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_booleans_and_numbers(tmp_path, kind):
    import duckdb

    path = tmp_path / f"typed.{kind}"
    duckdb.connect().execute(
        f"COPY (SELECT * FROM (VALUES (true, 1), (false, 0), (NULL, 1), (true, 0)) t(h, j)) TO '{path}'"
    )
    assert tables.count(path, judge="j", human="h").counts[0].values() == (1, 1, 0, 1, 1, 0)


def test_mixed_json_values_and_late_labels(tmp_path):
    path = tmp_path / "mixed.jsonl"
    lines = ['{"h": null, "j": 0}'] * 30_000 + [
        '{"h": "fail", "j": true}',
        '{"h": 0, "j": 1.0}',
        '{"j": "0"}',
    ]
    path.write_text("\n".join(lines))
    assert tables.count(path, judge="j", human="h").counts[0].values() == (1, 0, 1, 0, 0, 30_001)


def test_failure_word(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("h,j\nrefusal,refusal\nanswer,refusal\n,answer\nREFUSAL,answer\n")
    with pytest.raises(ValueError, match="row 1 .*neither a failure nor a pass"):
        tables.count(path, judge="j", human="h")
    counted = tables.count(path, judge="j", human="h", failure="Refusal").counts[0]
    assert counted.values() == (1, 1, 1, 0, 0, 1)
    path.write_text("h,j\n1,1\n0,1\n,0\n0,0\n")
    assert tables.count(path, judge="j", human="h", failure="0").counts[0].values() == (1, 1, 0, 1, 1, 0)
    path.write_text("h,j\nrefusal,answer\npartial,answer\nanswer,answer\n")
    with pytest.raises(
        ValueError, match="row 1 .*h is 'partial'|row 2 .*h is 'partial'|row 1 .*j is 'answer'"
    ):
        tables.count(path, judge="j", human="h", failure="refusal")
    both = tables.count(path, judge="j", human="h", failure=["refusal", "partial"]).counts[0]
    assert both.values() == (0, 2, 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("rows", "failure", "expected"),
    [
        # One column in other words than the one that is named keeps the meaning of its own words.
        ("fail,unsafe\npass,safe\n,safe\n", "unsafe", (1, 0, 0, 1, 0, 1)),
        # The judge never refuses, and "answer" is what the human column shows it to be.
        ("refusal,answer\nanswer,answer\n", "refusal", (0, 1, 0, 1, 0, 0)),
        # 0 for failure turns 1 into a pass in both columns, also where no 0 occurs.
        ("1,0\n1,1\n,1\n", "0", (0, 0, 1, 1, 0, 1)),
        ("fail,0\npass,1\n", "0", (1, 0, 0, 1, 0, 0)),
    ],
)
def test_words_of_one_column_do_not_turn_the_other(tmp_path, rows, failure, expected):
    path = tmp_path / "w.csv"
    path.write_text("h,j\n" + rows)
    assert tables.count(path, judge="j", human="h", failure=failure).counts[0].values() == expected


def test_failure_words_that_decide_nothing_are_refused(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("h,j\nunsafe,unsafe\nfail,safe\n")
    with pytest.raises(ValueError, match="row 2 .*h is 'fail'"):
        tables.count(path, judge="j", human="h", failure="unsafe")
    with pytest.raises(ValueError, match="no verdict in 'j' or 'h' is 'refusal'"):
        tables.count(path, judge="j", human="h", failure="refusal")


def test_braces_in_values_and_names_are_only_text(tmp_path):
    path = tmp_path / "{source}.csv"
    path.write_text("h,{source}\nrefusal,refusal\n{source},refusal\n")
    assert tables.count(path, judge="{source}", human="h", failure="refusal").total.values() == (
        1,
        0,
        1,
        0,
        0,
        0,
    )


def test_a_bad_verdict_names_row_and_value(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("h,j\n1,1\n0,0\n1,0.7\n")
    with pytest.raises(ValueError, match=r"row 3 of .*bad.csv': j is '0.7'"):
        tables.count(path, judge="j", human="h")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", "h,j\n", "has a header but no rows"),
        ("a.csv", "h,j\n1,\n0,\n", "holds no judge verdicts"),
        ("a.csv", "h,jude\n1,1\n", "no column 'j'. Its columns: 'h', 'jude'"),
        ("a.parquet", "not a parquet file", "cannot read"),
        ("a.jsonl", "{]", "cannot read"),
        ("a.docx", "x", "should end in"),
    ],
)
def test_bad_files_are_one_clear_error(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        tables.count(path, judge="j", human="h")
    assert "\n" not in str(error.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        tables.count(tmp_path / "none.csv", judge="j", human="h")
    with pytest.raises(ValueError, match="it is a folder"):
        tables.count(tmp_path, judge="j", human="h")


def test_names_and_values_from_strangers(tmp_path):
    path = tmp_path / "it's a [weird] *name*.csv"
    column = 'a "quoted"; DROP TABLE t; --'
    path.write_text(
        '"' + column.replace('"', '""') + '","h\'",j\n"\'; DELETE",1,1\n"[red]{0}",0,1\n,,0\n',
        encoding="utf-8",
    )
    result = tables.count(path, judge="j", human="h'", by=[column])
    assert [key[column] for key in result.keys] == ["'; DELETE", "[red]{0}", None]
    assert result.total.values() == (1, 0, 1, 0, 0, 1)
    (tmp_path / "another.csv").write_text("h,j\n1,1\n")
    (tmp_path / "*.csv").write_text("h,j\n0,1\n")
    assert tables.count(tmp_path / "*.csv", judge="j", human="h").counts[0].values() == (0, 0, 1, 0, 0, 0)
    with pytest.raises(ValueError, match="different columns"):
        tables.count(tmp_path / "another.csv", judge="j", human="j")
