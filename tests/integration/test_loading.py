"""Loading into a real PostgreSQL: what counts, what wins, what is set aside, and nothing half-done."""

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import numpy as np
import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from dft_pipeline.raw.reading import RefusedFile
from dft_pipeline.raw.tables import SOURCE_TABLES, SourceTable
from dft_pipeline.simulate import Deliberation, simulate, write
from dft_pipeline.values.pseudonyms import pseudonym
from resources import loading
from resources.database import connect, prepare
from resources.loading import Aside, Loaded, Refused, find_files, load

KEY = b"key of the tests"
Row = dict[str, Any]
Outcomes = dict[str, Loaded | Refused]
EARLY, LATE = "2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z"


@pytest.fixture
def url(database_url: str) -> str:
    """An empty database with the project's own schema."""
    prepare(database_url)
    return database_url


def loaded(url: str, folder: Path, strict: bool = False) -> Outcomes:
    """Loads the folder, as `dft load` does; the outcome per table."""
    with connect(url) as connection:
        found = load(connection, find_files(folder), KEY, strict, lambda table, done: None)
        return {outcome.table: outcome for outcome in found}


def load_rows(url: str, folder: Path, strict: bool = False, **tables: Sequence[Any]) -> Outcomes:
    """Loads JSON files with these rows, and no others."""
    for path in folder.glob("*.json"):
        path.unlink()
    for table, rows in tables.items():
        (folder / f"{table}.json").write_text(json.dumps(rows), encoding="utf-8")
    return loaded(url, folder, strict)


def counts(outcome: Loaded | Refused) -> tuple[int, int, int, int, int]:
    """Read, new, changed, unchanged, set aside."""
    assert isinstance(outcome, Loaded), outcome
    return (outcome.read, outcome.new, outcome.changed, outcome.unchanged, len(outcome.set_aside))


def stored(url: str, table: str) -> list[Row]:
    """The table's rows by key; none where there is no such table."""
    source = SOURCE_TABLES[table]
    key = sql.SQL(", ").join(map(sql.Identifier, source.key))
    query = sql.SQL("SELECT * FROM {} ORDER BY {}").format(sql.Identifier(source.relation), key)
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        try:
            return connection.execute(query).fetchall()
        except psycopg.errors.UndefinedTable:
            return []


def everything(url: str) -> dict[str, list[Row]]:
    return {table: stored(url, table) for table in SOURCE_TABLES}


def quarantine(url: str) -> list[Row]:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute('SELECT * FROM dft.quarantine ORDER BY "table", "row"').fetchall()


def as_stored(table: str, row: Row) -> Row:
    """A row of a file as PostgreSQL gives it back: times without an offset, in UTC."""
    times = {column.name for column in SOURCE_TABLES[table].columns if column.type == "time"}
    return {
        name: datetime.fromisoformat(value).replace(tzinfo=None) if name in times else value
        for name, value in row.items()
    }


def well_formed(deliberation: Deliberation, table: str) -> list[Row]:
    """The rows that are to be stored, by key."""
    broken = {row.row for row in deliberation.truth.broken_rows if row.table == table}
    rows = [row for number, row in enumerate(deliberation.tables[table], 1) if number not in broken]
    key = SOURCE_TABLES[table].key
    return sorted((as_stored(table, row) for row in rows), key=lambda row: tuple(row[name] for name in key))


def edge(comment: str | None = None, updated: str = EARLY, **instead: Any) -> Row:
    """A judgment of participant 1 about 10 → 11."""
    row = {
        "userId": 1,
        "fromId": 10,
        "toId": 11,
        "story": "I",
        "contextId": "When",
        "runId": None,
        "relationship": "upgrade",
        "comment": comment,
        "createdAt": EARLY,
        "updatedAt": updated,
    }
    return row | instead


# A whole deliberation


def test_every_row_is_stored_or_set_aside_as_planted(
    url: str, deliberation: Deliberation, files: Path
) -> None:
    outcomes = loaded(url, files)
    assert list(outcomes) == list(SOURCE_TABLES)
    planted = deliberation.truth.broken_rows
    for table, outcome in outcomes.items():
        rows, aside = len(deliberation.tables[table]), sum(row.table == table for row in planted)
        assert counts(outcome) == (rows, rows - aside, 0, 0, aside), table
        assert stored(url, table) == well_formed(deliberation, table), table
    found = {(row["table"], row["row"], row["rule"]): row["column"] for row in quarantine(url)}
    assert set(found) == {(row.table, row.row, row.rule) for row in planted}
    for row in planted:
        columns = SOURCE_TABLES[row.table].key if row.rule == "duplicate_key" else (row.column,)
        assert found[row.table, row.row, row.rule] in columns


