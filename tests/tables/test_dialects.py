"""The queries that other warehouses would get: translated and read back without a connection to any."""

from typing import Any

import pyarrow
import pytest
from cases import some_fast

from jaxmle import tables

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pandas.errors.Pandas4Warning")
NAMES = ("topic", "human", "judge", "weight", "prompt", "score")
ROWS = [
    ('it\'s "quoted"\\n', "fail", "pass", "0.5", "p1", "0.25"),
    ("b", None, "fail", "1", "p2", "0.75"),
    ("b", "pass", "pass", "2", "p2", None),
]
CASES = {
    "by": {"by": ["topic", "prompt"]},
    "weights": {"by": ["topic"], "weight": "weight"},
    "clusters": {"by": ["topic"], "weight": "weight", "cluster": "prompt"},
    "words": {"failure": ["fail", 'un"safe'], "on_invalid": "drop", "passes": ["pass", "it's"]},
    "scores": {"judge": "score", "judge_threshold": "<0.5"},
    "condition": {"where": "topic = 'it''s \"quoted\"\\n' OR length(prompt) > 1"},
}


@pytest.fixture(scope="module")
def queries():
    """Every query that counting asks of an engine that stores nothing."""
    ibis = pytest.importorskip("ibis", reason="needs an extra with ibis")
    from jaxmle._tables._ibis import DuckdbTable

    backend = ibis.duckdb.connect()
    columns = dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))
    table = backend.create_table(
        "given", pyarrow.table({name: pyarrow.array(c) for name, c in columns.items()})
    )
    asked: dict[str, Any] = {}
    run = DuckdbTable.query
    with pytest.MonkeyPatch.context() as patch:
        for name, options in CASES.items():
            found = asked[name] = []

            def recorded(self, sql, found=found):
                found.append(sql)
                return run(self, sql)

            patch.setattr(DuckdbTable, "query", recorded)
            own: Any = options
            tables.count(table, **{"judge": "judge", "human": "human", **own})
    return asked


@pytest.mark.parametrize(
    "dialect", some_fast(["bigquery", "snowflake", "trino", "spark", "postgres"], ["postgres"])
)
def test_every_query_is_one_of_the_dialect(queries, dialect):
    import sqlglot
    from sqlglot import exp

    for name, found in queries.items():
        assert len(found) >= 2, name
        for sql in found:
            (text,) = sqlglot.transpile(
                sql, read="duckdb", write=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE
            )
            (query,) = sqlglot.parse(text, read=dialect)
            assert isinstance(query, exp.Query), text
            strangers = {node.name for node in query.find_all(exp.Anonymous)}
            assert not strangers, f"{name}: {dialect} would be asked for {strangers} in {text}"
            # Names and texts arrive as they were.
            for kind in (exp.Column, exp.Literal):
                texts = [{node.name for node in tree.find_all(kind) if node.name} for tree in
                         (sqlglot.parse_one(sql, read="duckdb"), query)]  # fmt: skip
                assert {text for text in texts[0] if '"' in text or "'" in text} <= texts[1]
