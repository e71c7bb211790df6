"""Runs the job `nightly` in this process, as `dft build` does."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg

from dft_pipeline.definitions import defs
from resources.build import Workplace

ALWAYS = "manifest"  # without it, what was built would not be published


class UnknownAsset(ValueError):
    """A name that is no asset's."""


class RunFailed(RuntimeError):
    """A step or a blocking check failed; says which, and why."""


def run_nightly(day: date, config: dict[str, str | None], select: Sequence[str] | None) -> None:
    """Builds the day's snapshot. `config` has the fields of BuildSettings; `select` names assets, None all.

    Raises UnknownAsset, or RunFailed with the cause; a snapshot that was there before stays as it was.
    """
    job = defs.resolve_job_def("nightly")
    keys = None if select is None else _keys(job, select)
    Workplace().lake.clear_staging(day)
    settings = {name: value for name, value in config.items() if value is not None}
    run_config = {"resources": {"build_settings": {"config": settings}}, "loggers": {"progress": {}}}
    with dg.DagsterInstance.get() as instance:
        # A connection for each of a run's hundreds of events would take a quarter of its time.
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=2)
        result = job.execute_in_process(
            run_config=run_config,
            instance=instance,
            partition_key=day.isoformat(),
            asset_selection=keys,
            raise_on_error=False,
        )
        if not result.success:
            raise RunFailed(_cause(result, day))


def _keys(job: dg.JobDefinition, names: Sequence[str]) -> list[dg.AssetKey]:
    known = {key.to_user_string(): key for key in job.asset_layer.executable_asset_keys}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownAsset(f"no asset is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return [known[name] for name in {*names, ALWAYS}]


def _cause(result: dg.ExecuteInProcessResult, day: date) -> str:
    troubles = [
        f"{event.step_key}: {_innermost(event.step_failure_data.error)}"
        for event in result.all_events
        if event.event_type_value == "STEP_FAILURE"
    ]
    first = f"the build of {day} failed; the last good snapshot stays as it was"
    return "\n".join([first, *troubles, f"the whole story: dft dev, run {result.run_id}"])


def _innermost(error: Any) -> str:
    while error.cause is not None:
        error = error.cause
    return str(error.message).strip()
