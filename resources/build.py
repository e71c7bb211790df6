"""Dagster's resources: where a build reads and writes, and the settings that it is made with."""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import psycopg
from pydantic import PrivateAttr

from dft_pipeline.dataset.moral_similarity import Judge
from dft_pipeline.gates import Measured
from dft_pipeline.history.publication_log import Reason
from dft_pipeline.history.retention import no_longer_kept
from dft_pipeline.manifest import File, settings_hash
from dft_pipeline.policies import SnapshotSettings, Training, snapshot_settings
from dft_pipeline.raw.tables import SOURCE_TABLES, SourceColumn
from dft_pipeline.tables import TABLES
from dft_pipeline.training.asking import Ask
from dft_pipeline.training.scores import Judge as CriterionJudge
from dft_pipeline.training.scores import Questions
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.embeddings import looked_up
from dft_pipeline.values.pseudonyms import pseudonymised, pseudonymiser
from dft_pipeline.values.setting_aside import without
from dft_pipeline.values.strategies import Means
from dft_pipeline.values.texts import without_texts
from dft_pipeline.values.writing import Write, written_cards
from resources.card_judge import asks, texts
from resources.card_writer import card_writer
from resources.completion_writer import completion_writer
from resources.context_judge import context_judge
from resources.criterion_judge import criterion_judge, judge_questions
from resources.database import connect, database, libpq, not_lost, one_writer, prepare, refuse_if_lost
from resources.embedder import Embedder, embedder
from resources.expectations import Verdict, forget, judge
from resources.extraction import SET_ASIDE, raw_schema, set_aside_schema
from resources.lake import Lake, RawFile, published, row_count, sha256
from resources.language_model import answers_from_before, language_model
from resources.patience import patiently
from resources.policy_files import deduplication, participants
from resources.problems import PartOfRun, Problem
from resources.publication import Shown, show
from resources.revising import revised
from resources.runs import living
from resources.settings import Settings, settings
from resources.withdrawals import Withdrawn, add, add_chats, gone_here, listed


class BuildSettings(dg.ConfigurableResource):  # type: ignore[type-arg]
    """How a snapshot is made, in the words of `dft build`; what is not said is the project's default.

    `withdrawal`: it is made because somebody's data was taken out, and the publication log says so.
    `exactly`: instead of the words, settings as a manifest has them, as JSON.
    """

    policy: str | None = None
    h: str | None = None
    dedup: str | None = None
    participants: str | None = None
    accept_drop: bool = False
    withdrawal: bool = False
    exactly: str | None = None

    @property
    def reason(self) -> Reason | None:
        """What the publication log says; None where it is what follows from the manifests."""
        return "withdrawal" if self.withdrawal else None

    @property
    def snapshot(self) -> SnapshotSettings:
        if self.exactly is not None:
            return SnapshotSettings.model_validate_json(self.exactly)
        chosen = settings()
        return snapshot_settings(
            self.policy,
            self.h,
            self.dedup,
            participants(self.participants, chosen),
            chosen.embed_model,
            chosen.openai_api_key is not None,
            deduplication(chosen),
            chosen.publish_texts,
            chosen.write_completions,
            chosen.trust_judge,
        )


