"""The app's tables into the lake: only the days that differ are read, as Arrow, by COPY."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import pyarrow as pa
from adbc_driver_manager import Error as DriverError
from psycopg import sql as composing

from dft_pipeline.raw.tables import OUT_OF_BANDS, SOURCE_TABLES, ColumnType, SourceColumn, SourceTable
from dft_pipeline.tables import TABLES
from dft_pipeline.values.participants import BACKGROUND
from dft_pipeline.values.reading import REVOKED
from dft_pipeline.values.withdrawal import OF_CHATS, OF_USERS, Gone
from resources import sql
from resources.database import refuses
from resources.lake import NO_DAY, Lake
from resources.problems import MissingSource, NoDatabase, NotAdmitted
from resources.sql import identifiers, statement
from resources.withdrawals import NOBODY, Withdrawn, gone

SET_ASIDE = "quarantine"
ROWS_AT_ONCE = 1_000_000  # rows that are held in memory, unless a single day has more

# How a column leaves the database, whatever its type is there: a live app has enums and narrower numbers.
CASTS: dict[ColumnType, str] = {
    "integer": "bigint",
    "text": "text",
    "texts": "text[]",
    "time": "timestamp",
    "boolean": "boolean",
    "json": "text",
}


# Who is on the list of withdrawals, once users who have revoked consent, by their ids, are put on it.
WhoWithdrew = Callable[[Sequence[int]], Withdrawn]


class Extracted(NamedTuple):
    """What the lake now holds of a table: rows in all, and the days that were written anew or dropped.

    `new_columns` are the source's that the table's declaration does not know; they are left out.
    """

    rows: int
    days_written: list[str]
    days_dropped: list[str]
    new_columns: list[str]


class _Day(NamedTuple):
    day: str
    rows: int
    fingerprint: str


def raw_schema(columns: Sequence[SourceColumn]) -> pl.Schema:
    """Names and types of a raw table's columns in the lake."""
    return pl.Schema({column.name: column.stored.dtype for column in columns})


def set_aside_schema() -> pl.Schema:
    """Columns and types of what loading set aside, as the lake keeps it."""
    return TABLES[SET_ASIDE].schema


def extract(
    source_url: str,
    lake: Lake,
    tables: Sequence[SourceTable] = tuple(SOURCE_TABLES.values()),
    who_withdrew: WhoWithdrew = lambda _: NOBODY,
) -> Iterator[tuple[SourceTable, Extracted]]:
    """Brings the lake's raw tables up to the source, table by table, as of one moment.

    Rows of people who have withdrawn are as if they were not there.

    Raises MissingSource where a table or column is missing that the project cannot do without, and
    NoDatabase where the source does not answer, or no longer.
    """
    with _cursor(source_url) as cursor:
        cursor.execute(sql.text("extract/snapshot"))
        _fetch(cursor, sql.text("extract/session"))
        present = _present(cursor)
        _refuse_missing(present, tables)
        left = _left(cursor, present, who_withdrew)
        _fetch(cursor, sql.text("withdrawal/who"), (_json(left.users), _json(left.chats)))
        for table in tables:
            yield table, _extract_table(cursor, table, present.get(table.relation, set()), lake, left)


def extract_set_aside(database_url: str, lake: Lake) -> int:
    """Keeps what loading set aside as a raw file of its own; the number of rows."""
    with _cursor(database_url) as cursor:
        rows = _fetch(cursor, sql.text("extract/quarantine"))
    frame = rows.select(set_aside_schema().names()).cast(set_aside_schema())
    path = lake.write_raw(SET_ASIDE, NO_DAY, frame)
    lake.write_raw_index(SET_ASIDE, {NO_DAY: {"file": path, "rows": len(frame), "fingerprint": path}})
    return len(frame)


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    with _connect(url) as connection, connection.cursor() as cursor:
        try:
            yield cursor
        except (DriverError, pa.ArrowException, OSError) as error:
            if _answers(connection):
                raise
            raise NoDatabase(f"the source was lost while it was read: {_first_line(error)}") from None


def _connect(url: str) -> Any:
    try:
        return adbc.connect(url)
    except DriverError as error:
        reason = _first_line(error)
        if refuses(str(error)):
            raise NotAdmitted(f"the source does not let us in: {reason}") from None
        raise NoDatabase(f"the source does not answer: {reason}") from None


def _answers(connection: Any) -> bool:
    """Whether an error left the connection alive; which error it was does not tell."""
    try:
        connection.rollback()
        with connection.cursor() as cursor:
            cursor.execute(sql.text("dft/alive"))
            cursor.fetchone()
    except DriverError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _left(cursor: Any, present: dict[str, set[str]], who_withdrew: WhoWithdrew) -> Gone:
    """Whose rows stay in the source."""
    said = [name for name in BACKGROUND if name in present.get("Demographic", ())]
    revoked = []
    if said:
        parts = {"said": identifiers(*said), "revoked": composing.Literal(REVOKED)}
        revoked = _fetch(cursor, statement("withdrawal/revoked", **parts).as_string())["id"].to_list()
    return gone(lambda query: _fetch(cursor, query.as_string()), present, who_withdrew(revoked))


def _json(ids: frozenset[int] | frozenset[str]) -> str:
    return json.dumps(sorted(ids))


