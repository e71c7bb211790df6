"""Stage raw: the deliberation app's tables in the lake, a file per day on which rows were created."""

from collections.abc import Mapping, Sequence

import dagster as dg
import dataframely as dy

from assets.metadata import FRESHNESS, OWNERS, Result, Results, column_schema
from assets.retries import retried
from dft_pipeline.raw.tables import APP_TABLES, OWN_TABLES, SOURCE_TABLES, SourceTable
from dft_pipeline.tables import TABLES
from resources.build import Workplace
from resources.extraction import SET_ASIDE, Extracted, extract, extract_set_aside

KNOWN_COLUMNS = "no_new_columns"


def raw_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", name])


def _spec(name: str, grain: str, columns: Mapping[str, dy.Column]) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(name),
        description=f"One row is {grain}.",
        group_name="raw",
        owners=OWNERS,
        kinds={"postgres", "parquet"},
        code_version="1",
        freshness_policy=FRESHNESS["raw"],
        metadata={"dagster/column_schema": column_schema(columns)},
    )


def _known_columns(name: str, new: Sequence[str]) -> dg.AssetCheckResult:
    """A warning of columns that nobody has declared; a declared one that is missing stops the run."""
    return dg.AssetCheckResult(
        passed=not new,
        check_name=KNOWN_COLUMNS,
        asset_key=raw_key(name),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"found": f"left out: {', '.join(new)}" if new else "no further columns"},
    )


@dg.multi_asset(
    name="raw_tables",
    specs=[
        *(_spec(table.name, table.grain, table.in_lake) for table in SOURCE_TABLES.values()),
        _spec(SET_ASIDE, "a row of a table file that loading set aside", TABLES[SET_ASIDE].columns),
    ],
    check_specs=[
        dg.AssetCheckSpec(KNOWN_COLUMNS, asset=raw_key(name), description="the source has no further columns")
        for name in SOURCE_TABLES
    ],
)
def raw_tables(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a row of the app's table, or of an own one; only days that differ are read again."""
    with retried(context), workplace.source() as url:
        yield from map(_extracted, extract(url, workplace.lake, APP_TABLES, workplace.withdrawn))
    with retried(context), workplace.database() as url:
        yield from map(_extracted, extract(url, workplace.lake, OWN_TABLES, workplace.withdrawn))
        rows = extract_set_aside(url, workplace.lake)
        yield dg.MaterializeResult(asset_key=raw_key(SET_ASIDE), metadata={"dagster/row_count": rows})


def _extracted(found: tuple[SourceTable, Extracted]) -> Result:
    table, extracted = found
    return dg.MaterializeResult(
        asset_key=raw_key(table.name),
        metadata={
            "dagster/row_count": extracted.rows,
            "days_written": len(extracted.days_written),
            "days_dropped": len(extracted.days_dropped),
        },
        check_results=[_known_columns(table.name, extracted.new_columns)],
    )
