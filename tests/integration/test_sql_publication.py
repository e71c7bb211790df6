"""The newest snapshot in PostgreSQL: what the views show is what the Parquet says, and never a mixture."""

import importlib.util
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg.rows import dict_row

from dft_pipeline.history.in_sql import PUBLISHED, csv, postgres_type
from dft_pipeline.history.publication_log import content, parsed
from dft_pipeline.lineage.edge import edge_audit
from dft_pipeline.policies import DEFAULT
from dft_pipeline.tables import TABLES
from resources import publication
from resources.lake import Lake, manifest_path, sha256
from resources.postgres_server import _programs
from resources.problems import Busy
from resources.publication import show
from resources.sql import FOLDER, text
from tests.conftest import CHECKOUT, Dft, deliberating

DAY, EARLIER = date(2024, 1, 14), date(2024, 1, 10)


@pytest.fixture(scope="module")
def built(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a database of which a day was built, as the page `docs/audit-sql.md` has it."""
    with deliberating(server, tmp_path_factory.mktemp("sql"), DFT_PSEUDONYM_KEY="example") as dft:
        done = dft("build", "--as-of", DAY, "--h", "0")
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.fixture(scope="module")
def lake(built: Dft) -> Lake:
    return Lake(str(built.folder / "home/lake"))


@pytest.fixture
def connection(built: Dft) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(built.environment["DFT_DATABASE_URL"], row_factory=dict_row) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


Rows = list[dict[str, Any]]


def _rows(
    lake: Lake, table: str, where: pl.Expr | None = None, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    return lake.rows(table, DAY, where, columns)


def _asked(connection: psycopg.Connection[dict[str, Any]], name: str, **bound: object) -> Rows:
    return connection.execute(text(f"audit/{name}").encode(), bound).fetchall()


def _sorted(rows: Rows) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_view_shows_the_rows_of_the_parquet(
    name: str, connection: psycopg.Connection[dict[str, Any]], lake: Lake
) -> None:
    shown = connection.execute(f"SELECT * FROM dft.{name}".encode()).fetchall()
    there = lake.snapshot(name, DAY)
    assert not there.is_empty()
    assert list(shown[0]) == there.columns
    assert _sorted(shown) == _sorted(there.to_dicts())


def test_each_materialisation_says_what_the_manifest_says(
    connection: psycopg.Connection[dict[str, Any]], lake: Lake
) -> None:
    manifest = lake.manifest(DAY)
    assert manifest is not None
    told = connection.execute(
        "SELECT asset_key, string_agg(event, '') AS said FROM dagster.event_logs "
        "WHERE dagster_event_type = 'ASSET_MATERIALIZATION' GROUP BY asset_key"
    ).fetchall()
    said = {"/".join(json.loads(row["asset_key"])): row["said"] for row in told}
    for file in manifest["files"]:
        name = file["path"].partition("/")[0]
        assert file["sha256"] in said[name], name
        assert manifest_path(DAY) in said[name], name
    for name in ("manifest", "sql_views"):
        assert sha256(lake.read(manifest_path(DAY))) in said[name], name


def test_the_view_of_edge_judgments_is_that_table(
    connection: psycopg.Connection[dict[str, Any]], lake: Lake
) -> None:
    there = lake.snapshot("edge_judgments", DAY)
    columns = ", ".join(there.columns)
    shown = connection.execute(f"SELECT {columns} FROM dft.edge_judgments".encode()).fetchall()
    assert _sorted(shown) == _sorted(there.to_dicts())


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_column_says_what_it_means(name: str, connection: psycopg.Connection[dict[str, Any]]) -> None:
    said = connection.execute(
        "SELECT attname, col_description(attrelid, attnum) AS meaning FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0",
        [f"dft.{name}"],
    ).fetchall()
    assert {row["attname"]: row["meaning"] for row in said} == {
        column: declared.description for column, declared in TABLES[name].columns.items()
    }


def test_the_walk_from_an_edge_is_that_of_the_command(
    connection: psycopg.Connection[dict[str, Any]], lake: Lake
) -> None:
    edges = lake.snapshot("wisdom_edges", DAY).filter(scope="all")
    for source, wiser in edges.select("source_value_id", "wiser_value_id").rows():
        expected = edge_audit(partial(_rows, lake), source, wiser, DEFAULT)
        (verdict,) = (
            row for row in _asked(connection, "edge", source=source, wiser=wiser) if row["scope"] == "all"
        )
        known = {name: value for name, value in verdict.items() if name in expected["verdict"]}
        assert known == {name: expected["verdict"][name] for name in known}
        assert _sorted(_asked(connection, "edge_votes", source=source, wiser=wiser)) == _sorted(
            expected["votes"]
        )
        said = _asked(connection, "edge_judgments", source=source, wiser=wiser)
        assert _sorted(said) == _sorted(
            [
                {name: value for name, value in row.items() if name != "edge_id"}
                for row in expected["judgments"]
            ]
        )


def test_the_walk_from_a_row_ends_at_its_supporters(
    connection: psycopg.Connection[dict[str, Any]], lake: Lake
) -> None:
    rows = lake.snapshot("reward_rows", DAY)
    assert set(rows["h"]) == {0}, "at 0 all support is the participants' own"
    assert rows["context_id"].is_null().any()
    assert rows["context_id"].is_not_null().any()
    for row in rows.iter_rows(named=True):
        supporters = _asked(connection, "row_supporters", row=row["row_id"])
        assert len({one["participant_id"] for one in supporters}) == row["support"], row
        edges = _asked(connection, "row_edges", row=row["row_id"])
        assert sorted(edge["edge_id"] for edge in edges) == row["edge_ids"]
        (said,) = _asked(connection, "row", row=row["row_id"])
        assert said == {name: row[name] for name in said}


def test_the_walks_from_a_value_and_a_participant(
    connection: psycopg.Connection[dict[str, Any]], lake: Lake
) -> None:
    value = lake.snapshot("reward_rows", DAY)["value_id"][0]
    cards = lake.snapshot("card_values", DAY).filter(value_id=value)
    assert len(_asked(connection, "value_cards", value=value)) == len(cards) > 1
    scopes = lake.snapshot("graph_values", DAY).filter(value_id=value)["scope"].to_list()
    assert [row["scope"] for row in _asked(connection, "value", value=value)] == sorted(scopes)
    one = lake.snapshot("judgments", DAY)["participant_id"][0]
    theirs = [
        lake.snapshot(name, DAY).filter(participant_id=one)
        for name in ("judgments", "votes", "articulations")
    ]
    assert len(_asked(connection, "participant", participant=one)) == sum(map(len, theirs))
    contested = lake.snapshot("contested", DAY).filter(scope="all")
    assert len(_asked(connection, "contested", scope="all")) == len(contested)


def test_every_query_says_what_it_is_for_and_the_page_shows_it() -> None:
    page = (CHECKOUT / "docs/audit-sql.md").read_text(encoding="utf-8")
    for path in sorted((FOLDER / "audit").glob("*.sql")):
        assert path.read_text().startswith("-- Purpose: "), path
        assert "Grain: " in path.read_text(), path
        assert f"`sql/audit/{path.name}`" in page


def test_every_query_runs_in_psql_as_the_page_says(built: Dft) -> None:
    url = built.environment["DFT_DATABASE_URL"]
    page = (CHECKOUT / "docs/audit-sql.md").read_text(encoding="utf-8")
    (turned,) = re.findall(r"^(sed -E .*?) sql/audit/edge.sql", page, re.MULTILINE)
    with psycopg.connect(url) as connection:
        bound = _page_module().example(connection)
    variables = [word for name, value in bound.items() for word in ("-v", f"{name}={value}")]
    for path in sorted((FOLDER / "audit").glob("*.sql")):
        query = subprocess.run(f"{turned} {path}", shell=True, capture_output=True, text=True, check=True)
        told = [_programs() / "psql", url, "-v", "ON_ERROR_STOP=1", "-At", *variables]
        done = subprocess.run(told, input=query.stdout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with psycopg.connect(url) as connection:
            used = {
                name: value for name, value in bound.items() if f"%({name})s" in text(f"audit/{path.stem}")
            }
            rows = connection.execute(text(f"audit/{path.stem}").encode(), used).fetchall()
        assert len(rows) > 0, path
        assert done.stdout.count("\n") >= len(rows), path


def test_a_second_build_and_one_of_an_older_day_load_nothing(built: Dft, lake: Lake) -> None:
    url = built.environment["DFT_DATABASE_URL"]
    newest = sha256(lake.read(manifest_path(DAY)))
    assert show(lake, url) == (DAY, newest, 0)
    done = built("build", "--as-of", EARLIER)
    assert done.returncode == 0, done.stderr
    assert sha256(lake.read(manifest_path(DAY))) == newest
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT as_of, manifest_sha256 FROM dft.snapshot").fetchall() == [
            (DAY, newest)
        ]
        assert connection.execute("SELECT count(*) FROM dft.publications").fetchone() == (2,)


def _schemas(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'dft\\_snapshot\\_%' ORDER BY 1"
    )
    return [str(row[0]) for row in rows.fetchall()]


def _other(lake: Lake) -> None:
    """Another manifest of the same files, as a rebuild with another code would write it."""
    manifest = lake.manifest(DAY)
    assert manifest is not None
    lake.publish(DAY, manifest | {"code": {"version": str(len(lake.log())), "git_commit": None}})


def test_what_fails_half_way_leaves_what_was_shown(
    built: Dft, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = built.environment["DFT_DATABASE_URL"]
    _other(lake)
    with psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute("SELECT * FROM dft.snapshot").fetchall(), _schemas(connection)
        with monkeypatch.context() as patched:
            patched.setattr(publication, "_turn_views", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                show(lake, url)
        assert (connection.execute("SELECT * FROM dft.snapshot").fetchall(), _schemas(connection)) == before
        assert show(lake, url).rows > 0, "the next one mends it"
        assert connection.execute("SELECT manifest_sha256 FROM dft.snapshot").fetchone() == (
            sha256(lake.read(manifest_path(DAY))),
        )
        assert len(_schemas(connection)) == 1, "the old tables are gone"


def test_a_reader_keeps_one_snapshot_for_a_transaction(
    built: Dft, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = built.environment["DFT_DATABASE_URL"]
    monkeypatch.setattr(publication, "TRIES", 1)
    _other(lake)
    with psycopg.connect(url) as reader:
        before = reader.execute("SELECT manifest_sha256 FROM dft.snapshot").fetchone()
        with pytest.raises(Busy, match="readers"):
            show(lake, url)
        assert reader.execute("SELECT manifest_sha256 FROM dft.snapshot").fetchone() == before
        assert reader.execute("SELECT count(*) FROM dft.judgments").fetchone() != (0,)
    assert show(lake, url).rows > 0


def test_readers_at_any_time_see_one_snapshot_whole(built: Dft, lake: Lake) -> None:
    url, faults = built.environment["DFT_DATABASE_URL"], []
    expected = len(lake.snapshot("judgments", DAY))
    stopped = threading.Event()

    def read() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stopped.is_set():
                row = connection.execute(
                    "SELECT (SELECT count(*) FROM dft.judgments), (SELECT count(*) FROM dft.snapshot)"
                ).fetchone()
                if row != (expected, 1):
                    faults.append(row)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(3):
            _other(lake)
            assert show(lake, url).rows > 0
    finally:
        stopped.set()
        for reader in readers:
            reader.join()
    assert faults == []


def test_the_copied_log_cannot_be_changed(built: Dft) -> None:
    with psycopg.connect(built.environment["DFT_DATABASE_URL"], autocommit=True) as connection:
        for change in (
            "UPDATE dft.publications SET reason = 'nightly'",
            "DELETE FROM dft.publications",
            "TRUNCATE dft.publications",
            "UPDATE dft.reidentifications SET reason = 'none'",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                connection.execute(change.encode())


def test_verify_finds_a_log_whose_end_was_written_anew(built: Dft, lake: Lake) -> None:
    path, file = list(lake.log_files().items())[-1]
    manifest = lake.manifest(DAY)
    assert manifest is not None
    assert built("verify", "--as-of", DAY).returncode == 0
    forged = manifest | {"code": {"version": "forged", "git_commit": None}}
    original = lake.read(manifest_path(DAY))
    lake.write(manifest_path(DAY), json.dumps(forged).encode())
    entry = parsed(file)._replace(manifest_sha256=sha256(lake.read(manifest_path(DAY))))
    lake.write(path, content(entry))
    found = built("verify", "--as-of", DAY)
    assert found.returncode == 1
    assert f"{path} is another entry than the one that the database has a copy of" in found.stderr
    alone = built("verify", "--as-of", DAY, DFT_DATABASE_URL="postgresql://127.0.0.1:1/nowhere")
    assert alone.returncode == 0, "who has the lake alone cannot see it"
    assert "no database answers" in alone.stdout
    lake.write(manifest_path(DAY), original)
    lake.write(path, file)
    assert built("verify", "--as-of", DAY).returncode == 0


def test_a_published_table_holds_what_copy_must_carry(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Quotes, backslashes, line ends, empty texts and nulls, in texts, arrays and JSON."""
    texts = ["", 'a "b"', "\\N", "\\", "NULL", "{a,b}", "a\nb\r\n\tc", "é, ü", None]
    frame = pl.DataFrame(
        {
            "one": texts,
            "many": [texts[:8], [], None, ["NULL"], [""], ['"'], ["\\"], [","], ["{}"]],
            "ids": [[1, -2], [], None, *[[2**62]] * 6],
            "deep": [[{"a": text, "b": 0.5}] for text in texts],
            "rate": [0.1, None, 1e-300, 1 / 3, -0.0, 1e300, 2.0, 0.3, 0.7],
        }
    )
    columns = ", ".join(f"{name} {postgres_type(kind)}" for name, kind in frame.schema.items())
    connection.execute(f"CREATE TEMPORARY TABLE carried ({columns})".encode())
    with connection.cursor().copy("COPY carried FROM STDIN (FORMAT csv)") as copy:
        copy.write(csv(frame))
    assert connection.execute("SELECT * FROM carried").fetchall() == frame.to_dicts()


def test_the_page_is_what_the_queries_say(built: Dft) -> None:
    done = built("build", "--as-of", DAY, "--replace")
    assert done.returncode == 0, done.stderr
    audit_sql = _page_module()
    with psycopg.connect(built.environment["DFT_DATABASE_URL"]) as connection:
        shown, page = audit_sql.page(connection), Path(audit_sql.PAGE).read_text(encoding="utf-8")
    assert _but_revision(page) == _but_revision(shown), "run `make audit-page`"


def _page_module() -> Any:
    spec = importlib.util.spec_from_file_location("audit_sql", CHECKOUT / "docs/audit_sql.py")
    assert spec is not None
    assert spec.loader is not None
    audit_sql = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(audit_sql)
    return audit_sql


def _but_revision(page: str) -> str:
    """The day was built several times here, and once for the page."""
    head, _, rest = page.partition("\n## ")
    return rest if "revision" in head else page
