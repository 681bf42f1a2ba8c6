"""Conditions choose rows and do nothing else; the engine reads the files named and no others."""

import json

import duckdb
import pytest

from jaxmle import tables
from jaxmle._cli import main
from jaxmle._tables._condition import check_expression
from jaxmle._tables._connection import connect
from jaxmle._tables._engine_table import one_query

NAMES = {"judge": "judge", "human": "human"}
SECRET = "what no message may hold"


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text(SECRET)
    path = tmp_path / "a.csv"
    path.write_text("id,topic,human,judge,turn\n1,a,1,1,9\n2,a,0,0,10\n3,b,,1,3\n4,b,0,0,\n")
    return path


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("topic = 'a'", 2),
        ("turn::int >= 9", 2),
        ("topic IN ('a', 'b') AND human IS NOT NULL -- a remark", 3),
        ("try_cast(turn AS int) BETWEEN 3 AND 9", 2),
        ("CASE WHEN topic = 'a' THEN true ELSE lower(id) LIKE '4%' END", 3),
        ("regexp_matches(topic, '^a') OR verdicts.id = '4'", 3),
        ("list_contains(list_transform([id], lambda x: x || '!'), '1!')", 1),
        ("nullif(turn, '') IS NULL", 1),
        ("\"TOPIC\" NOT LIKE 'b'", 2),
    ],
)
def test_expressions_over_columns_choose_rows(source, condition, rows):
    assert tables.count(source, **NAMES, where=condition).n_rows == rows


@pytest.mark.parametrize(
    "condition",
    [
        "1=1); COPY (SELECT 'x') TO 'victim.txt' (FORMAT csv); SELECT (1",
        "1=1); ATTACH 'victim.db'; SELECT (1",
        "1=1); EXPORT DATABASE 'victim'; SELECT (1",
        "1=1); INSTALL httpfs; SELECT (1",
        "1=1); SET lock_configuration = false; SELECT (1",
        "(SELECT content FROM read_text('secret.txt'))::int > 3",
        "judge IN (SELECT column0 FROM read_csv('secret.txt'))",
        "EXISTS (SELECT * FROM 'secret.txt')",
        "judge = (WITH a AS (SELECT 1) SELECT * FROM a)",
        "1=1) UNION ALL SELECT * FROM read_csv('secret.txt') WHERE (true",
        "1=1) ORDER BY (1",
        "1=1) GROUP BY (judge",
        "1=1) LIMIT (1",
        "current_setting('secret_directory') = judge",
        "getenv('HOME') = judge",
        "getvariable('x') IS NULL",
        "current_localtime() IS NULL",
        "vector_type(judge) = 'x'",
        "random() < 2",
        "sleep_ms(1) IS NULL",
        "current_user = judge",
        "count(*) OVER () > 1",
        "columns(*) = '1'",
        "#1 = '1'",
        "$1 = 1",
        "pg_read_file('secret.txt') = judge",
        "reflect('java.lang.System', 'exit') IS NULL",
        "",
        "  ",
        "topic = 'a'; SELECT 1",
        "topic = '\ud800'",
        "\x1b[31m",
    ],
)
def test_whatever_else_is_refused_in_one_line(source, capsys, condition):
    before = sorted(source.parent.iterdir())
    arguments = ["estimate", str(source), "--human", "human", "--judge", "judge", "--where", condition]
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "--where" in err
    assert SECRET not in err
    assert "\x1b" not in err
    assert sorted(source.parent.iterdir()) == before


def test_a_condition_nested_without_end_is_an_answer_or_one_line(source, capsys):
    for condition in (
        "(" * 5000 + "true" + ")" * 5000,
        "NOT " * 50_000 + "true",
        "judge + " * 50_000 + "1 > 2",
    ):
        status = main(["estimate", str(source), "--human", "human", "--judge", "judge", "--where", condition])
        assert status in (0, 2)
        assert capsys.readouterr().err.count("\n") == (status == 2)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("topic = a", "Did you mean the value 'a' of 'topic'? Text stands in single quotes."),
        (
            'turn::int > 3 AND topic = "B"',
            "Did you mean the value 'b' of 'topic'? Text stands in single quotes.",
        ),
        ("topic = Paris", "If it is a value, put it in single quotes: 'Paris'."),
        ("topic = New York", "Text stands in single quotes: topic = 'two words'."),
        ("topic = 'O'Brien'", "written twice: name = 'O''Brien'."),
    ],
)
def test_a_word_without_quotes_is_told_from_a_column(source, capsys, condition, said):
    assert main(["estimate", str(source), "--judge", "judge", "--human", "human", "--where", condition]) == 2
    _, err = capsys.readouterr()
    assert err.endswith(f"{said}\n")
    assert err.count("\n") == 1


def test_both_conditions_of_a_comparison_are_checked(source, capsys):
    command = ["compare", str(source), "--human", "human", "--judge", "judge", "--where", "topic = 'a'"]
    for condition in ("", "topic IN (SELECT 'b')"):
        assert main([*command, "--where-b", condition]) == 2
        assert "--where" in capsys.readouterr().err


def test_the_engine_reads_only_what_it_was_given(source):
    odd = source.with_name("a[1]*.csv")
    odd.write_bytes(source.read_bytes())
    assert tables.count(odd, **NAMES).n_rows == 4
    connection, error = connect([source])
    assert len(connection.execute(f"SELECT * FROM read_csv('{source}')").fetchall()) == 4
    here = "a local that no query may see"  # noqa: F841
    for query in (
        "SELECT * FROM read_text('secret.txt')",
        "SELECT * FROM glob('*')",
        "SELECT * FROM here",
        "COPY (SELECT 1) TO 'victim.csv'",
        "ATTACH 'victim.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['secret.txt']",
        "SET autoload_known_extensions = true",
    ):
        with pytest.raises(error):
            connection.execute(query)


