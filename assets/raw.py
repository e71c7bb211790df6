"""Stage raw: the deliberation app's tables in the lake, a file per day on which rows were created."""

import dagster as dg

from assets.metadata import FRESHNESS, OWNERS, Results
from assets.retries import retried
from dft_pipeline.raw.tables import SOURCE_TABLES
from resources.build import Workplace
from resources.extraction import SET_ASIDE, extract, extract_set_aside


def raw_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", name])


def _spec(name: str, grain: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(name),
        description=f"One row is {grain}.",
        group_name="raw",
        owners=OWNERS,
        kinds={"postgres", "parquet"},
        code_version="1",
        freshness_policy=FRESHNESS["raw"],
    )


@dg.multi_asset(
    name="raw_tables",
    specs=[
        *(_spec(table.name, table.grain) for table in SOURCE_TABLES.values()),
        _spec(SET_ASIDE, "a row of a table file that loading set aside"),
    ],
)
def raw_tables(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a row of the app's table; only days that differ from the lake's are read again."""
    with retried(context), workplace.source() as url:
        for table, extracted in extract(url, workplace.lake):
            yield dg.MaterializeResult(
                asset_key=raw_key(table.name),
                metadata={
                    "dagster/row_count": extracted.rows,
                    "days_written": len(extracted.days_written),
                    "days_dropped": len(extracted.days_dropped),
                },
            )
    with retried(context), workplace.database() as url:
        rows = extract_set_aside(url, workplace.lake)
        yield dg.MaterializeResult(asset_key=raw_key(SET_ASIDE), metadata={"dagster/row_count": rows})
