"""What a run's events mean for whoever runs the project: which asset, which day, why, and what to do."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import dagster as dg

from dft_pipeline.dataset.gamma import CyclicGraph
from resources.notifier import Notice
from resources.problems import Problem

PARTITION = "dagster/partition"


class _Trouble(NamedTuple):
    asset: str
    cause: str
    is_check: bool


def innermost(error: Any) -> str:
    """The message of the first cause, without its traceback, and without its class where that is ours."""
    first = _first_cause(error)
    message = str(first.message).strip()
    return message.partition(f"{first.cls_name}: ")[2] or message if _is_ours(first) else message


def events_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[dg.DagsterEvent]:
    """What Dagster has kept of a run."""
    entries = instance.all_logs(run.run_id)
    return [entry.dagster_event for entry in entries if entry.dagster_event is not None]


def failure_notice(run: dg.DagsterRun, events: Iterable[dg.DagsterEvent]) -> Notice:
    """Of a run that failed; its events in their order."""
    found = list(events)
    troubles = list(_troubles(found)) or [_Trouble("", _cause_of_run(found), is_check=False)]
    day = run.tags.get(PARTITION)
    causes = "; ".join(f"{one.asset}: {one.cause}" if one.asset else one.cause for one in troubles)
    command = f"dft build --as-of {day or 'DAY'}"
    look = any(one.is_check for one in troubles)
    go_on = f"see dft status, mend what the check found, then: {command}" if look else command
    text = (
        f"The build of {day or 'no day'} failed. {causes}. The last good snapshot stays as it was. "
        f"To go on: {go_on}"
    )
    return Notice(text, run.job_name, troubles[0].asset or None, day, causes, go_on, run.run_id)


def causes(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """Why a run failed, each cause with its asset or step."""
    found = list(events)
    return [f"{one.asset}: {one.cause}" for one in _troubles(found)] or [_cause_of_run(found)]


def warning_notice(run: dg.DagsterRun, events: Iterable[dg.DagsterEvent]) -> Notice | None:
    """Of a run that did not fail; None where all its checks passed."""
    failed = [_check(event) for event in events if _is_failed_check(event)]
    if not failed:
        return None
    day = run.tags.get(PARTITION)
    causes = "; ".join(f"{one.asset}: {one.cause}" for one in failed)
    text = f"{day or 'The run'} is built, with warnings. {causes}. To see more: dft status"
    return Notice(text, run.job_name, failed[0].asset, day, causes, "dft status", run.run_id)


def problem_notice(job: str, day: str, problem: Exception) -> Notice:
    """Of a build that failed before it had a run, or lost the database that knows of it."""
    cause, go_on = str(problem), f"dft build --as-of {day}"
    text = f"The build of {day} failed. {cause}. To go on: {go_on}"
    return Notice(text, job, None, day, cause, go_on, None)


def _troubles(events: Iterable[dg.DagsterEvent]) -> Iterator[_Trouble]:
    """Failed blocking checks, and the steps that failed of themselves."""
    stopped = set()
    for event in events:
        if _is_failed_check(event) and event.asset_check_evaluation_data.blocking:
            stopped.add(event.step_key)
            yield _check(event)
        elif event.event_type_value == "STEP_FAILURE" and event.step_key not in stopped:
            cause = _fit_to_tell(event.step_failure_data.error)
            yield _Trouble(str(event.step_key), cause, is_check=False)


def _is_failed_check(event: dg.DagsterEvent) -> bool:
    is_check = event.event_type_value == "ASSET_CHECK_EVALUATION"
    return is_check and not event.asset_check_evaluation_data.passed


def _check(event: dg.DagsterEvent) -> _Trouble:
    evaluation = event.asset_check_evaluation_data
    found = evaluation.metadata["found"].value if "found" in evaluation.metadata else "it failed"
    return _Trouble(evaluation.asset_key.to_user_string(), f"{evaluation.check_name}: {found}", is_check=True)


def _cause_of_run(events: Iterable[dg.DagsterEvent]) -> str:
    """Why a run failed of which no step did: before the first, or from outside."""
    for event in events:
        if event.event_type_value == "PIPELINE_FAILURE":
            data = event.event_specific_data
            error = getattr(data, "error", None)
            return _fit_to_tell(error) if error is not None else str(event.message)
    return "nobody knows why"


def _fit_to_tell(error: Any) -> str:
    """The cause, in words where they are ours: a foreign error may repeat what people wrote."""
    if error is None:
        return "nobody knows why"
    first = _first_cause(error)
    return innermost(error) if _is_ours(first) else f"{first.cls_name}, explained in the run's log"


def _first_cause(error: Any) -> Any:
    while error.cause is not None:
        error = error.cause
    return error


def _is_ours(error: Any) -> bool:
    """Whether the project has written its message."""
    names, kinds = {CyclicGraph.__name__}, [Problem]
    while kinds:
        kind = kinds.pop()
        names.add(kind.__name__)
        kinds += kind.__subclasses__()
    return error.cls_name in names