def test_loading_twice_changes_nothing(url: str, files: Path) -> None:
    first = loaded(url, files)
    before = everything(url), quarantine(url), versions(url)
    for table, outcome in loaded(url, files).items():
        read, new, _, _, aside = counts(first[table])
        assert counts(outcome) == (read, 0, 0, new, aside), table
    assert (everything(url), quarantine(url), versions(url)) == before


def versions(url: str) -> list[tuple[Any, ...]]:
    """Which transaction wrote each judgment: a row that is written again, even as it was, has another."""
    with psycopg.connect(url) as connection:
        return connection.execute('SELECT xmin::text, ctid::text FROM "Edge" ORDER BY ctid').fetchall()


def test_all_four_formats_give_the_same_tables(
    url: str, deliberation: Deliberation, files: Path, tmp_path: Path
) -> None:
    loaded(url, files)
    expected = everything(url), [without(row, "file", "key") for row in quarantine(url)]
    for suffix, writer in {"ndjson": write_ndjson, "csv": write_csv, "parquet": write_parquet}.items():
        folder = tmp_path / suffix
        folder.mkdir()
        for table, rows in deliberation.tables.items():
            writer(folder / f"{table}.{suffix}", table, rows)
        forget(url)
        outcomes = loaded(url, folder)
        assert not [outcome for outcome in outcomes.values() if isinstance(outcome, Refused)]
        assert everything(url) == expected[0], suffix
        assert [without(row, "file", "key") for row in quarantine(url)] == expected[1], suffix


def write_ndjson(path: Path, table: str, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_csv(path: Path, table: str, rows: Sequence[Row]) -> None:
    def cell(value: object) -> object:
        return json.dumps(value) if isinstance(value, (list, dict, bool)) else value

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in SOURCE_TABLES[table].columns])
        writer.writerows([[cell(value) for value in row.values()] for row in rows])


def write_parquet(path: Path, table: str, rows: Sequence[Row]) -> None:
    """As a program that keeps types writes it: an id that is a word cannot stand there, and is null."""
    types = {"integer": pl.Int64, "texts": pl.List(pl.String), "boolean": pl.Boolean}
    columns = []
    for column in SOURCE_TABLES[table].columns:
        values = [None if row[column.name] == "abc" else row[column.name] for row in rows]
        if column.type == "json":
            values = [json.dumps(value) for value in values]
        columns.append(pl.Series(column.name, values, types.get(column.type, pl.String)))
    pl.DataFrame(columns).write_parquet(path)


def test_a_row_that_is_set_aside_has_the_same_key_in_every_format(url: str, tmp_path: Path) -> None:
    (tmp_path / "edge.json").write_text(json.dumps([edge(relationship="maybe")]))
    loaded(url, tmp_path)
    (tmp_path / "edge.json").unlink()
    write_csv(tmp_path / "edge.csv", "edge", [edge(relationship="maybe")])
    loaded(url, tmp_path)
    assert len({row["key"] for row in quarantine(url)}) == 1


# Which version of a row wins


@pytest.mark.parametrize(
    ("before", "after", "winner", "expected"),
    [
        (EARLY, LATE, "after", (1, 0, 1, 0, 0)),
        (EARLY, EARLY, "after", (1, 0, 1, 0, 0)),
        (LATE, EARLY, "before", (1, 0, 0, 1, 0)),
    ],
)
def test_the_larger_updated_at_wins_and_on_equality_the_files(
    url: str, tmp_path: Path, before: str, after: str, winner: str, expected: tuple[int, ...]
) -> None:
    load_rows(url, tmp_path, edge=[edge("before", before)])
    outcome = load_rows(url, tmp_path, edge=[edge("after", after)])["edge"]
    assert counts(outcome) == expected
    assert [row["comment"] for row in stored(url, "edge")] == [winner]


def test_a_newer_row_replaces_every_column_with_nulls_too(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, edge=[edge("before", runId="run", story="I")])
    newer = edge(
        None, LATE, runId=None, story=None, contextId="Else", relationship="not_sure", createdAt=LATE
    )
    load_rows(url, tmp_path, edge=[newer])
    assert stored(url, "edge") == [as_stored("edge", newer)]


