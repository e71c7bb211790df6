"""Who is behind a pseudonym: the record of who asked, and the ids that it could be."""

from collections.abc import Iterable, Iterator

from psycopg import sql as composing

from dft_pipeline.raw.tables import SourceTable
from resources import sql
from resources.database import connect, not_lost
from resources.sql import statement


def record(url: str, pseudonym: str, reason: str) -> None:
    """Records for good that somebody asks, before there is an answer."""
    with connect(url) as connection, not_lost():
        said = {"pseudonym": pseudonym, "reason": reason}
        connection.execute(sql.text("privacy/record_reidentification"), said)


def user_ids(source_url: str, tables: Iterable[SourceTable]) -> Iterator[int]:
    """The users' ids that the source's tables hold; one that several hold comes more than once."""
    with connect(source_url) as connection, not_lost():
        columns = {table.relation: table.participant_column for table in tables}
        bound = {"names": [name for name, column in columns.items() if column is not None]}
        for (relation,) in connection.execute(sql.text("privacy/tables"), bound).fetchall():
            parts = {"relation": relation, "column": str(columns[relation])}
            named = {part: composing.Identifier(name) for part, name in parts.items()}
            for (user_id,) in connection.execute(statement("privacy/user_ids", **named)):
                yield user_id
