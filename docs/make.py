"""Writes the data dictionary and the page of formats from their declarations: `make docs`."""

import inspect
import json
from collections.abc import Iterable
from pathlib import Path

import dataframely as dy

from dft_pipeline.formats.formats import FORMATS, Format
from dft_pipeline.formats.names import DatasetFormat
from dft_pipeline.raw.tables import SOURCE_TABLES, SourceColumn
from dft_pipeline.tables import TABLES

DOCS = Path(__file__).parent
EXAMPLES = DOCS / "formats"
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


FORMATS_INTRODUCTION = """\
# Formats of training data

Made by `make docs` from `dft_pipeline/formats/` and the examples in `docs/formats/`; not edited by hand.

```sh
dft export dataset --as-of DAY --format FORMAT --output FOLDER
```

The folder appears whole or not at all. One that holds the same export already stays as it is, one that
holds anything else is refused. Files are by side: `train`, `validation`, `test`; a side without rows has no
file. The same snapshot and words give the same bytes. What a format cannot take is refused before anything
is written, by the name of the limit.
"""
FORMATS_END = """\
## What every export has

`export.json` says which format and version it is, of which snapshot (day and SHA-256 of its manifest), the
filters, each file's SHA-256 and rows, how many rows of each table did not pass the filters (`filtered`),
and how many the format has no place for, by rule (`left_out`). The lake keeps the same (`exports/`): `dft
audit` shows what was exported from a snapshot, and a withdrawal names the exports that still hold
somebody's data.

Every row names what it comes from: `row_ids`, with which `dft audit row ROW_ID` walks back to people, and
where there is one `pair_id`, `completion_id` or an edge. Trainers pass over these columns. OpenAI's
fine-tuning refuses keys that it does not know, so of `chat-jsonl` they stand in `provenance.jsonl`, by file
and line. Raters' pseudonyms are in no export, and neither are completions that were set aside.

A conversation's turn stands alone, without what came before it.

## Filters

`--min-survival X`, `--max-q X` and `--min-share X` keep the reward rows whose `row_survival` is X or more,
whose `edge_q_base` is X or less, and whose `share` is X or more; a row without a figure does not pass. What
rests on reward rows follows:

- `rubric_rows` are made anew, so that a prompt's weights sum to 1.
- `value_pairs` pass the first two bounds by their own `bootstrap_survival` and `q_base`.
- `completions` stay whose prompt has rows, unless the row that guided them went.
- `criterion_scores` stay of kept completions by kept values.
- `completion_scores` are made anew: weights and rewards are those of the kept rows.
- `preference_pairs` stay whose two completions do, with a kept row of their value (without a value: with
  all their rows), and with an edge that passes by its own figures. Rewards, and gaps in reward, are made
  anew; a pair whose gap in reward is no longer above 0 goes.

Pairs that are kept may lean to the longer text where all together do not. So what holds of a night
holds of an export: where being chosen goes with being longer, or shorter, by more than
`max_length_correlation`, all of it is refused (`length_correlation`), by the pairs that are to be
written, with filters, margins or without. Of a handful of pairs that is to be expected; filter less, or
take a format without pairs.

## Margins

TRL's reward loss takes a `margin` in logits: by how much the preferred completion is to score higher. It is
left out but with `--margin-scale X`: then it is X times the pair's `gap`, so that X is what a gap of 1 is
worth. Gaps are shares from 0 to 1, of different kinds by `reason`; no scale follows from them, and none is
assumed. Pairs without a gap are left out then, and counted (`no_gap`).

## Two exports compared

`dft diff FOLDER1 FOLDER2` says what of the settings differs (of `hf` licence and consent too), which rows
came, went or changed, by the ids that the format has, and which files differ though no row of theirs does;
`--json` lists all. Files that are not as `export.json` says are refused.
"""


def formats_page() -> str:
    """The page of formats as Markdown, each with one literal example."""
    rows = [
        f"| [`{form.name}`](#{form.name}) | {form.says} | {_listed(form.needs)} |"
        for form in FORMATS.values()
    ]
    head = "| format | is | needs |\n| --- | --- | --- |"
    parts = [FORMATS_INTRODUCTION, "\n".join([head, *rows, ""])]
    return "\n".join([*parts, *map(_format, FORMATS.values()), FORMATS_END])


def _format(form: Format) -> str:
    rule = inspect.cleandoc(form.make.__doc__ or "")
    limits = f"\n\nLimits: {_listed(form.limits)}." if form.limits else ""
    return f"## {form.name}\n\n{rule}{limits}\n\n{_example(form.name)}\n"


def _example(name: DatasetFormat) -> str:
    """The first line of the format's example, laid out; of a folder with a card, where the card is."""
    if name is DatasetFormat.HF:
        return "An example of the card is [hf.md](formats/hf.md)."
    path = EXAMPLES / f"{name}.jsonl"
    first = json.loads(path.read_text(encoding="utf-8").split("\n")[0])
    shown = json.dumps(first, ensure_ascii=False, indent=2)
    return f"One row; [more](formats/{path.name}):\n\n```json\n{shown}\n```"


PAGES = {"data-dictionary.md": page, "formats.md": formats_page}

if __name__ == "__main__":
    for name, made in PAGES.items():
        (DOCS / name).write_text(made(), encoding="utf-8")
