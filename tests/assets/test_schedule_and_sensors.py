"""The schedule in several time zones and when the clocks change; what a notice says, and does not say."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from assets.metadata import FRESHNESS
from assets.nights import ended_days, every_night
from assets.notices import failure_notice, warning_notice
from dft_pipeline.definitions import defs
from resources.database import DAGSTER_YAML
from resources.problems import NoDatabase

Run = Callable[[dg.AssetsDefinition], dg.ExecuteInProcessResult]

ONE_DAY = timedelta(days=1)
NIGHTS = {
    "UTC": ("2024-01-15", ["2024-01-14"]),
    "Asia/Tokyo": ("2024-01-15", ["2024-01-13"]),  # 16:00 of the 14th in UTC
    "Pacific/Auckland": ("2024-01-15", ["2024-01-13"]),
    "America/Los_Angeles": ("2024-01-15", ["2024-01-14"]),
    "Europe/Berlin": ("2024-01-15", ["2024-01-14"]),  # midnight in UTC: the day has just ended
}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _days(instance: dg.DagsterInstance, zone: str, night: str) -> list[str]:
    """The days that the schedule asks for at 01:00."""
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime.fromisoformat(f"{night}T01:00").replace(tzinfo=ZoneInfo(zone)),
        repository_def=defs.get_repository_def(),
    )
    requests = every_night(zone).evaluate_tick(context).run_requests or []
    assert all(request.run_key == request.partition_key for request in requests), "a day is begun once"
    return [str(request.partition_key) for request in requests]


@pytest.mark.parametrize("zone", NIGHTS)
def test_a_night_builds_the_latest_day_that_has_ended_in_utc(instance: dg.DagsterInstance, zone: str) -> None:
    night, days = NIGHTS[zone]
    assert _days(instance, zone, night) == days


@pytest.mark.parametrize(
    ("night", "days"),
    [
        ("2024-03-31", ["2024-03-30"]),  # the clocks change at 02:00
        ("2024-04-01", []),  # 23:00 in UTC: the 31st has not ended
        ("2024-04-02", ["2024-03-31"]),
        ("2024-10-27", ["2024-10-25"]),
        ("2024-10-28", ["2024-10-26", "2024-10-27"]),  # 25 hours later, midnight in UTC
        ("2024-10-29", ["2024-10-28"]),
    ],
)
def test_a_change_of_the_clocks_neither_skips_a_day_nor_builds_one_twice(
    instance: dg.DagsterInstance, night: str, days: list[str]
) -> None:
    assert _days(instance, "Europe/Berlin", night) == days


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/London", "Europe/Lisbon", "Europe/Berlin", "America/Havana", "Asia/Kathmandu"]
)
def test_a_year_of_nights_builds_every_day_once_and_in_order(zone: str) -> None:
    ticks = _ticks(every_night(zone), datetime(2024, 1, 2, tzinfo=UTC), datetime(2025, 1, 3, tzinfo=UTC))
    days = []
    for tick in ticks:
        ended = ended_days(tick, ZoneInfo(zone))
        assert all(datetime(day.year, day.month, day.day, tzinfo=UTC) + ONE_DAY <= tick for day in ended)
        days += [day for day in ended if day not in days]
    assert days == [days[0] + number * ONE_DAY for number in range(len(days))]
    assert len(days) >= 365


def _ticks(schedule: dg.ScheduleDefinition, begin: datetime, end: datetime) -> Iterator[datetime]:
    """When Dagster itself wakes the schedule."""
    from dagster._utils.schedules import schedule_execution_time_iterator

    for tick in schedule_execution_time_iterator(
        begin.timestamp(), schedule.cron_schedule, schedule.execution_timezone
    ):
        if tick > end:
            return
        yield tick


# Notices


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    return lambda asset: dg.materialize([asset], instance=instance, raise_on_error=False)


def test_a_notice_of_a_failed_step_says_which_and_why(run: Run) -> None:
    @dg.asset
    def reading() -> None:
        raise NoDatabase("the source does not answer")

    result = run(reading)
    notice = failure_notice(result.dagster_run, result.all_events)
    assert (notice.asset, notice.cause) == ("reading", "reading: the source does not answer")
    assert notice.go_on == "dft build --as-of DAY"
    assert "Traceback" not in notice.text


def test_a_notice_repeats_no_text_of_a_foreign_error(run: Run) -> None:
    @dg.asset
    def counting() -> None:
        try:
            int("I am Ann")
        except ValueError as error:
            raise RuntimeError("no count in 'I am Ann'") from error

    result = run(counting)
    notice = failure_notice(result.dagster_run, result.all_events)
    assert notice.cause == "counting: ValueError, explained in the run's log"
    assert "Ann" not in str(notice)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_failed_check_is_told_with_what_it_found(run: Run, blocking: bool) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("enough", asset="people", blocking=blocking)])
    def people() -> dg.MaterializeResult:
        check = dg.AssetCheckResult(passed=False, metadata={"found": "3 people"})
        return dg.MaterializeResult(check_results=[check])

    result = run(people)
    assert result.success is not blocking
    told = failure_notice if blocking else warning_notice
    notice = told(result.dagster_run, result.all_events)
    assert notice is not None
    assert notice.asset == "people"
    assert notice.cause == "people: enough: 3 people"
    assert "dft status" in notice.go_on


def test_a_night_without_a_failed_check_is_told_to_nobody(run: Run) -> None:
    @dg.asset
    def people() -> None: ...

    result = run(people)
    assert warning_notice(result.dagster_run, result.all_events) is None


# What else the daemon is told


def test_every_asset_is_expected_every_night() -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.freshness_policy == FRESHNESS[str(spec.group_name)], spec.key


def test_a_run_that_died_is_begun_anew_as_a_whole() -> None:
    assert defs.resolve_job_def("nightly").run_tags["dagster/retry_strategy"] == "ALL_STEPS"


def test_runs_wait_for_each_other_and_failed_steps_stay_failed() -> None:
    import yaml

    overrides = yaml.safe_load(DAGSTER_YAML)
    del overrides["storage"]
    with dg.instance_for_test(overrides) as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
        assert instance.run_retries_max_retries == 1
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert instance.run_monitoring_enabled
        assert "FRESHNESS_DAEMON" in instance.get_required_daemon_types()