def test_a_table_without_versions_takes_the_files_row(url: str, tmp_path: Path) -> None:
    case = {"id": "a", "title": "A", "question": "?", "seedMessage": None}
    load_rows(url, tmp_path, case=[case])
    outcome = load_rows(url, tmp_path, case=[case | {"title": "B"}, case | {"id": "b"}])["case"]
    assert counts(outcome) == (2, 1, 1, 0, 0)
    assert [row["title"] for row in stored(url, "case")] == ["B", "A"]


def test_a_row_that_is_not_in_the_file_stays(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, edge=[edge(), edge(userId=2)])
    load_rows(url, tmp_path, edge=[edge(userId=3)])
    load_rows(url, tmp_path, edge=[])
    assert [row["userId"] for row in stored(url, "edge")] == [1, 2, 3]


def test_identical_rows_of_one_key_count_once(url: str, tmp_path: Path) -> None:
    outcome = load_rows(url, tmp_path, edge=[edge("x"), edge("x"), edge("x", userId=2), edge("x")])["edge"]
    assert counts(outcome) == (4, 2, 0, 2, 0)
    assert len(stored(url, "edge")) == 2


def test_of_different_rows_of_one_key_the_first_is_kept(url: str, tmp_path: Path) -> None:
    rows = [edge("first"), edge("other", LATE), edge("first"), edge(None)]
    outcome = load_rows(url, tmp_path, edge=rows)["edge"]
    assert isinstance(outcome, Loaded)
    key = json.dumps({"participant_id": pseudonym(1, KEY), "fromId": 10, "toId": 11}, separators=(",", ":"))
    assert outcome.set_aside == [Aside(number, key, "userId", "duplicate_key", None) for number in (2, 4)]
    assert counts(outcome) == (4, 1, 0, 1, 2)
    assert [row["comment"] for row in stored(url, "edge")] == ["first"]


def test_a_broken_first_row_leaves_its_key_to_the_next(url: str, tmp_path: Path) -> None:
    outcome = load_rows(url, tmp_path, edge=[edge("first", updated="soon"), edge("second")])["edge"]
    assert isinstance(outcome, Loaded)
    assert [(aside.row, aside.rule) for aside in outcome.set_aside] == [(1, "bad_time")]
    assert [row["comment"] for row in stored(url, "edge")] == ["second"]


def test_a_broken_new_version_leaves_the_stored_one(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, edge=[edge("stored")])
    outcome = load_rows(url, tmp_path, edge=[edge("new", LATE, relationship="maybe")])["edge"]
    assert counts(outcome) == (1, 0, 0, 0, 1)
    assert stored(url, "edge") == [as_stored("edge", edge("stored"))]


def test_what_was_set_aside_is_forgotten_when_it_is_mended(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, edge=[edge(relationship="maybe")], context=[{"id": None}])
    assert [(row["table"], row["rule"]) for row in quarantine(url)] == [
        ("context", "missing_key"),
        ("edge", "unknown_enum"),
    ]
    load_rows(url, tmp_path, edge=[edge()])
    assert [row["table"] for row in quarantine(url)] == ["context"]


# What was set aside from one file, and what another has well


def load_lines(
    url: str, folder: Path, suffix: str, strict: bool = False, **tables: Sequence[Any]
) -> Outcomes:
    """Loads NDJSON files of that suffix with these rows, and no others: the same tables from other files."""
    for path in folder.iterdir():
        path.unlink()
    for table, rows in tables.items():
        (folder / f"{table}.{suffix}").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return loaded(url, folder, strict)


def aside(url: str) -> list[tuple[str, int]]:
    return sorted((row["file"], row["row"]) for row in quarantine(url))


def test_a_row_that_another_file_has_well_is_set_aside_no_more(url: str, tmp_path: Path) -> None:
    broken = [edge(relationship="maybe", userId=user) for user in (1, 2, 3)]
    load_lines(url, tmp_path, "ndjson", edge=[*broken, edge(userId=1, relationship=None)])
    load_lines(url, tmp_path, "jsonl", edge=[edge(), edge(userId=3, toId=12), edge(userId=3, fromId=11)])
    assert aside(url) == [("edge.ndjson", 2), ("edge.ndjson", 3)], "both rows of participant 1 are forgotten"
    load_lines(url, tmp_path, "jsonl", edge=[edge(userId=2), edge(userId=3)])
    assert aside(url) == []


def test_a_good_row_that_changes_nothing_mends_too(url: str, tmp_path: Path) -> None:
    load_lines(url, tmp_path, "jsonl", edge=[edge()])
    load_lines(url, tmp_path, "ndjson", edge=[edge(updated=LATE, relationship="maybe")])
    outcome = load_lines(url, tmp_path, "jsonl", edge=[edge()])["edge"]
    assert counts(outcome) == (1, 0, 0, 1, 0)
    assert aside(url) == []


