"""Schema `dft` of a database, brought up to date by the numbered files of `sql/dft`."""

import hashlib

import psycopg
from psycopg.rows import class_row
from sqlalchemy.engine import make_url

from dft_pipeline.history.migrations import Diverged, Migration, pending
from resources import sql
from resources.problems import OtherSchema

FILES = "dft/[0-9][0-9][0-9][0-9]_*.sql"


def known() -> list[Migration]:
    """The numbered files of this checkout, in order."""
    names = sorted(path.stem for path in sql.FOLDER.glob(FILES))
    return [Migration(int(name[:4]), name, _digest(name)) for name in names]


def migrate(connection: psycopg.Connection) -> None:
    """Applies what the database has not had, in the transaction under way. Raises OtherSchema."""
    connection.execute(sql.text("dft/migrations"))
    with connection.cursor(row_factory=class_row(Migration)) as cursor:
        recorded = cursor.execute(sql.text("dft/migrated")).fetchall()
    try:
        wanted = pending(recorded, known())
    except Diverged as difference:
        raise OtherSchema(
            f"the database at {_where(connection)} is not this version's: {difference}"
        ) from None
    for one in wanted:
        connection.execute(sql.text(f"dft/{one.name}"))
        connection.execute(sql.text("dft/record_migration"), one._asdict())


def _digest(name: str) -> str:
    return hashlib.sha256(sql.text(f"dft/{name}").encode()).hexdigest()


def _where(connection: psycopg.Connection) -> str:
    return (
        make_url("postgresql://")
        .set(host=connection.info.host, database=connection.info.dbname)
        .render_as_string()
    )
