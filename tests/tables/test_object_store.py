"""Verdicts in partitions, on disk and in an object store."""

import socket
import subprocess
import sys
import time
import urllib.request

import duckdb
import pytest

from jaxmle import tables

ASKED = {"judge": "judge", "human": "human", "by": ["month", "lang"]}


@pytest.fixture
def partitions(tmp_path):
    """A folder for each month and language, as Hive and Spark lay them out."""
    folder = tmp_path / "verdicts"
    duckdb.sql(
        "COPY (SELECT i % 3 AS month, CASE WHEN i % 2 = 0 THEN 'en' ELSE 'de' END AS lang, "
        "CAST(hash(i) % 5 = 0 AS INT) AS judge, "
        "CASE WHEN hash(i * 3) % 9 = 0 THEN CAST(hash(i * 7) % 6 = 0 AS INT) END AS human "
        f"FROM range(5000) t(i)) TO '{folder}' (FORMAT PARQUET, PARTITION_BY (month, lang))"
    )
    return folder


def rows(folder):
    return duckdb.sql(f"SELECT month, lang, judge, human FROM '{folder}/*/*/*.parquet'").to_arrow_table()


def test_names_of_folders_are_columns(partitions):
    found = tables.count(f"{partitions}/**/*.parquet", **ASKED)
    expected = tables.count(rows(partitions), **ASKED)
    assert len(found) == 6
    assert found.keys == expected.keys
    assert str(found.counts) == str(expected.counts)
    only = tables.count(f"{partitions}/month=2/*/*.parquet", **ASKED, where="lang = 'de'")
    assert [key["lang"] for key in only.keys] == ["de"]


@pytest.fixture
def bucket(partitions):
    """Address of a server that speaks S3, and a bucket there with the same files."""
    boto3 = pytest.importorskip("boto3", reason="needs moto[server] and boto3")
    pytest.importorskip("moto", reason="needs moto[server] and boto3")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        named = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        store = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **named)
        store.create_bucket(Bucket="mine")
        for path in partitions.rglob("*.parquet"):
            store.upload_file(str(path), "mine", f"verdicts/{path.relative_to(partitions)}")
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pandas.errors.Pandas4Warning")
def test_an_object_store_is_read_by_the_reader_of_duckdb(partitions, bucket):
    ibis = pytest.importorskip("ibis", reason="needs an extra with ibis")
    connection = ibis.duckdb.connect()
    try:
        connection.raw_sql("INSTALL httpfs")
        connection.raw_sql("LOAD httpfs")
    except duckdb.Error as error:
        pytest.skip(f"DuckDB's extension httpfs is not to be had: {str(error).splitlines()[0]}")
    connection.raw_sql(
        "CREATE SECRET (TYPE s3, KEY_ID 'key', SECRET 'secret', REGION 'us-east-1', "
        f"ENDPOINT '{bucket}', URL_STYLE 'path', USE_SSL false)"
    )
    table = connection.read_parquet("s3://mine/verdicts/*/*/*.parquet", hive_partitioning=True)
    found, expected = tables.count(table, **ASKED), tables.count(rows(partitions), **ASKED)
    assert found.keys == expected.keys
    assert str(found.counts) == str(expected.counts)