def test_a_row_set_aside_again_in_another_file_stays_in_both(url: str, tmp_path: Path) -> None:
    for suffix in ("ndjson", "jsonl"):
        load_lines(url, tmp_path, suffix, edge=[edge(relationship="maybe")])
    assert aside(url) == [("edge.jsonl", 1), ("edge.ndjson", 1)]


def test_the_files_own_rows_stay_though_their_key_is_there(url: str, tmp_path: Path) -> None:
    rows = [edge("first"), edge("other"), edge(relationship="maybe")]
    for _ in range(2):
        load_lines(url, tmp_path, "ndjson", edge=rows)
        assert aside(url) == [("edge.ndjson", 2), ("edge.ndjson", 3)]
    load_lines(url, tmp_path, "jsonl", edge=rows)
    assert aside(url) == [("edge.jsonl", 2), ("edge.jsonl", 3)]


def test_a_key_that_is_broken_goes_only_with_its_file(url: str, tmp_path: Path) -> None:
    rows = [edge(userId="abc"), edge(toId=2**70), [1]]
    load_lines(url, tmp_path, "ndjson", edge=rows, context=[{"id": None}])
    load_lines(url, tmp_path, "jsonl", edge=[edge()], context=[{"id": "When"}])
    assert len(aside(url)) == 4
    load_lines(url, tmp_path, "ndjson", edge=[edge()], context=[{"id": "When"}])
    assert aside(url) == []


def test_keys_of_every_shape_and_only_those_of_the_table_are_met(url: str, tmp_path: Path) -> None:
    times = {"createdAt": EARLY, "updatedAt": EARLY}
    long = ["é" * 499 + end for end in "ab"]
    broken: dict[str, list[Row]] = {
        "user": [times | {"id": 7, "isAdmin": "yes"}],
        "case": [{"id": name, "title": None, "question": "?"} for name in ("7", "8", *long)],
        "deduplication": [
            {"valuesCardId": 1, "deduplicatedCardId": 2, "generation": 3, "createdAt": "", "updatedAt": EARLY}
        ],
    }
    mended: dict[str, list[Row]] = {
        "user": [times | {"id": 7}],
        "case": [{"id": name, "title": "T", "question": "?"} for name in ("7", long[1])],
        "deduplication": [broken["deduplication"][0] | times],
    }
    for table, rows in mended.items():
        load_lines(url, tmp_path, "ndjson", **broken)
        before = aside(url)
        load_lines(url, tmp_path, "jsonl", **{table: rows})
        left = [(f"{table}.ndjson", row) for row in ((2, 3) if table == "case" else ())]
        assert aside(url) == sorted([*(one for one in before if not one[0].startswith(f"{table}.")), *left])


def test_strict_takes_back_what_it_forgot(url: str, tmp_path: Path) -> None:
    load_lines(url, tmp_path, "ndjson", edge=[edge(relationship="maybe")])
    load_lines(url, tmp_path, "jsonl", True, edge=[edge()], context=[{"id": None}])
    assert aside(url) == [("edge.ndjson", 1)]
    load_lines(url, tmp_path, "jsonl", True, edge=[edge()], context=[{"id": "When"}])
    assert aside(url) == []


def test_a_refused_file_forgets_nothing(url: str, tmp_path: Path) -> None:
    load_lines(url, tmp_path, "ndjson", edge=[edge(relationship="maybe")])
    (tmp_path / "edge.ndjson").unlink()
    (tmp_path / "edge.json").write_text(json.dumps([edge()])[:-1])
    assert isinstance(loaded(url, tmp_path)["edge"], Refused)
    assert aside(url) == [("edge.ndjson", 1)]


def test_loads_that_mend_each_others_rows_at_once_are_as_one_after_the_other(
    url: str, tmp_path: Path
) -> None:
    users = range(200)
    rows = {
        suffix: [edge(userId=user, relationship="maybe" if user % 2 == odd else "upgrade") for user in users]
        for odd, suffix in enumerate(("ndjson", "jsonl"))
    }
    folders = {suffix: tmp_path / suffix for suffix in rows}
    for suffix, folder in folders.items():
        folder.mkdir()
        (folder / f"edge.{suffix}").write_text("".join(json.dumps(row) + "\n" for row in rows[suffix]))
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            for outcomes in pool.map(lambda folder: loaded(url, folder), folders.values()):
                assert isinstance(outcomes["edge"], Loaded)
            assert len({file for file, _ in aside(url)}) == 1, "the later one has mended all of the other"
    assert len(stored(url, "edge")) == len(users)


