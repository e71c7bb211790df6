"""What became of the last run of the job `nightly`, by Dagster's own records."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import dagster as dg
from dagster import DagsterEventType


class FailedCheck(NamedTuple):
    """A gate that did not hold; `blocks`: nothing was published because of it."""

    asset: str
    check: str
    blocks: bool
    found: str


class LastRun(NamedTuple):
    """A run of the job, by whomever it was started; `day` is the one that it built."""

    run_id: str
    day: str | None
    outcome: str
    started: datetime | None
    ended: datetime | None
    failed_checks: list[FailedCheck]


def last_run() -> LastRun | None:
    """The run that started last, or None where none ever did."""
    with dg.DagsterInstance.get() as instance:
        records = instance.get_run_records(dg.RunsFilter(job_name="nightly"), limit=1)
        if not records:
            return None
        run = records[0].dagster_run
        events = instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
        checks = [entry.get_dagster_event().asset_check_evaluation_data for entry in events]
        return LastRun(
            run.run_id,
            run.tags.get("dagster/partition"),
            run.status.value.lower(),
            _time(records[0].start_time),
            _time(records[0].end_time),
            [_failed(check) for check in checks if not check.passed],
        )


def _failed(check: Any) -> FailedCheck:
    found = check.metadata["found"].value if "found" in check.metadata else ""
    blocks = check.severity == dg.AssetCheckSeverity.ERROR
    return FailedCheck(check.asset_key.to_user_string(), check.check_name, blocks, str(found))


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
