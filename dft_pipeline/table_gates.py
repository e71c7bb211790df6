"""The gates that every snapshot table has: its key is unique, and its rows keep their contract."""

from collections.abc import Iterable

import polars as pl

from dft_pipeline.contracts import broken, repeated
from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.tables import TABLES, Table

KEYS_UNIQUE, KEEPS_CONTRACT = "keys_unique", "keeps_contract"
EXAMPLES = 5  # offending rows that are named
FREE_TEXT = ("value",)  # of keys: what people wrote may tell who they are


def table_gates(name: str) -> tuple[Gate, Gate]:
    """The two gates of a table."""
    return (
        Gate(KEYS_UNIQUE, name, "no two rows have the same key", high=0, mend=DEFECT),
        Gate(
            KEEPS_CONTRACT,
            name,
            "every row keeps the table's types and ranges, and lacks nothing",
            high=0,
            mend=DEFECT,
        ),
    )


def measured_table(name: str, frame: pl.DataFrame) -> list[Measured]:
    """What the gates of a table see in a frame that conforms to it."""
    table = TABLES[name]
    unique, keeps = table_gates(name)
    repeats = repeated(frame, table.key)
    twice = frame.filter(frame.select(table.key).is_duplicated()) if repeats else frame.clear()
    lapses = broken(frame, table.contract, table.rules)
    where = lapses.select(pl.format("{} {}", "broken_column", "broken_rule")).to_series().unique().sort()
    return [
        Measured(unique, repeats, examples(_keys(table, twice))),
        Measured(keeps, len(lapses), examples(_keys(table, lapses)), "; ".join(where)),
    ]


def examples(found: Iterable[object]) -> tuple[str, ...]:
    """The first few of what was found, in their order."""
    return tuple(str(one) for one, _ in zip(found, range(EXAMPLES), strict=False))


def _keys(table: Table, rows: pl.DataFrame) -> Iterable[str]:
    shown = [column for column in table.key if column not in FREE_TEXT]
    keys = rows.head(EXAMPLES).select(shown)
    return [" ".join(map(str, key)) for key in keys.iter_rows()]