# What a person is called where a row is set aside


def test_set_aside_rows_name_nobody(url: str, tmp_path: Path) -> None:
    user = {"createdAt": EARLY, "updatedAt": EARLY, "email": "one@example.org", "prolificId": "p1"}
    rows = [
        user | {"id": 1, "email": "two@example.org\0"},
        user | {"id": 2, "prolificId": ["p2"]},
        user | {"id": "three@example.org"},
        user | {"id": 4, "updatedAt": "later"},
    ]
    load_rows(url, tmp_path, user=rows)
    keys = [
        json.dumps({"participant_id": pseudonym(number, KEY)}, separators=(",", ":")) for number in (1, 2, 4)
    ]
    assert [(row["column"], row["rule"], row["value"], row["key"]) for row in quarantine(url)] == [
        ("email", "nul_byte", None, keys[0]),
        ("prolificId", "wrong_type", None, keys[1]),
        ("id", "wrong_type", None, None),
        ("updatedAt", "bad_time", "later", keys[2]),
    ]


# Files that are refused, and columns


def test_a_refused_file_leaves_its_table_untouched_while_others_load(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, edge=[edge("stored")])
    (tmp_path / "edge.json").write_text(json.dumps([edge("new", LATE), edge(userId=2)])[:-1])
    (tmp_path / "context.json").write_text('[{"id": "When"}]')
    outcomes = loaded(url, tmp_path)
    refused = outcomes["edge"]
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("edge.json: a comma or the end of the array was expected")
    assert stored(url, "edge") == [as_stored("edge", edge("stored"))]
    assert counts(outcomes["context"]) == (1, 1, 0, 0, 0)
    assert stored(url, "context") == [{"id": "When"}]


def without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def test_a_missing_required_column_refuses_the_file(url: str, tmp_path: Path) -> None:
    refused = load_rows(url, tmp_path, edge=[without(edge(), "relationship", "toId"), edge(5, userId=2)])[
        "edge"
    ]
    assert isinstance(refused, Loaded), "a column that some rows have is not missing"
    refused = load_rows(url, tmp_path, edge=[without(edge(userId=9), "relationship", "toId")] * 2)["edge"]
    assert refused == Refused("edge", "edge.json", "edge.json: without the column toId, relationship")
    assert 9 not in {row["userId"] for row in stored(url, "edge")}