def _extract_table(cursor: Any, table: SourceTable, present: set[str], lake: Lake, left: Gone) -> Extracted:
    if not present:
        lake.write_raw_index(table.name, {})
        return Extracted(0, [], [], [])
    parts = _parts(table, present) | {"kept": _kept(table, left)}
    files = set(lake.find(f"raw/{table.name}"))
    known = {day: entry for day, entry in lake.raw_index(table.name).items() if entry["file"] in files}
    found = {day.day: day for day in _fingerprints(cursor, parts)}
    changed = [day for day in found.values() if known.get(day.day, {}).get("fingerprint") != day.fingerprint]
    index = {day: entry for day, entry in known.items() if day in found}
    for days in _batches(changed):
        for day, rows in _rows(cursor, table, parts, days):
            if len(rows) != found[day].rows:
                raise MissingSource(
                    f"{table.relation}, {day}: {len(rows)} of {found[day].rows} rows came through"
                )
            path = lake.write_raw(table.name, day, rows)
            index[day] = {"file": path, "rows": len(rows), "fingerprint": found[day].fingerprint}
    lake.write_raw_index(table.name, index)
    return Extracted(
        sum(entry["rows"] for entry in index.values()),
        sorted(day.day for day in changed),
        sorted(known.keys() - found.keys()),
        sorted(present - set(table.by_name)),
    )


def _parts(table: SourceTable, present: set[str]) -> dict[str, composing.Composable]:
    """The table's part in the statements: {relation}, {key}, {day}, {expressions}."""
    day = """to_char("createdAt"::timestamp, 'YYYY-MM-DD')""" if table.is_dated else f"'{NO_DAY}'::text"
    return {
        "relation": composing.Identifier(table.relation),
        "key": identifiers(*table.key),
        "day": composing.SQL(day),
        "expressions": composing.SQL(", ").join(_expression(column, present) for column in table.extracted),
    }


def _kept(table: SourceTable, left: Gone) -> composing.Composable:
    """The condition that a row is nobody's who is gone."""
    conditions = []
    for of, condition, ids in (
        (OF_USERS, "withdrawal/not_by_user", left.users),
        (OF_CHATS, "withdrawal/not_by_chat", left.chats),
    ):
        if ids and table.name in of:
            conditions.append(statement(condition, column=composing.Identifier(str(of[table.name]))))
    return composing.SQL(" AND ").join(conditions) if conditions else composing.SQL("true")


def _expression(column: SourceColumn, present: set[str]) -> composing.Composed:
    name = composing.Identifier(column.name)
    found = name if column.name in present else composing.SQL("NULL")
    if column.bands is not None:
        return composing.SQL("{} AS {}").format(_band(column, column.bands, found), name)
    return composing.SQL("{}::{} AS {}").format(found, composing.SQL(CASTS[column.type]), name)


def _band(column: SourceColumn, bands: Mapping[int, str], number: composing.Composable) -> composing.Composed:
    bounds, names = [column.low or 0, *bands], [OUT_OF_BANDS, *bands.values(), OUT_OF_BANDS]
    literals = {"bounds": composing.Literal(bounds), "names": composing.Literal(names)}
    return statement("extract/band", number=number, **literals)


def _fingerprints(cursor: Any, parts: dict[str, composing.Composable]) -> Iterator[_Day]:
    query = statement("extract/fingerprints", **parts).as_string()
    for day, rows, digest in _fetch(cursor, query).iter_rows():
        yield _Day(day, rows, f"{rows}:{digest}")


def _batches(days: list[_Day]) -> Iterator[list[_Day]]:
    batch: list[_Day] = []
    for day in days:
        if batch and sum(one.rows for one in batch) + day.rows > ROWS_AT_ONCE:
            yield batch
            batch = []
        batch.append(day)
    if batch:
        yield batch


def _rows(
    cursor: Any, table: SourceTable, parts: dict[str, composing.Composable], days: list[_Day]
) -> Iterator[tuple[str, pl.DataFrame]]:
    array = "{" + ",".join(day.day for day in days) + "}"
    cursor.execute(sql.text("extract/days"), (array,))
    cursor.fetchall()
    rows = _fetch(cursor, statement("extract/rows", **parts).as_string())
    schema = raw_schema(table.extracted)
    typed = rows.with_columns(
        pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        for name, dtype in schema.items()
        if isinstance(dtype, pl.Datetime)
    )
    for (day,), frame in typed.group_by("day", maintain_order=True):
        yield str(day), frame.select(schema.names()).cast(schema).sort(table.key)


def _present(cursor: Any) -> dict[str, set[str]]:
    present: dict[str, set[str]] = {}
    for relation, name in _fetch(cursor, sql.text("extract/columns")).iter_rows():
        present.setdefault(relation, set()).add(name)
    return present


def _refuse_missing(present: dict[str, set[str]], wanted: Sequence[SourceTable]) -> None:
    tables = [table for table in wanted if not table.optional or table.relation in present]
    missing = [table.relation for table in tables if table.relation not in present]
    if missing:
        raise MissingSource(
            f"the source has no table {', '.join(missing)}; "
            "load table files with `dft load`, or set DFT_SOURCE_URL"
        )
    columns = [
        f"{table.relation}.{column.name}"
        for table in tables
        for column in table.extracted
        if not column.nullable and column.name not in present[table.relation]
    ]
    if columns:
        raise MissingSource(f"the source has no column {', '.join(columns)}")


def _fetch(cursor: Any, query: str, parameters: tuple[str, ...] = ()) -> pl.DataFrame:
    cursor.execute(query, parameters or None)
    frame = pl.from_arrow(cursor.fetch_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame
