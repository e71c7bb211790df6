"""Runs whose process has died, which Dagster alone would take for running, and would let all others wait for.

Dagster is told of a run's end by the run itself. A process that is killed, or whose machine stops, tells
nothing; so each holds a lock in the database while it lives, and whoever comes next looks at the locks.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from resources import sql
from resources.database import connect

BY_COMMAND = "dft/by_command"  # the tag of runs that `dft build` has started, in its own process
# A run that the daemon starts takes its lock a little after it has begun, when its database answers.
BEGINNING_S = 180
DIED = "the process of the run died: it was killed, or its machine stopped"


@contextmanager
def living(url: str, run_id: str) -> Iterator[None]:
    """Says that the run's process is alive; it is free again when that has ended, however it ends."""
    with connect(url) as connection:
        connection.autocommit = True
        connection.execute(sql.text("dft/hold_run"), {"run": run_id})
        yield


def end_dead_runs(instance: dg.DagsterInstance, url: str) -> list[dg.DagsterRun]:
    """Marks runs as failed whose process has died, and gives them as they were."""
    started = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    dead = [record.dagster_run for record in started if _is_dead(url, record)]
    for run in dead:
        instance.report_run_failed(run, DIED)
    return dead


def _is_dead(url: str, record: dg.RunRecord) -> bool:
    run, began = record.dagster_run, record.start_time or record.create_timestamp.timestamp()
    with connect(url) as connection:
        row = connection.execute(sql.text("dft/run_is_dead"), {"run": run.run_id, "began": began}).fetchone()
    assert row is not None
    is_free, age_s = row
    return bool(is_free) and (BY_COMMAND in run.tags or age_s > BEGINNING_S)
