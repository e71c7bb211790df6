"""The lake's newest snapshot in PostgreSQL: loaded beside the one that is shown, then shown all at once.

The tables of a snapshot lie in a schema of their own, `dft_snapshot_<the manifest's hash>`. Readers use the
views of schema `dft`, which one transaction turns from the old tables to the new ones.
"""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any, NamedTuple

import polars as pl
import psycopg
from psycopg import sql as composing

from dft_pipeline.history import publication_log
from dft_pipeline.history.in_sql import LOOKED_UP, PUBLISHED, columns, csv
from dft_pipeline.tables import TABLES
from resources import sql
from resources.database import connect, not_lost
from resources.lake import Lake, manifest_path, sha256
from resources.problems import Busy, LakeProblem, OtherSchema
from resources.sql import identifiers, statement

DIGITS = 16  # of the manifest's hash in a schema's name
ROWS_AT_ONCE = 100_000  # held as text at a time
TRIES, WAIT_S = 20, 1.0  # to turn the views, where readers hold them
SNAPSHOT = "snapshot"
SNAPSHOT_COLUMNS = ("as_of", "revision", "policy", "key_fingerprint", "manifest_sha256", "settings")
# Views on the views above them, in the order in which they are made.
WALKS = ("edge_judgments", "edge_votes", "row_supporters")


class Shown(NamedTuple):
    """What the views show after a publication; `rows` were loaded: none where it was shown already."""

    as_of: date | None
    manifest_sha256: str | None
    rows: int


def show(lake: Lake, url: str) -> Shown:
    """Shows the lake's newest snapshot, if it is not shown, and copies the publication log.

    Raises NoDatabase, Busy where readers do not let go, or LakeProblem where the newest day was built by
    another version of the project.
    """
    with connect(url) as connection, not_lost():
        _record(connection, lake)
        connection.commit()
        connection.execute(sql.text("publish/hold"))
        days = lake.days()
        if not days:
            return Shown(None, None, 0)
        newest = sha256(lake.read(manifest_path(days[-1])))
        shown = live(connection)
        rows = 0 if shown == newest else _shown_anew(connection, lake, days[-1], newest)
        return Shown(days[-1], newest, rows)


def live(connection: psycopg.Connection) -> str | None:
    """The SHA-256 of the manifest whose snapshot the views show, if any."""
    if not _one(connection, "publish/has_snapshot")[0]:
        return None
    return str(_one(connection, "publish/live")[1])


def recorded(url: str, lake: str) -> dict[int, str]:
    """The entries of the lake's publication log that were copied: number → SHA-256."""
    with connect(url) as connection, not_lost():
        return dict(connection.execute(sql.text("publish/entries"), {"lake": lake}).fetchall())


def _record(connection: psycopg.Connection, lake: Lake) -> None:
    for entry in lake.log():
        said = entry._asdict() | {"lake": lake.url, "sha256": publication_log.digest(entry)}
        connection.execute(sql.text("publish/record_entry"), said)


def _shown_anew(connection: psycopg.Connection, lake: Lake, day: date, manifest_sha256: str) -> int:
    """Loads the snapshot into a schema of its own, and turns the views to it."""
    schema = _schema(manifest_sha256)
    connection.execute(statement("publish/begin_schema", schema=composing.Identifier(schema)))
    rows = sum(_loaded(connection, schema, name, _table(lake, name, day)) for name in PUBLISHED)
    _add_snapshot(connection, schema, lake, day, manifest_sha256)
    connection.execute(sql.text("publish/lock_timeout"))
    _patiently_turn(connection, schema)
    connection.commit()
    _drop_others(connection)
    return rows


def _table(lake: Lake, name: str, day: date) -> pl.DataFrame:
    frame = lake.snapshot(name, day)
    if frame.schema != TABLES[name].schema:
        raise LakeProblem(
            f"{name} of {day}, the newest snapshot, was built by another version of the project; to show it "
            f"in SQL, build it anew: dft build --as-of {day} --replace"
        )
    return frame


