"""What the daemon does by itself: begins each night, ends runs that died, tells of nights that failed."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from assets.notices import events_of, failure_notice, warning_notice
from resources.build import Workplace
from resources.notifier import notifier
from resources.runs import BY_COMMAND, end_dead_runs
from resources.settings import settings

HOUR = 1
LOOK_S = 30  # how often the daemon looks for runs that failed or died

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all(),
    description="From the app's tables to training rows, as of the end of a day.",
    # What a run has staged is gone when the next begins: one that died is begun anew as a whole.
    tags={"dagster/retry_strategy": "ALL_STEPS"},
)


def every_night(time_zone: str) -> dg.ScheduleDefinition:
    """At 01:00 in the time zone: the days that have ended in UTC since 01:00 of the day before."""

    @dg.schedule(
        cron_schedule=f"0 {HOUR} * * *",
        execution_timezone=time_zone,
        job=nightly,
        name="every_night",
        description="Builds the day that has ended, in UTC.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def _every_night(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        days = ended_days(context.scheduled_execution_time, ZoneInfo(time_zone))
        if not days:
            yield dg.SkipReason("no day has ended in UTC since yesterday: the clocks here have changed")
        for day in days:
            yield dg.RunRequest(run_key=str(day), partition_key=str(day))

    return _every_night


def ended_days(night: datetime, zone: ZoneInfo) -> list[date]:
    """The days that have ended in UTC since 01:00 of the day before the night.

    One; where the clocks have changed in between, and 01:00 is near midnight in UTC, two or none.
    """
    local = night.astimezone(zone).date()
    before = datetime.combine(local - timedelta(days=1), time(HOUR), zone)
    first, last = (moment.astimezone(UTC).date() for moment in (before, night))
    return [first + timedelta(days=number) for number in range((last - first).days)]


# Runs of `dft build` are not told of here: the command tells of its own, unless its process died.


@dg.run_failure_sensor(
    monitored_jobs=[nightly],
    description="Tells of a night that failed: the asset, the day, the cause, and the command to go on.",
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def failed_nights(context: dg.RunFailureSensorContext) -> None:
    run = context.dagster_run
    if BY_COMMAND not in run.tags and run.tags.get("dagster/will_retry") != "true":
        _tell_of_failure(context.instance, run, context.log)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[nightly],
    description="Tells of a night that was built although some of its checks failed.",
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def nights_with_warnings(context: dg.RunStatusSensorContext) -> None:
    run = context.dagster_run
    if BY_COMMAND in run.tags:
        return
    if notice := warning_notice(run, events_of(context.instance, run)):
        notifier(settings(), context.log).notify(notice)


@dg.sensor(
    description="Ends runs whose process has died, for which the queue would wait for ever.",
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    with Workplace().database() as url:
        dead = end_dead_runs(context.instance, url)
    for run in dead:
        if BY_COMMAND in run.tags:
            _tell_of_failure(context.instance, run, context.log)
    return dg.SkipReason(f"runs that died: {', '.join(run.run_id for run in dead) or 'none'}")


def _tell_of_failure(instance: dg.DagsterInstance, run: dg.DagsterRun, log: logging.Logger) -> None:
    notifier(settings(), log).notify(failure_notice(run, events_of(instance, run)))
