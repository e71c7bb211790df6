"""What Dagster's web UI shows of a table: row count, schema and a preview; and checks on it, in words."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl

from dft_pipeline.tables import FIRST_DAY, TABLES
from resources.build import Workplace

OWNERS = ["team:dft-pipeline"]
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC")
PREVIEW_ROWS = 5
PREVIEW_WIDTH = 60  # characters of a cell
KEYS_UNIQUE = "keys_unique"
# What people wrote may tell who they are, and Dagster keeps what it is told.
FREE_TEXT = ("story", "comment", "value")

# A night comes every 24 hours; two more are for a late or a long one. Where the clocks change, two nights can
# lie 47 hours apart without any harm: that warns, and after 50 hours a night has failed or was not begun.
LATE, MISSED = timedelta(hours=26), timedelta(hours=50)
# By group. Dagster looks at the last build of any day: a backfill of old days counts as well.
FRESHNESS = {
    group: dg.FreshnessPolicy.time_window(fail_window=MISSED, warn_window=LATE)
    for group in ("raw", "values", "graph", "dataset", "reports")
}

Result = dg.MaterializeResult[Any]
Results = Iterator[Result]


def table_spec(name: str, code_version: str, deps: tuple[dg.AssetKey | str, ...]) -> dg.AssetSpec:
    """The asset of a snapshot table: described by its declaration, one partition per day."""
    table = TABLES[name]
    return dg.AssetSpec(
        name,
        deps=deps,
        description=f"One row is {table.grain}.",
        group_name=table.stage,
        owners=OWNERS,
        kinds={"polars", "parquet"},
        code_version=code_version,
        partitions_def=DAYS,
        freshness_policy=FRESHNESS[table.stage],
        metadata={"dagster/column_schema": column_schema(name)},
    )


def column_schema(name: str) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                column,
                str(declared.dtype),
                declared.meaning,
                constraints=dg.TableColumnConstraints(nullable=declared.nullable),
            )
            for column, declared in TABLES[name].columns.items()
        ]
    )


def key_check(name: str) -> dg.AssetCheckSpec:
    """Every snapshot table has it."""
    return check(name, KEYS_UNIQUE, "no two rows have the same key")


def check(asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    """A check that stops everything downstream when it fails."""
    return dg.AssetCheckSpec(name, asset=asset, description=description, blocking=True)


def finished(
    workplace: Workplace, day: date, name: str, frame: pl.DataFrame, *checks: dg.AssetCheckResult
) -> Result:
    """Keeps a finished table, and tells the web UI of it and of its checks; that of its key is made here."""
    workplace.keep(name, day, frame)
    repeated = len(frame) - frame.select(TABLES[name].key).n_unique()
    unique = checked(name, KEYS_UNIQUE, repeated == 0, f"{repeated} rows repeat a key")
    metadata: dict[str, Any] = {
        "dagster/row_count": len(frame),
        "preview": dg.MetadataValue.md(preview(frame)),
    }
    return dg.MaterializeResult(asset_key=name, metadata=metadata, check_results=[unique, *checks])


def checked(asset: str, name: str, passed: bool, found: str) -> dg.AssetCheckResult:
    """`found` says in words what was seen, whether that is good or bad."""
    return dg.AssetCheckResult(passed=passed, check_name=name, asset_key=asset, metadata={"found": found})


def preview(frame: pl.DataFrame) -> str:
    """The first rows as a Markdown table, free text of participants left out; no cell can be markup."""
    head = frame.drop(FREE_TEXT, strict=False).head(PREVIEW_ROWS)
    rows = [[_cell(value) for value in row] for row in head.iter_rows()]
    lines = [head.columns, ["---"] * head.width, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    text = " ".join(str(value)[:PREVIEW_WIDTH].split())
    for mark, harmless in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("[", "&#91;"), ("`", "&#96;")):
        text = text.replace(mark, harmless)
    return text
