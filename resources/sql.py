"""The project's SQL by name: one statement a file in `sql/`, identifiers filled in, values bound."""

from functools import cache
from pathlib import Path

from psycopg import sql

FOLDER = Path(__file__).parent.parent / "sql"


@cache
def text(name: str) -> str:
    """The statement `sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def statement(name: str, **parts: sql.Composable) -> sql.Composed:
    """The statement with its identifiers filled in, quoted by psycopg."""
    # Comments may speak of the parts by name, in braces; only the statement has them filled in.
    lines = [line for line in text(name).splitlines() if not line.startswith("--")]
    return sql.SQL("\n".join(lines)).format(**parts)


def identifiers(*names: str) -> sql.Composed:
    """The names, quoted, with commas between them."""
    return sql.SQL(", ").join(map(sql.Identifier, names))