def test_other_engines_get_one_query_over_the_rows():
    pytest.importorskip("sqlglot")
    one_query("SELECT a FROM (SELECT b AS a FROM verdicts WHERE (b = '1'\n)) AS x", "verdicts")
    for query in ("SELECT 1 FROM other", "SELECT 1 FROM verdicts; DROP TABLE x", "DROP TABLE x", "SELECT ("):
        with pytest.raises(ValueError, match="condition|translate"):
            one_query(query, "verdicts")


def test_columns_are_found_behind_lambdas_and_prefixes():
    assert check_expression("verdicts.a = 1 AND list_filter([b], lambda x: x > c) IS NULL") == ["c", "b", "a"]


def test_values_of_files_cannot_act_on_a_terminal(tmp_path, capsys):
    path = tmp_path / "ansi.csv"
    path.write_text('topic,human,judge\n"\x1b[31mRED\x1b[0m",1,1\n')
    command = ["estimate", str(path), "--human", "human", "--judge", "judge"]
    assert main([*command, "--where", "topic::int > 3"]) == 2
    err = capsys.readouterr().err
    assert "\\x1b[31mRED" in err
    assert "\x1b" not in err
    assert main([*command, "--by", "topic", "--interval", "chi-square"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    log = tmp_path / "log.jsonl"
    result = {"success": True, "vars": {"human": "pass"}, "provider": "p", "gradingResult": {}}
    log.write_text(json.dumps({**result, "namedScores": {"\x1b[2J\u202e": 1}}) + "\n")
    assert main(["doctor", str(log)]) in (0, 1)
    assert main(["estimate", str(log), "--human", "vars.human", "--judge", "nope"]) == 2
    out, err = capsys.readouterr()
    assert not {"\x1b", "\u202e"} & set(out + err)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("namedScores", "x"),
        ("namedScores", [1]),
        ("gradingResult", "x"),
        ("gradingResult", 3),
        ("gradingResult", {"componentResults": [{"assertion": "x"}, {"assertion": {"type": ["y"]}}]}),
        ("testCase", "x"),
        ("vars", 7),
        ("metadata", "m"),
        ("score", 10**400),
        ("provider", {"id": {}}),
        ("prompt", []),
    ],
)
def test_odd_logs_are_read_for_what_they_hold(tmp_path, name, value):
    result = {
        "success": True,
        "vars": {"human": "pass"},
        "provider": "p",
        "testCase": {},
        "gradingResult": {},
    }
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps({**result, **odd}) + "\n" for odd in ({}, {name: value})))
    counts = tables.count(path, human="vars.human").counts
    assert float(sum(counts.values())[0]) == 2


@pytest.mark.parametrize("name", ['b"c', "b'c", "b/c", "b~c", "b$c", "b c", "b\\c", "*"])
def test_nested_names_mean_themselves(tmp_path, name):
    path = tmp_path / "nested.jsonl"
    bare = "".join(char for char in name if char.isalnum()) or "x"
    path.write_text(json.dumps({"a": {bare: 0, name: 1}, "human": 1}) + "\n")
    counts = tables.count(path, judge=f"a.{name}", human="human").counts
    assert (counts.tp.tolist(), counts.fn.tolist()) == ([1], [0])


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_names_that_differ_in_case_are_refused_in_every_format(tmp_path, ending):
    path = tmp_path / f"case.{ending}"
    if ending == "csv":
        path.write_text("human,judge,Judge\n1,1,0\n")
    elif ending == "jsonl":
        path.write_text('{"human": 1, "judge": 1, "Judge": 0}\n')
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"human": ["1"], "judge": ["1"], "Judge": ["0"]}), path)
    with pytest.raises(ValueError, match="more than one column 'judge'"):
        tables.count(path, **NAMES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[]", "a.json': it holds no rows"),
        ("a.jsonl", '{"human":1,"judge":1}\n{"human":1,"judge":"\\ud800"}\n', "line 2 .*lone surrogate"),
        (
            "a.jsonl",
            '{"human":1,"judge":1}\n{"human":1,"judge":' + "[" * 500 + "]" * 500 + "}\n",
            "128 deep|row 2",
        ),
        ("a.csv", b"human,judge,x\n1,1,a\n0,0,\xe9\n", "line 3 is not UTF-8"),
        ("a.csv", "human,judge,x\n1,1,a\n0,0," + "x" * 34_000_000 + "\n", "line 3 is longer than 32 MiB"),
    ],
)
def test_trouble_names_file_and_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        tables.count(path, **NAMES, by="x" if name == "a.csv" else ())


def test_a_pipe_is_refused_as_rows_are_read_twice(tmp_path):
    import os

    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="standard input"):
        tables.count(tmp_path / "a.csv", **NAMES)


def test_what_does_not_fit_into_memory_goes_to_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    connection, _ = connect()
    ((place,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    assert place not in ("", ".tmp")
    assert not place.startswith(str(tmp_path))
    assert duckdb.sql("SELECT 1").fetchall() == [(1,)]  # the user's own connection stays as it is
    duckdb.sql("SET threads = 2")


@pytest.mark.parametrize("metrics", [[["acc"], {"a": 1}, "acc"], ["acc", 3, None]])
def test_metrics_that_are_no_names_are_passed_over(tmp_path, metrics):
    line = {"doc_id": 0, "doc": {"human": "pass"}, "filtered_resps": [], "metrics": metrics, "acc": 1}
    path = tmp_path / "samples_x_2026-01-01T.jsonl"
    path.write_text(json.dumps(line) + "\n")
    assert tables.count(path, human="doc.human").counts.tn.tolist() == [1]
