"""Runs the job `nightly` in this process, as `dft build` does."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import dagster as dg
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import InterfaceError, OperationalError

from assets.dataset import READ
from assets.notices import causes, events_of, failure_notice, warning_notice
from dft_pipeline.definitions import defs
from dft_pipeline.manifest import settings_hash
from resources.build import BuildSettings, Workplace
from resources.notifier import Notice
from resources.problems import NoDatabase
from resources.runs import BY_COMMAND, end_dead_runs, living

Config = dict[str, Any]  # the fields of BuildSettings; None stands for the default


class UnknownAsset(ValueError):
    """A name that is no asset's."""


class CannotSelect(ValueError):
    """A part of the snapshot cannot be built alone."""


class RunFailed(RuntimeError):
    """A step or a blocking check failed; says which, and why."""


def run_nightly(
    url: str,
    day: date,
    config: Config,
    select: Sequence[str] | None,
    tell: Callable[[Notice], None],
) -> None:
    """Builds the day's snapshot. `select` names assets, None all.

    `tell` hears what a person should know: why it failed, its warnings, earlier runs whose process has died.
    Raises UnknownAsset, CannotSelect, NoDatabase where the database is lost, or RunFailed with the cause; a
    snapshot that was there before stays as it was.
    """
    job = defs.resolve_job_def("nightly")
    keys = None if select is None else _selected(job, select)
    if select is not None:
        _refuse_mixture(day, config, keys or [])
    with _instance() as instance:
        for run in end_dead_runs(instance, url):
            if BY_COMMAND in run.tags:
                tell(failure_notice(run, events_of(instance, run)))
        result = _execute(job, instance, url, day, config, keys)
    if not result.success:
        tell(failure_notice(result.dagster_run, result.all_events))
        raise RunFailed(_cause(result, day))
    if warning := warning_notice(result.dagster_run, result.all_events):
        tell(warning)


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage. Raises NoDatabase where that is lost in between."""
    try:
        with dg.DagsterInstance.get() as instance:
            # A connection for each of a run's hundreds of events would take a quarter of its time.
            instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=2)
            yield instance
    except (OperationalError, InterfaceError, DagsterPostgresException) as error:
        raise NoDatabase("the database was lost in the middle of the build") from error


def _execute(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    url: str,
    day: date,
    config: Config,
    keys: Sequence[dg.AssetKey] | None,
) -> dg.ExecuteInProcessResult:
    settings = {name: value for name, value in config.items() if value is not None}
    run_config = {"resources": {"build_settings": {"config": settings}}, "loggers": {"progress": {}}}
    run_id = str(uuid.uuid4())
    try:
        with living(url, run_id):
            return job.execute_in_process(
                run_config=run_config,
                instance=instance,
                partition_key=day.isoformat(),
                asset_selection=keys,
                raise_on_error=False,
                run_id=run_id,
                # The daemon begins crashed runs anew; those typed here it leaves to whoever typed them.
                tags={BY_COMMAND: "true", "dagster/max_retries": "0"},
            )
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None


def _selected(job: dg.JobDefinition, names: Sequence[str]) -> list[dg.AssetKey]:
    """The named assets, those made in the same step, and all that follows from them, the manifest last."""
    graph = job.asset_layer.asset_graph
    known = {key.to_user_string(): key for key in job.asset_layer.executable_asset_keys}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownAsset(f"no asset is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    wanted = dg.AssetSelection.assets(*(known[name] for name in names))
    for _ in range(len(known)):
        wider = wanted.required_multi_asset_neighbors().downstream()
        if wider.resolve(graph) == wanted.resolve(graph):
            break
        wanted = dg.AssetSelection.assets(*wider.resolve(graph))
    return sorted(wanted.resolve(graph))


def _refuse_mixture(day: date, config: Config, keys: Sequence[dg.AssetKey]) -> None:
    """Raises CannotSelect where a part, built now, would not fit the rest of the snapshot that is there."""
    workplace = Workplace()
    built = workplace.lake.manifest(day)
    if built is None:
        raise CannotSelect(f"there is no snapshot of {day} yet, of which a part could be built anew")
    if built["settings_hash"] != settings_hash(BuildSettings(**config).snapshot):
        raise CannotSelect(f"{day} was built with other settings; build it whole, with --replace")
    read = {file["path"] for file in built["raw_files"]}
    now = {file.path for name in READ for file in workplace.raw_files(name, day)}
    if read != now and not any(key.path[0] == "raw" for key in keys):
        raise CannotSelect(f"the lake has other rows of the source than {day} was built from; build it whole")


def _cause(result: dg.ExecuteInProcessResult, day: date) -> str:
    pages = Workplace().settings.docs_folder / f"as_of={day}" / "index.html"
    return "\n".join(
        [
            f"the build of {day} failed; {_left(result)}",
            *causes(result.all_events),
            *([f"the verdicts on its gates: {pages}"] if pages.exists() else []),
            f"the whole story: dft dev, run {result.run_id}",
        ]
    )


def _left(result: dg.ExecuteInProcessResult) -> str:
    """What there is now: the last step fails after the snapshot was published."""
    if any(event.is_step_failure and event.step_key == "sql_views" for event in result.all_events):
        return "its snapshot is in the lake, and SQL shows the one before until the next build"
    return "the last good snapshot stays as it was"
