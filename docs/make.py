"""Writes the data dictionary from the tables' declarations: `make docs`."""

from collections.abc import Iterable
from pathlib import Path

import dataframely as dy

from dft_pipeline.raw.tables import SOURCE_TABLES, SourceColumn
from dft_pipeline.tables import TABLES

PAGE = Path(__file__).parent / "data-dictionary.md"
INTRODUCTION = """\
# Data dictionary

Made by `make docs` from `dft_pipeline/tables.py` and `dft_pipeline/raw/tables.py`; not edited by hand.

A snapshot table lies at `<lake>/<table>/as_of=YYYY-MM-DD/part-0.parquet`, a raw table at
`<lake>/raw/<table>/day=YYYY-MM-DD/<content hash>.parquet`. Times are UTC; rates are null, never NaN, where
there is nothing to divide by; lists of ids and of contexts are sorted. **Bold** columns are the key, by which
rows are sorted. Participants are pseudonyms everywhere but in `raw/`.
"""
STAGES = {
    "values": "Which value each card became, and the one voice of each participant.",
    "graph": "Judged pairs, edges, what was rejected or contested, and the values they join.",
    "dataset": "What a reward model is trained on.",
    "training": "Answers to the prompts, how well they meet the criteria, and which are to be preferred.",
    "lineage": "Back from every value, card and training row to people; what `dft audit` walks along.",
    "reports": "How people took part, who they are, how well cards were grouped; nothing is decided by it.",
}


def page() -> str:
    """The data dictionary as Markdown."""
    parts = [INTRODUCTION]
    for stage, said in STAGES.items():
        parts.append(f"## Stage {stage}\n\n{said}\n")
        for table in TABLES.values():
            if table.stage == stage:
                rows = [_row(name, column, name in table.key) for name, column in table.columns.items()]
                parts.append(_section(table.name, table.grain, rows))
    parts.append("## Stage raw\n\nThe app's tables as they are; columns that identify people stay out.\n")
    for source in SOURCE_TABLES.values():
        rows = [_source_row(column, column.name in source.key) for column in source.columns]
        parts.append(_section(source.name, source.grain, rows))
    return "\n".join(parts)


def _section(name: str, grain: str, rows: list[str]) -> str:
    head = "| column | type | meaning |\n| --- | --- | --- |"
    return "\n".join([f"### `{name}`\n\nOne row is {grain}.\n", head, *rows, ""])


def _row(name: str, column: dy.Column, is_key: bool) -> str:
    null = ", may be null" if column.nullable else ""
    meaning = (column.description or "").replace("|", "\\|")
    return f"| {_name(name, is_key)} | {_type(str(column.dtype))}{null} | {meaning} |"


def _source_row(column: SourceColumn, is_key: bool) -> str:
    null = ", may be null" if column.nullable else ""
    bands = column.bands or {}
    notes = {
        column.meaning: True,
        "identifies a person: never extracted": column.identifying,
        f"leaves the source as a band only: {_listed(bands.values())}": bool(bands),
        f"one of {_listed(column.allowed)}": bool(column.allowed),
        f"from {column.low} to {column.high}": column.low is not None,
        f"names a row of `{column.references}`": column.references is not None,
    }
    said = "; ".join(note for note, holds in notes.items() if holds)
    return f"| {_name(column.name, is_key)} | {column.type}{null} | {said} |"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _name(name: str, is_key: bool) -> str:
    return f"**`{name}`**" if is_key else f"`{name}`"


def _type(dtype: str) -> str:
    return dtype.replace("time_unit='us', time_zone='UTC'", "us, UTC")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
