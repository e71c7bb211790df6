"""What Dagster's web UI shows of a table: row count, schema and a preview; and checks on it, in words."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import dagster as dg
import dataframely as dy
import polars as pl

from dft_pipeline import markdown
from dft_pipeline.gates import Gate, Measured
from dft_pipeline.table_gates import measured_table, table_gates
from dft_pipeline.tables import FIRST_DAY, TABLES, VALUE_TEXTS
from dft_pipeline.values.texts import FREE_TEXTS
from resources.build import Workplace
from resources.expectations import Verdict
from resources.lake import manifest_path

OWNERS = ["team:dft-pipeline"]
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC")
PREVIEW_ROWS = 5
# What people wrote may tell who they are, and Dagster keeps what it is told, also of people who withdraw.
OF_PEOPLE = (*FREE_TEXTS, "value", "participant_id", "rater", "key")
OF_ONE_PERSON = {
    "articulated_cards": (*VALUE_TEXTS, "refusal_reason"),
    **dict.fromkeys(("reward_rows", "rubric_rows"), ("prompt",)),
    "prompt_contexts": ("prompt", "reason"),
    "completions": ("prompt", "text", "marked_text", "critique", "set_aside_for"),
    **dict.fromkeys(("completion_requests", "judge_requests"), ("request",)),
    "ratings_left_out": ("criterion",),
    "preference_pairs": ("prompt", "chosen", "rejected"),
    "evaluation_items": ("prompt", "question"),
}  # by table: other tables' values are many people's

# A night comes every 24 hours; two more are for a late or a long one. Where the clocks change, two nights can
# lie 47 hours apart without any harm: that warns, and after 50 hours a night has failed or was not begun.
LATE, MISSED = timedelta(hours=26), timedelta(hours=50)
# By group. Dagster looks at the last build of any day: a backfill of old days counts as well.
FRESHNESS = {
    group: dg.FreshnessPolicy.time_window(fail_window=MISSED, warn_window=LATE)
    for group in ("raw", "values", "graph", "dataset", "training", "lineage", "reports")
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
        metadata={"dagster/column_schema": column_schema(TABLES[name].columns)},
    )


def column_schema(columns: Mapping[str, dy.Column]) -> dg.TableSchema:
    """Each column's name, type and meaning, as the web UI shows them."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                name,
                str(declared.dtype),
                declared.description,
                constraints=dg.TableColumnConstraints(nullable=declared.nullable),
            )
            for name, declared in columns.items()
        ]
    )


def check_specs(names: Sequence[str], gates: Sequence[Gate]) -> list[dg.AssetCheckSpec]:
    """The checks of a step that makes these tables: the gates that every table has, and those given."""
    every = [gate for name in names for gate in table_gates(name)]
    return [
        dg.AssetCheckSpec(gate.name, asset=gate.asset, description=gate.says, blocking=gate.blocks)
        for gate in (*every, *gates)
    ]


def finished(
    workplace: Workplace,
    step: str,
    day: date,
    tables: Mapping[str, pl.DataFrame],
    measured: Sequence[Measured] = (),
    told: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Results:
    """Keeps the finished tables of a step, has its gates judged, and tells the web UI of both.

    `told`: what else the web UI shows of a table, by table and name.
    """
    for name, frame in tables.items():
        workplace.keep(name, day, frame)
    every = [one for name, frame in tables.items() for one in measured_table(name, frame)]
    verdicts = workplace.judge(step, day, [*every, *measured])
    for name, frame in tables.items():
        shown = preview(frame.drop(OF_ONE_PERSON.get(name, ())))
        yield dg.MaterializeResult(
            asset_key=name,
            metadata={
                "dagster/row_count": len(frame),
                "manifest": manifest_path(day),
                # The manifest is written last, and so are its own bytes; what it says of this table is known.
                "manifest_entry": dg.MetadataValue.json(workplace.file(name, day)._asdict()),
                "preview": dg.MetadataValue.md(shown),
                **told.get(name, {}),
            },
            check_results=[checked(verdict) for verdict in verdicts if verdict.gate.asset == name],
        )


def checked(verdict: Verdict) -> dg.AssetCheckResult:
    """A verdict for the web UI: what must hold, and in words what was seen, good or bad."""
    return dg.AssetCheckResult(
        passed=verdict.passed,
        check_name=verdict.gate.name,
        asset_key=verdict.gate.asset.split("/"),
        severity=dg.AssetCheckSeverity.ERROR if verdict.gate.blocks else dg.AssetCheckSeverity.WARN,
        metadata={"must_hold": verdict.gate.says, "found": verdict.found},
    )


def preview(frame: pl.DataFrame) -> str:
    """The first rows as a Markdown table, without free text and names of people; no cell can be markup."""
    head = frame.drop(OF_PEOPLE, strict=False).head(PREVIEW_ROWS)
    return markdown.table(
        head.columns, [[markdown.harmless(cell) for cell in row] for row in head.iter_rows()]
    )


def picture(svg: bytes) -> dg.MarkdownMetadataValue:
    """A drawing that the web UI shows."""
    return dg.MetadataValue.md(f"![](data:image/svg+xml;base64,{b64encode(svg).decode()})")