def _loaded(connection: psycopg.Connection, schema: str, name: str, rows: pl.DataFrame) -> int:
    """Makes one table, its rows and what finds them; the number of rows."""
    types = columns(name)
    declared = (composing.SQL("{} " + kind).format(composing.Identifier(one)) for one, kind in types.items())
    where = {"schema": composing.Identifier(schema), "table": composing.Identifier(name)}
    connection.execute(statement("publish/create_table", **where, columns=composing.SQL(", ").join(declared)))
    with connection.cursor().copy(statement("publish/copy", **where)) as copy:
        for part in rows.iter_slices(ROWS_AT_ONCE):
            copy.write(csv(part))
    connection.execute(statement("publish/key", **where, columns=identifiers(*TABLES[name].key)))
    for looked_up in LOOKED_UP.get(name, ()):
        connection.execute(statement("publish/index", **where, columns=identifiers(*looked_up)))
    connection.execute(statement("publish/analyze", **where))
    return len(rows)


def _add_snapshot(
    connection: psycopg.Connection, schema: str, lake: Lake, day: date, manifest_sha256: str
) -> None:
    """The table of one row that says which snapshot it is."""
    manifest = lake.manifest(day) or {}
    entry = publication_log.last_of(lake.log(), str(day))
    said = {
        "as_of": day,
        "revision": None if entry is None else entry.revision,
        "policy": manifest["policy"],
        "key_fingerprint": manifest["key_fingerprint"],
        "manifest_sha256": manifest_sha256,
        "settings": json.dumps(manifest["settings"]),
    }
    # A statement that makes a table takes no bound parameters from the server; psycopg binds them here.
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(statement("publish/snapshot_row", schema=composing.Identifier(schema)), said)


def _patiently_turn(connection: psycopg.Connection, schema: str) -> None:
    """Waits for readers between tries, not in them: who comes after would have to wait as well."""
    for _ in range(TRIES):
        try:
            with connection.transaction():
                return _turn_views(connection, schema)
        except psycopg.errors.LockNotAvailable:
            time.sleep(WAIT_S)
    raise Busy("readers of the views in schema dft do not let go of them")


def _turn_views(connection: psycopg.Connection, schema: str) -> None:
    """Turns the stable views to the schema's tables; makes them anew where their columns have changed."""
    try:
        with connection.transaction():
            _make_views(connection, schema)
    except psycopg.errors.InvalidTableDefinition:
        _drop_views(connection)
        _make_views(connection, schema)


def _make_views(connection: psycopg.Connection, schema: str) -> None:
    for name, names in {
        **{one: tuple(columns(one)) for one in PUBLISHED},
        SNAPSHOT: SNAPSHOT_COLUMNS,
    }.items():
        where = {"schema": composing.Identifier(schema), "table": composing.Identifier(name)}
        connection.execute(statement("publish/view", **where, columns=identifiers(*names)))
    for name in PUBLISHED:
        _explain(connection, name)
    for name in WALKS:
        connection.execute(sql.text(f"audit/views/{name}"))


def _explain(connection: psycopg.Connection, name: str) -> None:
    """Says what a row and each column of a view are, in the words of the declaration."""
    table = TABLES[name]
    where = {"schema": composing.Identifier("dft"), "table": composing.Identifier(name)}
    says = {"kind": composing.SQL("VIEW"), "meaning": composing.Literal(f"One row is {table.grain}.")}
    connection.execute(statement("publish/comment_table", **where, **says))
    for column, declared in table.columns.items():
        meant = {
            "column": composing.Identifier(column),
            "meaning": composing.Literal(declared.description or ""),
        }
        connection.execute(statement("publish/comment_column", **where, **meant))


def _drop_views(connection: psycopg.Connection) -> None:
    try:
        for name in (*reversed(WALKS), SNAPSHOT, *PUBLISHED):
            connection.execute(statement("publish/drop_view", view=composing.Identifier(name)))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise OtherSchema(
            f"a view of schema dft has other columns now, and {error.diag.message_detail}; drop that first"
        ) from None


def _drop_others(connection: psycopg.Connection) -> None:
    """Lets go of the tables that are not shown; those that a reader still holds, the next one lets go of."""
    connection.execute(sql.text("publish/hold"))  # whose schema is shown may have changed since
    kept = _schema(live(connection) or "")
    others = connection.execute(sql.text("publish/old_schemas"), {"schema": kept}).fetchall()
    connection.execute(sql.text("publish/lock_timeout"))
    for (name,) in others:
        with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
            connection.execute(statement("publish/drop_schema", schema=composing.Identifier(name)))


def _schema(manifest_sha256: str) -> str:
    return f"dft_snapshot_{manifest_sha256[:DIGITS]}"


def _one(connection: psycopg.Connection, name: str) -> Sequence[Any]:
    row = connection.execute(sql.text(name)).fetchone()
    assert row is not None
    return row
