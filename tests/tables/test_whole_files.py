"""Sources of which a part is missing, damaged or different: refused by name, not counted as if whole."""

import gzip
import io
import json
import sys

import pytest
import zstandard
from cases import LOGS

from jaxmle import tables

HEADER, ROWS = "judge,human,topic\n", "1,1,a\n0,,b\n1,0,a\n"
NAMES = {"judge": "judge", "human": "human"}


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(source, **options):
    with pytest.raises(ValueError, match=".") as error:
        tables.count(source, **{**NAMES, **options})
    message = str(error.value)
    assert "\n" not in message
    return message


def from_input(monkeypatch, content, **options):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    return tables.count("-", **{**NAMES, **options})


def zstd(content, block=1 << 12):
    """Many blocks, so that a cut may fall between two of them."""
    buffer = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(buffer, closefd=False) as writer:
        for start in range(0, len(content), block):
            writer.write(content[start : start + block])
            writer.flush(zstandard.FLUSH_BLOCK)
    return buffer.getvalue()


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_a_compressed_file_that_ends_early_is_refused_wherever_it_is_cut(tmp_path, compress):
    suffix = "gz" if compress is gzip.compress else "zst"
    lines = "".join(f"{i % 2},,{i}\n" for i in range(20_000))
    whole = compress((HEADER + lines).encode())
    path = tmp_path / f"a.csv.{suffix}"
    assert tables.count(write(path, whole), **NAMES).n_rows == 20_000
    for share in (0.001, 0.1, 0.31, 0.5, 0.77, 0.9, 0.999):
        write(path, whole[: int(share * len(whole))])
        assert "ends early" in refused(path), share
    write(path, whole[:-1])
    assert "ends early" in refused(path)
    # Two files put together are one.
    assert tables.count(write(path, whole + compress(lines.encode())), **NAMES).n_rows == 40_000
    assert "damaged" in refused(write(path, b"not compressed"))
    small = compress((HEADER + ROWS).encode())
    assert "ends early" in refused(write(path, small[:-1]))


@pytest.mark.parametrize("place", [-8, -4])
def test_a_gzip_whose_sum_or_length_is_wrong_is_refused(tmp_path, place):
    content = bytearray(gzip.compress((HEADER + ROWS).encode()))
    content[place] ^= 1
    assert "damaged" in refused(write(tmp_path / "a.csv.gz", bytes(content)))


def test_each_file_of_a_pattern_must_have_the_columns(tmp_path):
    write(tmp_path / "b.csv", HEADER + ROWS)
    pattern = tmp_path / "*.csv"
    for name in ("a.csv", "c.csv"):  # whichever of them comes first
        for content, message in (
            ("judge,topic\n1,a\n", "has no column 'human'"),
            ("human,topic\n1,a\n", "has no column 'judge'"),
            ("judge,human\n1,1\n", "has no column 'topic'"),
            ("Judge,human,topic\n1,1,a\n", "has no column 'judge'. Its columns: 'Judge', 'human', 'topic'"),
            ("judge,judge,human,topic\n1,1,1,a\n", "more than one column 'judge'"),
        ):
            write(tmp_path / name, content)
            found = refused(pattern, by="topic")
            assert found.startswith(repr(str(tmp_path / name)))
            assert message in found
        write(tmp_path / name, "judge,human,topic,weight\n1,1,a,2\n")
        assert "b.csv' has no column 'weight'" in refused(pattern, weight="weight")
        assert tables.count(pattern, **NAMES, by="topic").n_rows == 4
        (tmp_path / name).unlink()
    write(tmp_path / "d.csv.gz", gzip.compress((HEADER + ROWS).encode()))
    assert tables.count(tmp_path / "*.csv*", **NAMES).n_rows == 6


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_so_must_each_parquet_and_json_file(tmp_path, kind):
    import duckdb

    for name, row in (("a", "1 AS judge, 0 AS human"), ("b", "1 AS judge, 0 AS other")):
        form = "PARQUET" if kind == "parquet" else "JSON"
        duckdb.connect().execute(f"COPY (SELECT {row}) TO '{tmp_path / name}.{kind}' (FORMAT {form})")
    assert f"b.{kind}' has no column 'human'" in refused(tmp_path / f"*.{kind}")


def test_two_columns_of_one_name_in_memory_are_refused():
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")

    frame = pandas.DataFrame([[1, 0, 1]], columns=["judge", "judge", "human"])
    assert "more than one column 'judge'" in refused(frame)
    assert "more than one column 'judge'" in refused(pyarrow.table([[1], [0], [1]], frame.columns.tolist()))


