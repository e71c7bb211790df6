"""Dagster's definitions: the assets, what they run with, the nightly job, its schedule and sensors."""

import dagster as dg

from assets import dataset, nights, raw, withdrawing
from dft_pipeline.cli.progress import progress_logger
from resources.build import BuildSettings, Workplace
from resources.settings import settings

ASSETS = [raw.raw_tables, *dataset.STEPS, dataset.snapshot_manifest, dataset.sql_views]

defs = dg.Definitions(
    assets=ASSETS,
    jobs=[nights.nightly, withdrawing.withdrawing],
    schedules=[nights.every_night(settings().time_zone)],
    sensors=[
        nights.failed_nights,
        nights.nights_with_warnings,
        nights.dead_runs,
        withdrawing.revoked_consent,
    ],
    resources={
        "workplace": Workplace(),
        "build_settings": BuildSettings.configure_at_launch(),
    },
    # One process for all steps: they share the lake, and a process for each would take longer than the work.
    executor=dg.in_process_executor,
    loggers={"progress": progress_logger},
)
