"""Dagster's definitions: the assets, what they run with, the nightly job and its schedule."""

import dagster as dg

from assets import dataset, graph, raw, reports, values
from dft_pipeline.cli.progress import progress_logger
from resources.build import BuildSettings, Workplace

ASSETS = [
    raw.raw_tables,
    values.cards_to_values,
    values.participants_to_voices,
    graph.consensus,
    graph.ranking,
    dataset.training_rows,
    reports.reports,
    dataset.snapshot_manifest,
]

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all(),
    description="From the app's tables to training rows, as of the end of a day.",
)

every_night = dg.build_schedule_from_partitioned_job(
    nightly,
    name="every_night",
    hour_of_day=1,
    description="Builds the day that has ended.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

defs = dg.Definitions(
    assets=ASSETS,
    jobs=[nightly],
    schedules=[every_night],
    resources={
        "workplace": Workplace(),
        "build_settings": BuildSettings.configure_at_launch(),
    },
    # One process for all steps: they share the lake, and a process for each would take longer than the work.
    executor=dg.in_process_executor,
    loggers={"progress": progress_logger},
)