def test_a_nested_field_that_no_row_has_is_no_column(tmp_path):
    rows = [{"a": {"judge": i % 2}, "h": {"v": None if i else 1}, "m": {"model": "x"}} for i in range(3)]
    path = write(tmp_path / "n.jsonl", "\n".join(map(json.dumps, rows)))
    options = {"judge": "a.judge", "human": "h.v", "by": "m.model"}
    assert tables.count(path, **options).keys == [{"m.model": "x"}]
    wrong = {"human": "h.vv", "by": "m.modle", "judge": "a.jugde", "weight": "m.w"}
    for argument, column in wrong.items():
        message = refused(path, **{**options, argument: column})
        assert f"has no column {column!r}. Its columns: '{column[:2]}" in message
    assert "Did you mean 'm.model'?" in refused(path, **{**options, "by": "m.modle"})


def test_columns_are_named_by_strings():
    for argument in ("judge", "human", "by", "weight", "cluster"):
        with pytest.raises(TypeError, match=f"`{argument}` must"):
            tables.count([{"judge": 1, "human": 1}], **{**NAMES, argument: 5})


def test_odd_names_and_headers(tmp_path):
    content = gzip.compress((HEADER + ROWS).encode())
    assert tables.count(write(tmp_path / "what? [x].csv.gz", content), **NAMES).n_rows == 3
    for header in ('judge,human,"a\nb"\r\n1,1,x\r\n', 'judge,human,"a\rb"\n1,1,x\n'):
        message = refused(write(tmp_path / "h.csv", header))
        assert "end in different ways (CRLF, LF, CR) in the header" in message
    lines = '{"judge": 1, "human": 1}\n\n{"judge": 1, "hu'
    assert refused(write(tmp_path / "a.jsonl", lines)).endswith("a.jsonl': line 3 is not JSON.")


def test_standard_input_is_called_so(monkeypatch):
    table = (HEADER + ROWS).encode()
    for content in (table, gzip.compress(table), zstandard.compress(table)):
        assert from_input(monkeypatch, content).n_rows == 3
    for content in (
        table + b"1\n",
        b"\n\n",
        b"\xff,human,judge\n1,1,1\n",
        b'{"judge": 1, "hu',
        b"[1, 2",
        gzip.compress(table)[:-1],
        zstandard.compress(table)[:-1],
        table + b"maybe,1,a\n",
    ):
        with pytest.raises(ValueError, match="standard input") as error:
            from_input(monkeypatch, content)
        assert "jaxmle-" not in str(error.value)


def test_a_log_on_standard_input_is_recognised(monkeypatch):
    content = (LOGS / "promptfoo.json").read_bytes()
    for packed in (content, gzip.compress(content)):
        found = from_input(monkeypatch, packed, judge=None, human="vars.human")
        assert found.log == {"tool": "promptfoo", "judge": "score.pass"}


@pytest.mark.slow
def test_labels_of_a_second_file_are_theirs(tmp_path):
    judged = write(tmp_path / "judged.csv", "id,judge,lang\n1,1,en\n2,0,en\n3,1,fr\n")
    labels = write(tmp_path / "labels.csv", "id,human\n1,1\n2,0\n3,1\n4,0\n")
    options = {"human_source": labels, "id": "id"}
    whole = tables.count(judged, **NAMES, **options)
    assert whole.labels == {"read": 4, "unmatched": 1, "unknown": 1}
    part = tables.count(judged, **NAMES, **options, where="lang = 'en'")
    assert part.labels == {"read": 4, "unmatched": 2, "unknown": 1}
    write(labels, "id,human\n1,1\n2,maybe\n")
    assert "row 2 of '" in refused(judged, **options)
    assert "labels.csv': human is 'maybe'" in refused(judged, **options)
    write(labels, "id,human\n1,\n2,\n")
    assert "column 'human' of" in refused(judged, **options)
    write(labels, "id,human\n1,\n9,1\n")
    assert "no id with a verdict in" in refused(judged, **options)
    write(labels, "id,human\n3,1\n")
    assert "that meet the condition" in refused(judged, **options, where="lang = 'en'")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what Ibis itself calls
def test_ibis_tables_on_duckdb_and_in_memory():
    ibis = pytest.importorskip("ibis")
    pyarrow = pytest.importorskip("pyarrow")

    rows = pyarrow.table({"judge": ["1", "0"], "human": ["1", None], "s": ["a", "b"]})
    held = ibis.duckdb.connect().create_table("held", rows)
    for table in (held, held.filter(held.s != "x"), ibis.memtable(rows)):
        found = tables.count(table, **NAMES, by="s")
        assert found.keys == [{"s": "a"}, {"s": "b"}]
        assert found.counts.tp.tolist() == [1, 0]
    assert "has no column 'jugde'" in refused(held, judge="jugde")
    assert "s is 'a'" in refused(held, judge="s")
