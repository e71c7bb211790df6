"""Extraction into a lake: what leaves the source, in which files, and which of them a snapshot reads."""

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import polars as pl
import psycopg
import pytest

from dft_pipeline.raw.tables import SOURCE_TABLES, SourceColumn
from dft_pipeline.simulate import Deliberation
from resources.build import Workplace
from resources.database import connect, prepare
from resources.extraction import Extracted, extract, extract_set_aside, raw_schema
from resources.lake import Lake
from resources.loading import find_files, load
from resources.problems import MissingSource, NoDatabase
from tests.conftest import fresh_database

SECRETS = ("hidden@example.org", "recruit-5f3a", "Jane Hidden")


@pytest.fixture
def source(database_url: str, files: Path) -> str:
    """A database of the test's own that the deliberation was loaded into."""
    prepare(database_url)
    load_all(database_url, files)
    return database_url


@pytest.fixture(scope="module")
def untouched(server: str, files: Path) -> Iterator[str]:
    """The same, for tests that change nothing in it."""
    with fresh_database(server) as url:
        prepare(url)
        load_all(url, files)
        yield url


@pytest.fixture(scope="module")
def extracted_lake(untouched: str, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that the untouched database was extracted into, for tests that only read it."""
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    extracted(untouched, lake)
    return lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def load_all(url: str, folder: Path) -> None:
    with connect(url) as connection:
        list(load(connection, find_files(folder), b"key", False, lambda table, done: None))


def extracted(url: str, lake: Lake) -> dict[str, Extracted]:
    return {table.name: found for table, found in extract(url, lake)}


def change(url: str, *statements: LiteralString) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def ask(url: str, query: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def raw(lake: Lake, table: str) -> pl.DataFrame:
    return lake.raw(lake.raw_files(table, None), raw_schema(SOURCE_TABLES[table].extracted))


def written(lake: Lake) -> dict[str, tuple[int, int]]:
    """Every file below the lake, with what tells whether it was written again."""
    files = (path for path in Path(lake.root).rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}


def good_rows(deliberation: Deliberation, table: str) -> list[dict[str, Any]]:
    broken = {row.row for row in deliberation.truth.broken_rows if row.table == table}
    return [row for number, row in enumerate(deliberation.tables[table], 1) if number not in broken]


def in_lake(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of a file as the lake holds it."""
    columns = SOURCE_TABLES[table].extracted
    return {column.name: kept(column, row[column.name]) for column in columns}


def kept(column: SourceColumn, value: Any) -> Any:
    """A value as the lake holds it: a number that has bands as the first that it is below."""
    if column.bands and value is not None:
        return next(name for end, name in column.bands.items() if value < end)
    return datetime.fromisoformat(value) if column.type == "time" else value


# What the lake holds


def test_the_lake_holds_every_row_of_the_source_but_for_identifying_columns(
    untouched: str, lake: Lake, deliberation: Deliberation
) -> None:
    found = extracted(untouched, lake)
    assert list(found) == list(SOURCE_TABLES)
    for name in SOURCE_TABLES:
        rows = [in_lake(name, row) for row in good_rows(deliberation, name)]
        kept = [row | read_json(row) for row in raw(lake, name).to_dicts()]
        assert sorted(kept, key=key_of(name)) == sorted(rows, key=key_of(name)), name
        assert found[name].rows == len(rows), name


def read_json(row: dict[str, Any]) -> dict[str, Any]:
    return {"transcript": json.loads(row["transcript"])} if "transcript" in row else {}


def key_of(table: str) -> Any:
    return lambda row: tuple(row[name] for name in SOURCE_TABLES[table].key)


def test_identifying_columns_are_in_no_file_of_a_participant(extracted_lake: Lake) -> None:
    lake = extracted_lake
    files = lake.find("raw/user")
    assert len(files) > 2
    for path in files:
        if path.endswith(".parquet"):
            columns = pl.read_parquet_schema(io.BytesIO(lake.read(path)))
            assert list(columns) == ["id", "createdAt", "updatedAt", "role", "isAdmin", "signupType", "batch"]


def test_a_day_is_a_file_named_by_its_content(extracted_lake: Lake, deliberation: Deliberation) -> None:
    lake = extracted_lake
    for name, table in SOURCE_TABLES.items():
        rows = good_rows(deliberation, name)
        days = Counter(row["createdAt"][:10] if table.is_dated else "none" for row in rows)
        index = lake.raw_index(name)
        assert {day: entry["rows"] for day, entry in index.items()} == days, name
        files = [path for path in lake.find(f"raw/{name}") if path.endswith(".parquet")]
        assert files == sorted(entry["file"] for entry in index.values())
        for day, entry in index.items():
            content = lake.read(entry["file"])
            digest = hashlib.sha256(content).hexdigest()
            folder, _, file = entry["file"].rpartition("/")
            assert folder == f"raw/{name}/day={day}"
            assert file.removesuffix(".parquet") in (digest, digest[:32])
            frame = pl.read_parquet(io.BytesIO(content))
            assert frame.equals(frame.sort(table.key))


# What an extraction writes


def test_a_second_extraction_writes_nothing(untouched: str, lake: Lake) -> None:
    extracted(untouched, lake)
    before = written(lake)
    for name, found in extracted(untouched, lake).items():
        assert (found.days_written, found.days_dropped) == ([], []), name
        assert found.rows == len(raw(lake, name))
    assert written(lake) == before


def test_two_lakes_of_one_source_are_the_same_bytes(untouched: str, extracted_lake: Lake, lake: Lake) -> None:
    extracted(untouched, lake)
    assert lake.find("raw") == extracted_lake.find("raw")
    assert lake.hashes(lake.find("raw")) == extracted_lake.hashes(lake.find("raw"))


def test_rows_loaded_in_another_order_give_the_same_files(
    database_url: str, extracted_lake: Lake, lake: Lake, deliberation: Deliberation, tmp_path: Path
) -> None:
    folder = tmp_path / "reversed"
    folder.mkdir()
    for name in SOURCE_TABLES:
        (folder / f"{name}.json").write_text(json.dumps(good_rows(deliberation, name)[::-1]))
    prepare(database_url)
    load_all(database_url, folder)
    extracted(database_url, lake)
    assert lake.hashes(lake.find("raw")) == extracted_lake.hashes(extracted_lake.find("raw"))


def test_edited_deleted_and_new_rows_rewrite_exactly_their_days(source: str, lake: Lake) -> None:
    extracted(source, lake)
    days = [day for (day,) in ask(source, 'SELECT DISTINCT "createdAt"::date FROM "Vote" ORDER BY 1')]
    edited, deleted, emptied, old = (str(days[place]) for place in (1, 2, 3, 4))
    before, files = lake.raw_index("vote"), written(lake)
    change(
        source,
        f"""UPDATE "Vote" SET "drawId" = 'edited' WHERE "id" = ({first_of("Vote", edited)})""",  # type: ignore[arg-type]
        f"""DELETE FROM "Vote" WHERE "id" = ({first_of("Vote", deleted)})""",  # type: ignore[arg-type]
        f"""DELETE FROM "Vote" WHERE "createdAt"::date = '{emptied}'""",  # type: ignore[arg-type]
        f"""INSERT INTO "Vote" VALUES (900001, 1, 2, 'case', '{old} 23:59:59.999', '{old}', 'draw'),
                                      (900002, 1, 2, 'case', '2024-03-01 00:00:00', '2024-03-01', 'draw')""",  # type: ignore[arg-type]
    )
    found = extracted(source, lake)
    assert found["vote"].days_written == sorted([edited, deleted, old, "2024-03-01"])
    assert found["vote"].days_dropped == [emptied]
    assert all(not one.days_written for name, one in found.items() if name != "vote")
    after = lake.raw_index("vote")
    assert {day for day in before.keys() & after.keys() if before[day] != after[day]} == {
        edited,
        deleted,
        old,
    }
    assert after.keys() ^ before.keys() == {emptied, "2024-03-01"}
    assert rewritten(lake, files) == {"raw/vote/index.json"}, "a file of a day is never written over"
    assert raw(lake, "vote")["id"].to_list() == [row[0] for row in ask(source, VOTES_BY_DAY)]


VOTES_BY_DAY: LiteralString = 'SELECT "id" FROM "Vote" ORDER BY "createdAt"::date, "id"'


def first_of(relation: str, day: str) -> str:
    return f"""SELECT min("id") FROM "{relation}" WHERE "createdAt"::date = '{day}'"""


def rewritten(lake: Lake, before: dict[str, tuple[int, int]]) -> set[str]:
    """The files that were there before and were written again."""
    after = written(lake)
    return {str(Path(path).relative_to(lake.root)) for path in before if before[path] != after[path]}


def test_an_edit_of_an_identifying_column_writes_nothing(source: str, lake: Lake) -> None:
    extracted(source, lake)
    before = written(lake)
    change(source, """UPDATE "User" SET "email" = 'other@example.org', "prolificId" = 'p'""")
    assert extracted(source, lake)["user"].days_written == []
    assert written(lake) == before


# What the source has


def test_optional_tables_that_are_missing_are_empty(source: str, lake: Lake) -> None:
    optional = [name for name, table in SOURCE_TABLES.items() if table.optional]
    change(source, *(f'DROP TABLE "{SOURCE_TABLES[name].relation}"' for name in optional))  # type: ignore[arg-type]
    found = extracted(source, lake)
    assert {"demographic", "chat", "deduplicatedCard", "deduplication", "edgeHypothesis"} < set(optional)
    for name in optional:
        assert found[name] == Extracted(0, [], [], [])
        assert raw(lake, name).schema == raw_schema(SOURCE_TABLES[name].extracted)
        assert len(raw(lake, name)) == 0
    assert found["user"].rows == 25


def test_a_column_that_nobody_declared_is_named_and_left_out(source: str, lake: Lake) -> None:
    assert extracted(source, lake)["user"].new_columns == []
    change(source, """ALTER TABLE "User" ADD COLUMN "loginCode" text DEFAULT 'secret'""")
    found = extracted(source, lake)
    assert {name: of.new_columns for name, of in found.items() if of.new_columns} == {"user": ["loginCode"]}
    assert "loginCode" not in raw(lake, "user").columns


def test_an_optional_table_that_has_gone_is_empty_from_then_on(source: str, lake: Lake) -> None:
    extracted(source, lake)
    change(source, 'DROP TABLE "EdgeHypothesis"')
    extracted(source, lake)
    assert lake.raw_files("edgeHypothesis", None) == []


def test_a_raw_file_that_is_gone_is_extracted_again(source: str, lake: Lake) -> None:
    extracted(source, lake)
    gone = lake.raw_files("vote", None)[0].path
    lake.remove(gone)
    extracted(source, lake)
    assert lake.exists(gone), "the fingerprint alone would have passed it over for ever"


def test_required_tables_that_are_missing_are_named(source: str, lake: Lake) -> None:
    change(source, 'DROP TABLE "Edge"', 'DROP TABLE "ContextsOnCases"', 'DROP TABLE "Chat"')
    with pytest.raises(MissingSource, match="the source has no table ContextsOnCases, Edge; load"):
        extracted(source, lake)
    assert lake.find("raw") == []


def test_a_required_column_that_is_missing_is_named(source: str, lake: Lake) -> None:
    change(source, 'ALTER TABLE "Vote" DROP COLUMN "drawId"', 'ALTER TABLE "Chat" DROP COLUMN "caseId"')
    with pytest.raises(MissingSource, match=r"the source has no column Chat\.caseId, Vote\.drawId$"):
        extracted(source, lake)
    assert lake.find("raw") == []


def test_a_source_that_does_not_answer_is_no_database(lake: Lake) -> None:
    with pytest.raises(NoDatabase, match="the source does not answer"):
        extracted("postgresql://nobody@127.0.0.1:1/app?connect_timeout=2", lake)


LIVE: tuple[LiteralString, ...] = (
    """CREATE TYPE "Relationship" AS ENUM ('upgrade', 'not_sure', 'no_upgrade')""",
    """CREATE TYPE "Role" AS ENUM ('ADMIN', 'USER')""",
    'ALTER TABLE "Edge" ALTER "relationship" TYPE "Relationship" USING "relationship"::"Relationship"',
    'ALTER TABLE "Edge" ALTER "userId" TYPE int, ALTER "fromId" TYPE int, ALTER "toId" TYPE int',
    'ALTER TABLE "Edge" ALTER "createdAt" TYPE timestamp(3), ALTER "updatedAt" TYPE timestamptz(3)',
    'ALTER TABLE "User" ALTER "id" TYPE int, ALTER "role" TYPE "Role"[] USING "role"::"Role"[]',
    'ALTER TABLE "User" ADD "another" jsonb, ALTER "signupType" TYPE varchar(20)',
    'ALTER TABLE "User" DROP "email", DROP "name", DROP "prolificId"',
    'ALTER TABLE "Chat" ALTER "transcript" TYPE json, ALTER "createdAt" TYPE timestamp(3)',
    'ALTER TABLE "Demographic" ALTER "age" TYPE smallint, DROP "sex"',
    'ALTER TABLE "Vote" RENAME TO "VoteTable"',
    'CREATE VIEW "Vote" AS SELECT * FROM "VoteTable"',
    'CREATE TABLE "_prisma_migrations" ("id" text)',
)


def test_a_live_apps_schema_extracts_the_same(source: str, extracted_lake: Lake, lake: Lake) -> None:
    change(source, "SET TimeZone = 'UTC'", *LIVE)
    extracted(source, lake)
    for name in SOURCE_TABLES:
        expected = raw(extracted_lake, name)
        if name == "demographic":
            expected = expected.with_columns(sex=pl.lit(None, pl.String))
        assert raw(lake, name).equals(expected), name
    same = [name for name in SOURCE_TABLES if name not in {"demographic", "chat"}]
    assert [lake.raw_index(name) for name in same] == [extracted_lake.raw_index(name) for name in same]


# As of


def test_a_snapshot_reads_evidence_up_to_its_day_and_all_of_the_rest(
    extracted_lake: Lake, deliberation: Deliberation, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = extracted_lake
    monkeypatch.setenv("DFT_LAKE", lake.url)
    monkeypatch.setenv("DFT_PSEUDONYM_KEY", "key")
    workplace = Workplace()
    for day in (date(2023, 12, 31), date(2024, 1, 3), date(2024, 1, 7), date(2024, 2, 1)):
        end = str(day + timedelta(days=1))
        for name, table in SOURCE_TABLES.items():
            rows = good_rows(deliberation, name)
            if table.evidence:
                rows = [row for row in rows if row["createdAt"] < end]
            assert len(workplace.raw(name, day)) == len(rows), (day, name)


EVIDENCE = {
    *("edge", "vote", "impression", "chat", "valuesCard"),
    *("deduplicationVerification", "graphPositionVerification"),
}


def test_evidence_is_what_participants_did() -> None:
    assert {name for name, table in SOURCE_TABLES.items() if table.evidence} == EVIDENCE


def test_the_last_moment_of_a_day_belongs_to_it(source: str, lake: Lake) -> None:
    change(
        source,
        """INSERT INTO "Vote" VALUES
           (900001, 1, 2, 'case', '2024-02-01 23:59:59.999999', '2024-02-03', 'draw'),
           (900002, 1, 2, 'case', '2024-02-02 00:00:00', '2024-02-02', 'draw')""",
    )
    extracted(source, lake)
    files = lake.raw_files("vote", date(2024, 2, 1))
    found = lake.raw(files, raw_schema(SOURCE_TABLES["vote"].extracted))
    assert found.filter(pl.col("id") > 900_000).rows_by_key("id", unique=True) == {
        900_001: (1, 2, "case", moment("2024-02-01T23:59:59.999999"), moment("2024-02-03"), "draw")
    }


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Nobody is named


def test_no_address_and_no_recruitment_id_is_anywhere_in_the_lake(
    source: str, lake: Lake, deliberation: Deliberation, tmp_path: Path
) -> None:
    leaky(tmp_path / "leaky")
    load_all(source, tmp_path / "leaky")
    extracted(source, lake)
    assert extract_set_aside(source, lake) == len(deliberation.truth.broken_rows) + 5
    users = deliberation.tables["user"]
    ids = {row["prolificId"] for row in users} - {None}
    assert ids
    assert all(row["email"] for row in users)
    texts = list(every_text(lake))
    assert any("When " in text for text in texts), "texts are found at all"
    joined = "\n".join(texts)
    assert re.findall(r"[\w.+-]+@[\w-]+\.\w+", joined) == []
    assert [secret for secret in (*ids, *SECRETS) if secret in joined] == []


def leaky(folder: Path) -> None:
    """Participants whose rows are set aside for their identifying values, their keys or something else."""
    times = {"createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z"}
    email, recruitment_id, name = SECRETS
    rows = [
        times | {"id": 9001, "email": f"{email}\0"},
        times | {"id": 9002, "prolificId": f"{recruitment_id}\udcff", "email": email},
        times | {"id": 9003, "name": [name]},
        times | {"id": email, "prolificId": recruitment_id},
        times | {"id": 9005, "createdAt": "soon", "email": email, "prolificId": recruitment_id, "name": name},
    ]
    folder.mkdir()
    (folder / "user.ndjson").write_text("\n".join(map(json.dumps, rows)))


def every_text(lake: Lake) -> Iterator[str]:
    """Every text of every column of every Parquet file, and every index."""
    for path in lake.find(""):
        content = lake.read(path)
        if path.endswith(".parquet"):
            for column in pl.read_parquet(io.BytesIO(content)).iter_columns():
                yield json.dumps(column.to_list(), default=str, ensure_ascii=False)
        else:
            yield content.decode()


def test_the_real_runs_addresses_stay_in_the_database(database_url: str, lake: Lake, real: Path) -> None:
    prepare(database_url)
    load_all(database_url, real)
    extracted(database_url, lake)
    users = json.loads((real / "user.json").read_text(encoding="utf-8"))
    joined = "\n".join(every_text(lake))
    for name in ("email", "prolificId"):
        values = {row[name] for row in users} - {None}
        assert [value for value in values if value in joined] == []
    assert len(raw(lake, "edge")) == 1_592
