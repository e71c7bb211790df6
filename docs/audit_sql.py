"""Writes the example session in SQL: `make audit-page`, on a synthetic deliberation in a home of its own."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from resources.database import database
from resources.settings import settings
from resources.sql import text

PAGE = Path(__file__).parent / "audit-sql.md"
DAY, PEOPLE, SEED, KEY = "2024-01-14", 120, 7, "example"
SHOWN, WIDTH = 4, 34  # rows and characters of a cell that are shown
INTRODUCTION = f"""\
# From a result back to the answers, in SQL

Made by `make audit-page`; not edited by hand. It is a session on a synthetic deliberation: `dft simulate
--participants {PEOPLE} --seed {SEED}`, `dft load`, `dft build --as-of {DAY}`, under the pseudonym key
`{KEY}`. The people and what they say are made up.

Each walk is a file of `sql/audit/` with bound parameters. In Python:

```python
connection.execute(resources.sql.text("audit/edge"), {{"source": 12, "wiser": 17}})
```

In psql the parameters are variables, and their form is another; sed turns the one into the other:

```sh
sed -E "s/%\\((\\w+)\\)s/:'\\1'/g" sql/audit/edge.sql | psql "$DFT_DATABASE_URL" -v source=12 -v wiser=17
```

The tables are views of the schema `dft` that show the newest snapshot; `dft.snapshot` says which. Cells are
cut here to {WIDTH} characters, answers to {SHOWN} rows.
"""
QUESTIONS = (
    ("edge", "What was decided about a pair of values, in each scope, and how surely?"),
    ("edge_judgments", "Who said so?"),
    ("edge_votes", "What did the same people vote for, or see, of the two?"),
    ("value", "How does a value stand?"),
    ("value_cards", "Which cards became it, and what decided so?"),
    ("value_supporters", "Who supports it themselves?"),
    ("row", "What does a training row say?"),
    ("row_edges", "Which edges made its value wise?"),
    ("row_supporters", "Who supports the row's value themselves?"),
    ("participant", "What of one participant's counts?"),
    ("contested", "What is contested?"),
)


def page(connection: psycopg.Connection) -> str:
    """The session as Markdown, on whatever snapshot the database shows."""
    bound = example(connection)
    parts = [INTRODUCTION, _said(connection, "SELECT as_of, revision, policy FROM dft.snapshot;", {})]
    for name, question in QUESTIONS:
        parts.append(f"## {question}\n")
        used = {key: value for key, value in bound.items() if f"%({key})s" in text(f"audit/{name}")}
        said = ", ".join(f"{key} = {value}" for key, value in used.items())
        parts.append(f"[`sql/audit/{name}.sql`](../sql/audit/{name}.sql), {said}\n")
        parts.append(_said(connection, text(f"audit/{name}"), used))
    return "\n".join(parts)


def example(connection: psycopg.Connection) -> dict[str, Any]:
    """Parameters for every walk: the edge that most people judged, and what hangs on it."""
    row = connection.execute(
        """
        SELECT e.source_value_id, e.wiser_value_id, r.row_id, j.participant_id
        FROM dft.wisdom_edges AS e
        INNER JOIN dft.reward_rows AS r ON r.value_id = e.wiser_value_id AND cardinality(r.edge_ids) > 0
        INNER JOIN dft.judgments AS j USING (source_value_id, wiser_value_id)
        WHERE e.scope = 'all'
        ORDER BY e.judgments_both_ways DESC, 1, 2, 3, 4
        LIMIT 1
        """
    ).fetchone()
    assert row is not None
    source, wiser, row_id, participant = row
    return {
        "source": source,
        "wiser": wiser,
        "value": wiser,
        "row": row_id,
        "participant": participant,
        "scope": "all",
    }


def _said(connection: psycopg.Connection, query: str, bound: Mapping[str, Any]) -> str:
    cursor = connection.execute(query.encode(), bound or None)
    rows = cursor.fetchall()
    names = [column.name for column in cursor.description or ()]
    cells = [[_cell(value) for value in row] for row in rows[:SHOWN]]
    return "\n".join(["```", *_table(names, cells), f"({len(rows)} row{'s' * (len(rows) != 1)})", "```", ""])


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """As psql prints it."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (names, *rows)
    ]
    return [lines[0], "-+-".join("-" * width for width in widths), *lines[1:]]


def _cell(value: object) -> str:
    if value is None:
        return ""
    shown = f"{value:.4f}" if isinstance(value, float) else " ".join(str(value).split())
    return shown if len(shown) <= WIDTH else f"{shown[: WIDTH - 1]}…"


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="dft-audit-"))
    home.chmod(0o755)  # the embedded server of a root user runs as somebody else
    told = ("env", f"DFT_HOME={home / 'home'}", f"DFT_PSEUDONYM_KEY={KEY}")
    try:
        for words in (
            ("simulate", "--participants", str(PEOPLE), "--seed", str(SEED), "--output", str(home / "files")),
            ("load", str(home / "files")),
            ("build", "--as-of", DAY),
        ):
            subprocess.run([*told, Path(sys.executable).with_name("dft"), *words], check=True)
        with database(settings(home=home / "home")) as url, psycopg.connect(url) as connection:
            PAGE.write_text(page(connection), encoding="utf-8")
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