class Workplace(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The lake, the database and the pseudonym key that the environment names, opened when needed.

    `folder`: instead of the environment's, where the lake and the pages of a trial are.
    """

    folder: str | None = None

    _lock: psycopg.Connection | None = PrivateAttr(None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Workplace"]:
        """For one run: the lake is its own, and what an earlier one has left unpublished is gone."""
        refuse_rest(_run(context))
        with ExitStack() as stack:
            try:
                patiently(lambda: self._begin(stack, _run(context).run_id), _warn(context))
            except Problem:
                _stay_failed(context)
                raise
            self.lake.clear_staging()
            yield self

    def _begin(self, stack: ExitStack, run_id: str) -> None:
        url = stack.enter_context(self.database())
        stack.enter_context(living(url, run_id))
        self._lock = stack.enter_context(one_writer(url, self.lake.url))

    @cached_property
    def settings(self) -> Settings:
        if self.folder is None:
            return settings()
        return settings(home=Path(self.folder), lake=str(Path(self.folder) / "lake"))

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.settings.lake_url)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of the project's database, ready for use."""
        with database(self.settings) as url:
            prepare(url)
            yield url

    @contextmanager
    def source(self) -> Iterator[str]:
        """The address of the deliberation app's database."""
        if self.settings.source_url is not None:
            yield libpq(self.settings.source_url)
        else:
            with self.database() as url:
                yield url

    def withdrawn(self, revoked: Iterable[int]) -> Withdrawn:
        """Who is on the list of withdrawals, once users who have revoked consent are put on it."""
        key, users = self.settings.key(), list(revoked)
        with self.database() as url, connect(url) as connection, not_lost():
            add(connection, key, map(pseudonymiser(key), users))
            if users:  # what loading set aside of their chats is known by these
                add_chats(connection, key, gone_here(connection, listed(connection, key)).chats)
            return listed(connection, key)

    def table(self, name: str, day: date) -> pl.DataFrame:
        """A table of the snapshot that is being built."""
        return self.lake.in_build(name, day)

    def keep(self, name: str, day: date, frame: pl.DataFrame) -> None:
        """Keeps a table for the snapshot that is being built."""
        self.lake.stage(name, day, frame if self.settings.publish_texts else without_texts(frame))

    def publish(self, day: date, manifest: Mapping[str, Any], reason: Reason | None) -> None:
        """Makes what was kept the day's snapshot, unless another run may have taken the lake meanwhile."""
        if self._lock is not None:
            refuse_if_lost(self._lock)
        changed = revised(self.lake, day, manifest, self.lake.in_build)
        self.lake.publish(day, manifest, reason, changed)
        exported = [date.fromisoformat(one.as_of) for one in self.lake.exports()]
        for old in no_longer_kept(self.lake.days(), self.settings.keep_daily, exported):
            self.lake.retire(old)
        self.lake.sweep_raw()

    def show(self) -> Shown:
        """Has the newest snapshot, and the publication log, in PostgreSQL."""
        with self.database() as url:
            return show(self.lake, url)

    def file(self, name: str, day: date) -> File:
        """What the manifest says of a table of the snapshot that is being built."""
        content = self.lake.content_in_build(name, day)
        return File(published(name, day), sha256(content), row_count(content), TABLES[name].grain)

    def raw_files(self, name: str, day: date) -> list[RawFile]:
        """The lake's files that a snapshot of the day reads of a raw table."""
        table = SOURCE_TABLES.get(name)
        return self.lake.raw_files(name, day if table is not None and table.evidence else None)

    def raw(self, name: str, day: date, columns: Sequence[SourceColumn] | None = None) -> pl.DataFrame:
        """A raw table as a snapshot of the day sees it, with participant_id in place of the user's id."""
        files = self.raw_files(name, day)
        if name == SET_ASIDE:
            return self.lake.raw(files, set_aside_schema())
        table = SOURCE_TABLES[name]
        rows = self.lake.raw(files, raw_schema(table.extracted if columns is None else columns))
        whose = table.participant_column
        return rows if whose is None else pseudonymised(rows, whose, self.settings.key())

    def admitted(self, name: str, day: date) -> pl.DataFrame:
        """The rows of a raw table that take part in the snapshot that is being built."""
        return without(name, self.raw(name, day), self.table("set_aside", day))

    def cards(self, day: date) -> pl.DataFrame:
        """All cards that take part in the snapshot that is being built, of every kind."""
        written = written_cards(self.table("articulated_cards", day), self.admitted("chat", day))
        return all_cards(self.admitted("valuesCard", day), self.admitted("canonicalValuesCard", day), written)

    def before(self, name: str, day: date, wanted: SnapshotSettings) -> pl.DataFrame | None:
        """A table of the last snapshot of an earlier day, where it was made with the same settings."""
        earlier = [one for one in self.lake.days() if one < day]
        if not earlier:
            return None
        manifest = self.lake.manifest(earlier[-1]) or {}
        same = manifest.get("settings_hash") == settings_hash(wanted)
        return self.lake.snapshot(name, earlier[-1]) if same else None

    @contextmanager
    def means(
        self,
        wanted: SnapshotSettings,
        every: pl.DataFrame,
        embeddings: pl.DataFrame,
        run_id: str,
        tell: Callable[[str], None],
    ) -> Iterator[Means]:
        """What grouping cards may need: their vectors, and the language model where there is one."""
        with self.database() as url:
            model = language_model(self.settings, url, run_id)
            asked = None if model is None else asks(model, texts(every), tell)
            yield Means(looked_up(embeddings), wanted.deduplication, asked)

    @contextmanager
    def embedder(self, name: str, run_id: str) -> Iterator[Embedder]:
        """The embedder of that name; what it embedded before, it does not embed again."""
        chosen = self.settings.model_copy(update={"embed_model": name})
        with self.database() as url:
            yield embedder(chosen, url, run_id)

    @contextmanager
    def writer(self, run_id: str, tell: Callable[[str], None]) -> Iterator[Write]:
        """Who writes the cards that finished chats lack: the language model, where there is one."""
        with self.database() as url:
            yield card_writer(language_model(self.settings, url, run_id), tell)

    @contextmanager
    def context_judge(self, run_id: str, tell: Callable[[str], None]) -> Iterator[Judge | None]:
        """Who says what applies to further prompts: the language model, where there is one."""
        with self.database() as url:
            yield context_judge(language_model(self.settings, url, run_id), tell)

    @contextmanager
    def completion_writer(self, run_id: str, tell: Callable[[str], None]) -> Iterator[Ask]:
        """Who writes and moderates completions: a model, or without one what it answered before."""
        with self.database() as url:
            model = language_model(self.settings, url, run_id) or answers_from_before(self.settings, url)
            yield completion_writer(model, tell)

    @contextmanager
    def criterion_judge(
        self, wanted: Training, run_id: str, tell: Callable[[str], None]
    ) -> Iterator[tuple[CriterionJudge | None, Questions]]:
        """Who scores completions beside people: a model, or without one what it answered before.

        With it the questions that it is asked, for a model elsewhere.
        """
        with self.database() as url:
            model = language_model(self.settings, url, run_id) or answers_from_before(self.settings, url)
            yield criterion_judge(model, wanted.seed, tell), judge_questions(model, wanted.seed)

    def judge(self, step: str, day: date, measured: Sequence[Measured]) -> list[Verdict]:
        """Has the gates of a step judged; Data Docs go to the home, by day."""
        return judge(step, day, measured, self.settings.docs_folder)

    def forget_verdicts(self, day: date) -> None:
        """For a build that starts the day anew: of what it does not reach, nothing is known."""
        forget(day, self.settings.docs_folder)


def refuse_rest(run: dg.DagsterRun) -> None:
    """Raises PartOfRun where a run is the rest of an earlier one, whose staged tables are gone.

    Its steps would read the tables of the day's last snapshot beside raw files that are newer.
    """
    if run.parent_run_id is not None and run.step_keys_to_execute:
        raise PartOfRun("the rest of a failed run cannot be run alone; re-execute all of it")


def _warn(context: dg.InitResourceContext) -> Callable[[str], None]:
    assert context.log is not None
    return context.log.warning


def _stay_failed(context: dg.InitResourceContext) -> None:
    """What could pass was waited for: the daemon, which begins crashed runs anew, leaves this one."""
    if context.instance is not None:
        context.instance.add_run_tags(_run(context).run_id, {"dagster/max_retries": "0"})


def _run(context: dg.InitResourceContext) -> dg.DagsterRun:
    assert context.run is not None
    return context.run


def code_version() -> dict[str, str | None]:
    """The project's version, and the commit that its checkout stands at, `+` where it was changed since."""
    try:
        installed: str | None = version("dft-pipeline")
    except PackageNotFoundError:
        installed = None
    return {"version": installed, "git_commit": _git_commit()}


def _git_commit() -> str | None:
    commit = _git("rev-parse", "HEAD")
    return f"{commit}+" if commit and _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*words: str) -> str | None:
    checkout = Path(__file__).parent.parent
    if not (checkout / ".git").exists():
        return None
    command: Sequence[str] = ("git", "-C", str(checkout), *words)
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
