"""Withdrawal: somebody's data leaves database and lake, and the snapshots that held it are built again.

What belongs here: the order of it. Each step may be repeated, so that a withdrawal that stopped half-way goes
on where it stopped.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import psycopg

from assets.nights import nightly
from assets.rebuilding import COMPARED, rebuild
from dft_pipeline.history.counterfactual import Changes, compared
from dft_pipeline.history.exports import Export, superseded
from dft_pipeline.values.pseudonyms import fingerprint
from dft_pipeline.values.withdrawal import Gone
from resources import cleaning, withdrawals
from resources.build import Workplace, code_version
from resources.database import connect, not_lost, one_writer
from resources.lake import Lake
from resources.problems import LakeProblem
from resources.publication import show
from resources.revising import revised
from resources.runs import BY_COMMAND, living
from resources.settings import Settings, settings
from resources.withdrawals import Withdrawn

Tell = Callable[[str], None]


class Influence(NamedTuple):
    """What a snapshot is without some people. `same_code`: nothing else can make the difference."""

    as_of: date
    same_code: bool
    changes: dict[str, Changes]


class Left(NamedTuple):
    """What was deleted: rows of the app's tables and in raw files by table, and what else, by how many."""

    rows: dict[str, int]
    raw_rows: dict[str, int]
    quarantine: int
    questions: int
    vectors: int
    snapshots: list[Influence]
    superseded_exports: list[Export]


def influence(
    chosen: Settings, people: frozenset[str], tell: Tell
) -> tuple[dict[str, int], Influence | None]:
    """What the latest snapshot would be without people, by their pseudonyms; and their rows in it, by table.

    Nothing changes. None where there is no snapshot, or it holds nothing of theirs.
    """
    lake, withdrawn = Lake(chosen.lake_url), Withdrawn(chosen.key(), people, frozenset())
    days = lake.days()
    paths = [] if not days else cleaning.raw_files(lake, days[-1])
    gone = cleaning.gone_in(lake, withdrawn, paths)
    if not days or days[-1] not in cleaning.holding(lake, gone, withdrawn, days[-1:]):
        return {}, None
    _refuse_other_keys(lake, withdrawn, days[-1:])
    tell(f"{days[-1]} is built again without them, aside")
    with _built_aside(lake, days[-1], gone, withdrawn, whole=False) as aside:
        return cleaning.rows_of(lake, paths, gone), _influence(lake, aside, days[-1])


def carry_out(url: str, chosen: Settings, tell: Tell) -> Left:
    """Makes database and lake hold nothing of anybody on the list, and rebuilds what held it, oldest first.

    Raises LakeProblem where a build is under way, or RebuildFailed; the same again goes on.
    """
    lake = Lake(chosen.lake_url)
    with one_writer(url, lake.url):
        lake.clear_staging()
        with connect(url) as connection, not_lost():
            withdrawn = withdrawals.listed(connection, chosen.key())
            paths = cleaning.raw_paths(lake)
            gone = _both(
                withdrawals.gone_here(connection, withdrawn), cleaning.gone_in(lake, withdrawn, paths)
            )
            days = cleaning.holding(lake, gone, withdrawn, lake.days())
            _refuse_other_keys(lake, withdrawn, days)
            raw_rows = cleaning.rows_of(lake, paths, gone)
            from_database = _out_of_database(connection, lake, withdrawn, gone, paths)
        cleaning.clean_indexes(lake, gone, withdrawn)
        found = [_rebuilt(lake, day, gone, withdrawn, chosen, tell) for day in days]
        lake.sweep_raw()
        show(lake, url)
        with connect(url) as connection, not_lost():
            withdrawals.finish(connection, withdrawn.people)
        old = superseded(lake.exports(), lake.manifest_hashes())
        return Left(**from_database, raw_rows=raw_rows, snapshots=found, superseded_exports=old)


def unfinished(url: str, chosen: Settings) -> bool:
    """Whether people are on the list, such as for revoked consent, whose data may still be somewhere."""
    with connect(url) as connection, not_lost():
        return withdrawals.unfinished(connection, chosen.key()) > 0