@pytest.mark.parametrize(("name", "content"), [("edge.csv", "userId,fromId\n"), ("edge.json", "[{}, {}]")])
def test_a_file_without_values_must_have_its_columns_too(
    url: str, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    assert isinstance(loaded(url, tmp_path)["edge"], Refused)


def test_a_missing_nullable_column_is_null_and_an_unknown_one_is_reported(url: str, tmp_path: Path) -> None:
    rows = [without(edge(), "comment", "runId") | {"mood": 1}, edge(userId=2) | {"Story": "x"}]
    outcome = load_rows(url, tmp_path, edge=rows)["edge"]
    assert isinstance(outcome, Loaded)
    assert outcome.unknown_columns == ["Story", "mood"]
    assert counts(outcome) == (2, 2, 0, 0, 0)
    assert stored(url, "edge")[0] == as_stored("edge", edge())


def test_rows_are_counted_as_records(url: str, tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in (edge(), edge(userId=2, relationship="maybe"))]
    (tmp_path / "edge.ndjson").write_text(f"\n{lines[0]}\n\n{lines[1]}\n[1]\n")
    (tmp_path / "context.csv").write_text('id\n"When\nin\ndoubt"\n"' + "é" * 1_001 + '"\n')
    outcomes = loaded(url, tmp_path)
    assert [(row["table"], row["row"], row["rule"]) for row in quarantine(url)] == [
        ("context", 2, "out_of_range"),
        ("edge", 2, "unknown_enum"),
        ("edge", 3, "wrong_type"),
    ]
    assert counts(outcomes["edge"]) == (3, 1, 0, 0, 2)


# Strict


def test_strict_writes_nothing_at_all_where_a_row_is_set_aside(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, edge=[edge("stored"), edge(userId=2, relationship="maybe")])
    before = everything(url), quarantine(url)
    outcomes = load_rows(
        url, tmp_path, True, edge=[edge("new", LATE), edge(userId=3, updatedAt="")], context=[{"id": "When"}]
    )
    assert counts(outcomes["context"]) == (1, 1, 0, 0, 0)
    assert counts(outcomes["edge"]) == (2, 0, 1, 0, 1)
    assert (everything(url), quarantine(url)) == before


def test_strict_writes_nothing_at_all_where_a_file_is_refused(url: str, tmp_path: Path) -> None:
    outcomes = load_rows(url, tmp_path, True, context=[{"id": "When"}], edge=[{"userId": 1}])
    assert isinstance(outcomes["edge"], Refused)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('\"Context\"')").fetchone()
    assert found == (None,), "not even the tables"


def test_strict_loads_what_is_clean(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, True, edge=[edge(), edge()], context=[{"id": "When", "unknown": 1}])
    assert len(stored(url, "edge")) == len(stored(url, "context")) == 1


# Hostile content

TITLES = (
    '\'; DROP TABLE "ValuesCard"; --',
    "\\.\n\\N\t{} %s %(title)s $1 {relation}",
    "é 😀 \u202e \x01\x7f",
    "x" * 10_000_000,
)


def card(number: int, title: str) -> Row:
    row = {"id": number, "title": title, "instructionsShort": "s", "instructionsDetailed": "d"}
    times = {"createdAt": EARLY, "updatedAt": EARLY}
    return row | {"evaluationCriteria": [title[:1_000], '{"a"}', ""], "chatId": "NULL"} | times


def test_any_text_is_stored_as_it_is(url: str, tmp_path: Path) -> None:
    rows = [card(number, title) for number, title in enumerate(TITLES)]
    outcome = load_rows(url, tmp_path, valuesCard=[*rows, card(9, "a\0b")])["valuesCard"]
    assert isinstance(outcome, Loaded)
    assert [row["title"] for row in stored(url, "valuesCard")] == list(TITLES)
    assert [row["evaluationCriteria"] for row in stored(url, "valuesCard")] == [
        row["evaluationCriteria"] for row in rows
    ]
    assert outcome.set_aside == [Aside(5, '{"id":9}', "title", "nul_byte", "a\\x00b")]


def test_a_huge_broken_value_is_remembered_in_short(url: str, tmp_path: Path) -> None:
    load_rows(
        url, tmp_path, valuesCard=[card(1, "y" * 10_000_000 + "\0")], context=[{"id": "z" * 10_000_000}]
    )
    assert [len(row["value"]) for row in quarantine(url)] == [200, 200]
    assert [row["key"] for row in quarantine(url)] == [None, '{"id":1}']


def test_a_key_of_the_greatest_length_is_remembered_whole(url: str, tmp_path: Path) -> None:
    load_rows(url, tmp_path, case=[{"id": "z" * 1_000, "title": None, "question": "?"}])
    assert [row["key"] for row in quarantine(url)] == [json.dumps({"id": "z" * 1_000}, separators=(",", ":"))]


def test_a_key_of_two_long_texts_is_set_aside_or_refused(url: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ids = ["".join(map(chr, rng.integers(33, 127, 1_900))) for _ in range(2)]
    link = {"contextId": ids[0], "caseId": ids[1], "createdAt": EARLY, "updatedAt": EARLY}
    outcome = load_rows(url, tmp_path, contextsOnCases=[link])["contextsOnCases"]
    assert isinstance(outcome, Refused) or [aside.rule for aside in outcome.set_aside] == ["out_of_range"]


# The command


def said(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What the command printed, on one line; it ended with this exit code and without a traceback."""
    text = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == code, text
    assert "Traceback" not in text
    return text


def test_rows_set_aside_leave_exit_code_0_and_a_summary(
    dft: Any, files: Path, deliberation: Deliberation
) -> None:
    done = dft("load", files, "--json")
    said(done, 0)
    told = json.loads(done.stdout)
    assert told["refused"] == []
    summary = {one["table"]: one for one in told["loaded"]}
    for table, one in summary.items():
        assert one["read"] == len(deliberation.tables[table])
        assert one["read"] == one["new"] + one["changed"] + one["unchanged"] + one["set_aside"]
    aside = [{"table": t, **row} for t, one in summary.items() for row in one["rows_set_aside"]]
    planted = [asdict(row) for row in deliberation.truth.broken_rows]
    assert sorted((row["table"], row["row"], row["rule"]) for row in aside) == sorted(
        (row["table"], row["row"], row["rule"]) for row in planted
    )


def test_a_refused_file_gives_exit_code_1_and_its_name(dft: Any, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "edge.json").write_text('{"rows": []}')
    (tmp_path / "context.json").write_text('[{"id": "When", "mood": 1}, {"id": null}]')
    (tmp_path / "edges.json").write_text("[]")
    text = said(dft("load", tmp_path), 1)
    assert "edges.json: not named like a table" in text
    assert "set aside context.json row 2, id: missing_key" in text
    assert "refused edge.json: a JSON array of rows was expected" in text
    assert "left out context.json: unknown column mood" in text
    assert "refused: edge.json; the other files are loaded" in text
    assert stored(database_url, "context") == [{"id": "When"}]


def test_strict_gives_exit_code_1_and_says_that_nothing_was_written(
    dft: Any, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "context.json").write_text('[{"id": "When"}, {"id": null}]')
    text = said(dft("load", tmp_path, "--strict"), 1)
    assert "context.json row 2, id: missing_key" in text
    assert "nothing was written: under --strict every row of every file must load" in text
    assert stored(database_url, "context") == []


def test_two_files_for_one_table_are_refused_by_name(dft: Any, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "context.json").write_text('[{"id": "a"}]')
    (tmp_path / "context.csv").write_text("id\nb\n")
    assert "context.csv and context.json are both the table context" in said(dft("load", tmp_path), 1)
    assert stored(database_url, "context") == []


def test_a_folder_without_table_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "edges.json").write_text("[]")
    with pytest.raises(RefusedFile, match=f"no table files in {tmp_path.name}"):
        find_files(tmp_path)


@pytest.mark.parametrize(
    ("words", "environment", "reason"),
    [
        (["/nowhere/at/all"], {}, "does not exist"),
        (["."], {"DFT_SOURCE_URL": "postgresql://there/app"}, "DFT_SOURCE_URL names the app's own database"),
        (["."], {"DFT_LAEK": "x"}, "DFT_LAEK is no setting; did you mean DFT_LAKE?"),
    ],
)
def test_wrong_usage_gives_exit_code_2(
    dft: Any, database_url: str, words: Sequence[str], environment: Mapping[str, str], reason: str
) -> None:
    (dft.folder / "context.json").write_text('[{"id": "a"}]')
    assert reason in said(dft("load", *words, **environment), 2)
    assert stored(database_url, "context") == []


def test_a_database_that_does_not_answer_is_named_without_its_password(dft: Any, tmp_path: Path) -> None:
    (tmp_path / "context.json").write_text("[]")
    text = said(dft("load", tmp_path, DFT_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/dft"), 1)
    assert "no database answers at postgresql://me:***@127.0.0.1:1/dft" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("row", "environment", "codes"),
    [
        ('{"id": "a"}', {"DFT_DATABASE_URL": "nonsense"}, (1, 2)),
        ('{"id": "a"}', {"DFT_HOME": "context.json"}, (1, 2)),
        (r'{"id": "a", "\ud800": 1}', {}, (0,)),
    ],
)
def test_no_setting_and_no_name_ends_in_a_traceback(
    dft: Any, row: str, environment: Mapping[str, str], codes: Sequence[int]
) -> None:
    (dft.folder / "context.json").write_text(f"[{row}]")
    done = dft("load", ".", **environment)
    assert "Traceback" not in done.stderr
    assert done.returncode in codes


def test_a_file_that_leads_nowhere_is_refused_while_others_load(
    dft: Any, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "edge.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "context.json").write_text('[{"id": "When"}]')
    assert "refused edge.json: No such file or directory" in said(dft("load", tmp_path), 1)
    assert stored(database_url, "context") == [{"id": "When"}]


def test_a_file_whose_name_is_no_utf_8_is_passed_over_in_print(dft: Any, tmp_path: Path) -> None:
    (tmp_path / "context.json").write_text("[]")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")).write_text("[]")
    done = dft("load", tmp_path, "--json", PYTHONIOENCODING="utf-8:strict")
    said(done, 0)
    assert json.loads(done.stdout)["passed_over"] == ["\\udcff.json"]


def test_what_the_database_cannot_hold_refuses_its_file_alone(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(cursor: Any, table: SourceTable) -> Any:
        if table.name == "edge":
            raise psycopg.errors.ProgramLimitExceeded("string too long to represent as jsonb string")
        return upsert(cursor, table)

    upsert = loading._upsert
    monkeypatch.setattr(loading, "_upsert", limited)
    outcomes = load_rows(url, tmp_path, edge=[edge()], context=[{"id": "When"}], vote=[])
    reason = "edge.json: the database refuses it: string too long to represent as jsonb string"
    assert outcomes["edge"] == Refused("edge", "edge.json", reason)
    assert counts(outcomes["context"]) == (1, 1, 0, 0, 0)


def test_a_parquet_time_that_nobody_can_hold_is_set_aside(url: str, tmp_path: Path) -> None:
    rows = [edge(userId=user) for user in (1, 2, 3)]
    times = pa.array([1_704_067_200_000, 10**15, None], pa.timestamp("ms", "UTC"))
    table = pa.Table.from_pylist(rows).drop(["updatedAt"]).append_column("updatedAt", times)
    pq.write_table(table, tmp_path / "edge.parquet")
    loaded(url, tmp_path)
    found = [(row["row"], row["column"], row["rule"], row["value"]) for row in quarantine(url)]
    assert found == [
        (2, "updatedAt", "bad_time", "beyond what Python can hold"),
        (3, "updatedAt", "bad_time", None),
    ]
    assert [row["userId"] for row in stored(url, "edge")] == [1]


def test_a_user_without_rights_is_told_so(dft: Any, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "context.json").write_text("[]")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE powerless LOGIN")
        try:
            address = make_url(database_url).set(username="powerless").render_as_string()
            text = said(dft("load", tmp_path, DFT_DATABASE_URL=address), 1)
        finally:
            connection.execute("DROP ROLE powerless")
    assert "permission denied" in text


# Interruption


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    write(simulate(500, seed=1), folder)
    return folder


def test_a_load_that_is_killed_is_finished_by_the_next(dft: Any, database_url: str, large: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as watch:
        process = dft.start("load", large)
        wait(process, lambda: user_is_there(watch))
        kill(process)
    assert stored(database_url, "edge") == []
    for table in ("valuesCard", "edge"):
        kill_while_writing(dft, database_url, large, table)
        assert stored(database_url, table) == []
    said(dft("load", large, DFT_PSEUDONYM_KEY=KEY.decode()), 0)
    interrupted = everything(database_url), quarantine(database_url)
    forget(database_url)
    loaded(database_url, large)
    assert interrupted == (everything(database_url), quarantine(database_url))
    assert len(interrupted[0]["edge"]) == 6_000


def user_is_there(watch: psycopg.Connection[Any]) -> bool:
    return is_true(watch, "SELECT to_regclass('\"User\"') IS NOT NULL") and is_true(
        watch, 'SELECT EXISTS (SELECT FROM "User")'
    )


def is_blocked(watch: psycopg.Connection[Any]) -> bool:
    """Whether a statement on this database waits for a lock."""
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return is_true(watch, f"SELECT EXISTS ({waiting})")  # type: ignore[arg-type]


def is_true(connection: psycopg.Connection[Any], query: LiteralString) -> bool:
    row = connection.execute(query).fetchone()
    return row == (True,)


def wait(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Until the condition holds; the process must not have ended before."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def kill_while_writing(dft: Any, url: str, folder: Path, table: str) -> None:
    """Kills a load in the middle of the statement that writes a table, which waits for another's row."""
    rows = json.loads((folder / f"{table}.json").read_text(encoding="utf-8"))
    row = rows[len(rows) // 2]
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(SOURCE_TABLES[table].relation),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
    )
    with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as watch:
        other.execute(query, list(row.values()))
        process = dft.start("load", folder)
        wait(process, lambda: is_blocked(watch))
        kill(process)
        other.rollback()


def forget(url: str) -> None:
    """Empties the app's tables, and what was set aside."""
    with psycopg.connect(url) as connection:
        for source in SOURCE_TABLES.values():
            connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(source.relation)))
        connection.execute("TRUNCATE dft.quarantine")


# The real run


def test_the_real_run_loads_to_its_last_row(url: str, real: Path) -> None:
    outcomes = loaded(url, real)
    assert set(SOURCE_TABLES) - set(outcomes) == {
        "chat",
        "deduplicationVerification",
        "graphPositionVerification",
        "survey_answers",
        "furtherPrompt",
        "contextLabel",
        "completion",
        "criterionRating",
        "completionRanking",
    }
    for table, outcome in outcomes.items():
        rows = json.loads((real / f"{table}.json").read_text(encoding="utf-8"))
        assert counts(outcome) == (len(rows), len(rows), 0, 0, 0), table
    first = json.loads((real / "edge.json").read_text(encoding="utf-8"))[0]
    assert as_stored("edge", first) in stored(url, "edge")