def _out_of_database(
    connection: psycopg.Connection[Any], lake: Lake, withdrawn: Withdrawn, gone: Gone, paths: list[str]
) -> dict[str, Any]:
    """In one transaction, what they wrote first: it tells which answers of a model are about them."""
    withdrawals.add_chats(connection, withdrawn.key, gone.chats)
    withdrawn = withdrawals.listed(connection, withdrawn.key)
    here, there = withdrawals.words_here(connection, gone), cleaning.words_in(lake, gone, paths)
    cards, chats = cleaning.both_words(here, there)
    return {
        "questions": withdrawals.forget_told(connection, cards.rows(), chats),
        "vectors": withdrawals.forget_vectors(connection, cleaning.hashes_of(lake, cards)),
        "quarantine": withdrawals.forget_quarantine(connection, withdrawn),
        "rows": withdrawals.delete_rows(connection, gone),
    }


def _rebuilt(
    lake: Lake, day: date, gone: Gone, withdrawn: Withdrawn, chosen: Settings, tell: Tell
) -> Influence:
    tell(f"{day} is built again without them")
    with _built_aside(lake, day, gone, withdrawn, whole=True) as aside:
        found = _influence(lake, aside, day)
        changed = revised(lake, day, aside.manifest(day) or {}, aside.snapshot)
        lake.adopt(aside, day, "withdrawal", changed)
        pages = Path(aside.root).parent / chosen.docs_folder.name / f"as_of={day}"
        if pages.is_dir():
            shutil.copytree(pages, chosen.docs_folder / pages.name, dirs_exist_ok=True)
    return found


@contextmanager
def _built_aside(lake: Lake, day: date, gone: Gone, withdrawn: Withdrawn, whole: bool) -> Iterator[Lake]:
    """A lake in a passing folder with the day's snapshot, from its raw files but for people's rows."""
    with tempfile.TemporaryDirectory(prefix="dft-") as name:
        aside = Lake(f"{name}/lake")
        cleaning.cleaned(lake, day, gone, withdrawn, aside)
        manifest = lake.manifest(day) or {}
        rebuild(Path(name), day, manifest["settings"], None if whole else COMPARED)
        yield aside


def _influence(lake: Lake, aside: Lake, day: date) -> Influence:
    same_code = (lake.manifest(day) or {}).get("code") == code_version()
    changes = compared(lambda table: lake.snapshot(table, day), lambda table: aside.in_build(table, day))
    return Influence(day, same_code, changes)


def _both(one: Gone, other: Gone) -> Gone:
    return Gone(one.users | other.users, one.chats | other.chats)


def _refuse_other_keys(lake: Lake, withdrawn: Withdrawn, days: list[date]) -> None:
    """Raises LakeProblem where a snapshot that must be rebuilt knows people by other pseudonyms."""
    for day in days:
        if (lake.manifest(day) or {})["key_fingerprint"] != fingerprint(withdrawn.key):
            raise LakeProblem(
                f"{day} was built with another pseudonym key; first, to give everybody another name there: "
                f"dft build --as-of {day} --replace"
            )


@dg.op(description="Takes out what is left of people on the list of withdrawals.")
def finish_withdrawals(context: dg.OpExecutionContext) -> None:
    chosen = settings()
    with Workplace().database() as url, living(url, context.run_id):
        if unfinished(url, chosen):
            carry_out(url, chosen, context.log.info)


@dg.job(description="Withdrawals that a night has found: consent that was revoked.")
def withdrawing() -> None:
    finish_withdrawals()


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[nightly],
    request_job=withdrawing,
    description="After a night that found revoked consent: rebuilds older snapshots without those people.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def revoked_consent(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    run = context.dagster_run
    with Workplace().database() as url:
        is_open = BY_COMMAND not in run.tags and unfinished(url, settings())
    yield dg.RunRequest(run_key=run.run_id) if is_open else dg.SkipReason("nobody's data is left to take out")
