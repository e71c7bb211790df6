"""The `dft` command: what a person or a scheduler types. The clock enters here."""

import json
import logging
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from resources.lake import Lake
    from resources.loading import Source
    from resources.notifier import Notice
    from resources.settings import Settings

app = typer.Typer(
    name="dft",
    help="Democratic Fine-Tuning as a pipeline: from what a public says is wise to training data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
audit_app = typer.Typer(help="Walks from a result back to the participants' answers.", no_args_is_help=True)
export_app = typer.Typer(help="Writes a snapshot for other programs.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
app.add_typer(export_app, name="export")

out = Console()
err = Console(stderr=True)

JUDGMENTS_PER_CARD = 100  # in the benchmark
DEMO_FILES = "deliberation"  # the folder in the demo's home that its table files are in
DEMO_PEOPLE, DEMO_SEED, DEMO_DAY = 300, 1, date(2024, 1, 14)


class Failed(Exception):
    """The data or the run failed; the message says why and how to go on. Exit code 1."""


class GraphFormat(StrEnum):
    """What other programs read a graph as."""

    JSON = "json"
    GRAPHML = "graphml"
    PARQUET = "parquet"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Day = Annotated[str, typer.Option("--as-of", metavar="DAY", help="The day, as YYYY-MM-DD, in UTC.")]
LatestDay = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DAY", help="The day, as YYYY-MM-DD; the latest snapshot's by default."),
]


def main() -> None:
    """The entry point: exit code 0 done, 1 the data or the run failed, 2 wrong usage."""
    # A terminated command leaves as an interrupted one does: its database server stops with it.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda found, _: sys.exit(128 + found))
    with _explained():
        app()


@app.command()
def demo() -> None:
    """The whole way on a synthetic deliberation, in a home of its own: $DFT_HOME/demo."""
    from dft_pipeline.cli import terminal
    from resources.settings import settings

    theirs = settings()
    home = theirs.home_folder if _is_demo(theirs.home_folder) else theirs.home_folder / "demo"
    chosen = settings(home=home, database_url=None, source_url=None, lake=None)
    folder, lake = home / DEMO_FILES, _lake(chosen)
    err.print(
        f"[bold]1[/bold]  A synthetic deliberation of {DEMO_PEOPLE} people, into {_escaped(_shown(folder))}",
        highlight=False,
    )
    _simulate_afresh(home, folder)
    before = _hashes(lake, DEMO_DAY)
    err.print("[bold]2[/bold]  Its table files, into an embedded PostgreSQL")
    with _database(chosen) as url:
        terminal.print_loaded(err, _load(url, _table_files(folder), chosen, strict=False), ignored=[])
        err.print(f"[bold]3[/bold]  The nightly job, as of {DEMO_DAY}", highlight=False)
        _run_nightly(chosen, DEMO_DAY, {}, None)
    terminal.print_summary(out, terminal.summary(lake, DEMO_DAY))
    terminal.print_repeat(out, before, _hashes(lake, DEMO_DAY))
    elsewhere = {"database_url": "DFT_DATABASE_URL", "source_url": "DFT_SOURCE_URL", "lake": "DFT_LAKE"}
    names = [name for field, name in elsewhere.items() if getattr(theirs, field) is not None]
    terminal.print_next_steps(out, lake, DEMO_DAY, _shown(home), names)


@app.command()
def simulate(
    participants: Annotated[int, typer.Option(min=1, help="How many people take part.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")],
    output: Annotated[Path, typer.Option(help="The folder that the table files go to.", file_okay=False)],
    judgments: Annotated[int | None, typer.Option(min=0, help="How many edge judgments, exactly.")] = None,
) -> None:
    """Writes a synthetic deliberation as table files; its dates are fixed, from 2024-01-01 on."""
    from dft_pipeline.simulate import simulate as simulated
    from dft_pipeline.simulate import write

    try:
        deliberation = simulated(participants, seed, judgments)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    write(deliberation, output)
    rows = sum(len(table) for table in deliberation.tables.values())
    out.print(
        f"{rows:,} rows in {len(deliberation.tables)} table files in {_escaped(str(output))}", highlight=False
    )


@app.command()
def load(
    source: Annotated[
        Path, typer.Argument(help="A folder with one file per table.", exists=True, file_okay=False)
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing at all where any row is set aside.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Table files (JSON, NDJSON, CSV, Parquet) into the database; loading twice changes nothing."""
    from dft_pipeline.cli import terminal
    from resources.settings import settings

    chosen = settings()
    if chosen.source_url is not None and chosen.source_url != chosen.database_url:
        _usage(
            "DFT_SOURCE_URL names the app's own database, which is only read; unset it to load table files"
        )
    if _is_demo(chosen.home_folder) and source.absolute() != chosen.home_folder / DEMO_FILES:
        _usage(f"{chosen.home_folder} is the demo's, whose people are made up; set another DFT_HOME")
    files = _table_files(source)
    with _database(chosen) as url:
        outcomes = _load(url, files, chosen, strict)
    if as_json:
        _print_json(terminal.loaded_as_json(outcomes, files.ignored))
    else:
        terminal.print_loaded(out, outcomes, files.ignored)
    if trouble := terminal.loading_trouble(outcomes, strict):
        raise Failed(trouble)


@app.command()
def build(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DAY", help="The day, as YYYY-MM-DD, in UTC.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="Instead: the first of several days.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="The last of them; it has ended, in UTC.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            help="The consensus policy: default, default-component, default-erased, published-2023."
        ),
    ] = None,
    h: Annotated[
        str | None,
        typer.Option(help="Edges that support is carried along at most, or `all`.", metavar="N|all"),
    ] = None,
    dedup: Annotated[
        str | None,
        typer.Option(help="How cards become values: given (the app's own assignment), offline or model."),
    ] = None,
    select: Annotated[
        str | None, typer.Option(help="Only these assets, with commas between them.", metavar="ASSETS")
    ] = None,
    participants: Annotated[
        Path | None,
        typer.Option(help="A TOML file that says whose input counts.", exists=True, dir_okay=False),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Build anew days that are built, with other settings too.")
    ] = False,
    accept_drop: Annotated[
        bool, typer.Option("--accept-drop", help="Build even if a fifth of the edges or more is gone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Builds the snapshot of a day, or of each day from one to another: the job `nightly`, here and now."""
    from dft_pipeline.cli import terminal
    from resources.settings import settings

    days = _days(as_of, first, last)
    if as_of is None and select is not None:
        _usage("--select is for a single day: name it with --as-of")
    people = None if participants is None else str(participants.absolute())
    config = {
        "policy": policy,
        "h": h,
        "dedup": dedup,
        "participants": people,
        "accept_drop": accept_drop,
    }
    chosen = settings()
    lake = _lake(chosen)
    built = [day for day in days if _is_built(chosen, lake, day, config, replace)]
    if as_of is None:
        _build_range(chosen, days, [] if replace else built, config)
    else:
        _run_nightly(chosen, days[0], config, select)
    _finish_withdrawals(chosen)
    summaries = [terminal.summary(lake, day) for day in days]
    if as_json:
        _print_json(summaries if as_of is None else summaries[0])
    elif as_of is None:
        terminal.print_snapshots(out, summaries, lake.url)
    else:
        terminal.print_summary(out, summaries[0])


@app.command()
def status(as_json: AsJson = False) -> None:
    """What is built, how fresh, which checks failed in the last run, and what was set aside."""
    from dft_pipeline.cli import terminal
    from resources.settings import settings

    chosen = settings()
    lake = _lake(chosen)
    days = lake.days()
    found = {
        "lake": lake.url,
        "data_docs": str(chosen.docs_folder),
        "snapshots": [terminal.summary(lake, day) for day in days],
        "days_behind": (_yesterday() - days[-1]).days if days else None,
        "last_run": _last_run(chosen),
    }
    if as_json:
        _print_json(found)
    else:
        terminal.print_status(out, found)


@app.command()
def withdraw(
    participant_id: Annotated[int, typer.Argument(help="The participant, by the app's user id.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the latest snapshot would be without them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Takes one person's data out for good, rebuilds what held it, and shows what that changes."""
    from dft_pipeline.cli import withdraw as withdrawing
    from dft_pipeline.values.pseudonyms import pseudonym
    from resources.settings import settings

    chosen = settings()
    person = pseudonym(participant_id, chosen.key())
    with _database(chosen) as url:
        _prepare_dagster(chosen, url)
        found = withdrawing.withdrawn(url, chosen, person, dry_run, _tell_step)
    if as_json:
        _print_json(found)
    else:
        withdrawing.print_report(out, found)


@app.command()
def verify(as_of: LatestDay = None, as_json: AsJson = False) -> None:
    """Re-hashes a snapshot and the raw files it read against its manifest, and asks the publication log."""
    from dft_pipeline.cli.verify import verified
    from resources.settings import settings

    lake = _lake(settings())
    day = _snapshot_day(lake, as_of)
    found = verified(lake, day)
    if as_json:
        _print_json({"as_of": str(day), **found._asdict()})
    elif not found.damage:
        out.print(
            f"{day}: all {found.files} files are as the manifest says, what their rows name is there, and "
            f"the publication log holds together ({found.log_entries} entries)",
            highlight=False,
        )
    if found.damage:
        raise Failed("\n".join([f"{day}: not as it was published:", *found.damage]))


@audit_app.command("edge")
def audit_edge(
    source: Annotated[int, typer.Argument(help="The value that one moves from.")],
    wiser: Annotated[int, typer.Argument(help="The value that is proposed as wiser.")],
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """The verdict on a pair of values, every judgment behind it, and the judges' votes for both."""
    from dft_pipeline import audit
    from dft_pipeline.cli import terminal
    from resources.settings import settings

    lake = _lake(settings())
    day = _snapshot_day(lake, as_of)
    tables = ("pair_tallies", "judgments", "votes", "canonical_values")
    try:
        found = audit.audit_edge(source, wiser, *(lake.snapshot(table, day) for table in tables))
    except audit.UnknownPair as unknown:
        raise Failed(f"{day}: {unknown}") from None
    if as_json:
        _print_json(
            {"as_of": str(day), "verdict": found.verdict, "judgments": found.judgments, "votes": found.votes}
        )
    else:
        terminal.print_edge_audit(out, found, day)


@export_app.command("graph")
def export_graph(
    as_of: Day,
    output: Annotated[Path, typer.Option(help="The file; for Parquet the folder.")],
    form: Annotated[GraphFormat, typer.Option("--format", help="The authors' JSON, GraphML or Parquet.")],
) -> None:
    """The moral graph, scope `all`."""
    from dft_pipeline import export
    from resources.files import write_whole
    from resources.lake import parquet
    from resources.settings import settings

    if output.is_dir() and form is not GraphFormat.PARQUET:
        _usage(f"{output} is a folder; name the file that is to be written")
    lake, day = _lake(settings()), _date(as_of)
    _manifest(lake, day)
    edges, values = lake.snapshot("wisdom_edges", day), lake.snapshot("graph_values", day)
    match form:
        case GraphFormat.JSON:
            write_whole(output, export.authors_json(edges, values))
        case GraphFormat.GRAPHML:
            write_whole(output, export.graphml(edges, values))
        case GraphFormat.PARQUET:
            write_whole(output / "wisdom_edges.parquet", parquet(export.of_all(edges)))
            write_whole(output / "graph_values.parquet", parquet(export.of_all(values)))
    counts = f"{len(export.of_all(values))} values and {len(export.of_all(edges))} edges"
    out.print(f"{counts} as of {day} in {_escaped(str(output))}", highlight=False)


@app.command()
def calibrate(
    output: Annotated[Path, typer.Option(help="The folder that the three files go to.", file_okay=False)],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="A table file of labelled pairs of cards; by default the app's own assignment counts.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """Finds when two cards are the same value, for DFT_EMBED_MODEL, from pairs that are known to be."""
    from dft_pipeline.cli import calibrate as calibrating
    from dft_pipeline.cli import terminal
    from dft_pipeline.raw.reading import RefusedFile
    from dft_pipeline.values.calibration import Uncalibrated
    from dft_pipeline.values.labels import read_labels
    from resources.embedder import embedder
    from resources.settings import settings

    chosen = settings()
    lake = _lake(chosen)
    day = _snapshot_day(lake, as_of)
    start = calibrating.starting_settings(chosen, day)
    every = calibrating.cards(lake, day)
    try:
        labelled = None if labels is None else read_labels(labels, every)
    except RefusedFile as refusal:
        raise Failed(str(refusal)) from None
    try:
        with _database(chosen) as url:
            embed = embedder(chosen, url).embed
            found = calibrating.calibrate(every, day, labelled, embed, start, output)
    except Uncalibrated as error:
        if labelled is not None:
            terminal.print_labels(err, labelled)
        raise Failed(str(error)) from None
    if as_json:
        _print_json(terminal.calibration_as_json(found))
    else:
        terminal.print_calibration(out, found)


@app.command()
def bench(
    judgments: Annotated[int, typer.Option(min=1_000, help="How many edge judgments.")] = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """Times the stages on synthetic data, against the engine's own floor, measured in the same run."""
    from dft_pipeline.cli import terminal
    from dft_pipeline.cli.bench import bench as timings
    from dft_pipeline.cli.bench_cards import bench_cards
    from dft_pipeline.cli.bench_gamma import bench_gamma

    found = [*timings(judgments), bench_gamma(), *bench_cards(judgments // JUDGMENTS_PER_CARD)]
    if as_json:
        _print_json({"judgments": judgments, "stages": [timing._asdict() for timing in found]})
    else:
        terminal.print_timings(out, found, judgments)


@app.command()
def dev(port: Annotated[int, typer.Option(help="The port on 127.0.0.1.", min=1, max=65535)] = 3000) -> None:
    """Dagster's web UI and daemon on 127.0.0.1, until it is interrupted."""
    from resources.dagster_process import is_free, serve
    from resources.settings import settings

    chosen = settings()
    if not is_free(port):
        raise Failed(f"port {port} of 127.0.0.1 is taken; choose another with --port")
    with _database(chosen) as url:
        _prepare_dagster(chosen, url)
        said = f"Dagster's web UI will be at http://127.0.0.1:{port} in half a minute (stop it with Ctrl-C)"
        err.print(said, highlight=False)
        raise typer.Exit(serve(port))


# The steps that commands take


def _is_demo(home: Path) -> bool:
    return (home / DEMO_FILES).is_dir()


def _simulate_afresh(home: Path, folder: Path) -> None:
    """Writes the demo's deliberation; a home that holds another one, from other code, starts anew."""
    from dft_pipeline.simulate import simulate as simulated
    from dft_pipeline.simulate import write

    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}

    before = contents()
    write(simulated(DEMO_PEOPLE, DEMO_SEED), folder)
    if before not in ({}, contents()):
        shutil.rmtree(home)
        write(simulated(DEMO_PEOPLE, DEMO_SEED), folder)


@contextmanager
def _explained() -> Iterator[None]:
    """Errors that a person can do something about, in words and with their exit code; no traceback."""
    from resources.problems import BadSettings, Problem

    try:
        yield
    except KeyboardInterrupt:
        err.print("interrupted")
        raise SystemExit(130) from None
    except BadSettings as error:
        _usage(str(error))
    except (Failed, Problem, OSError) as error:
        err.print(f"[red]{_escaped(str(error))}[/red]", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


def _usage(trouble: str) -> NoReturn:
    err.print(f"[red]{_escaped(trouble)}[/red]", highlight=False, soft_wrap=True)
    raise SystemExit(2)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))


def _shown(path: Path) -> str:
    """The path as a person would type it from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _lake(chosen: "Settings") -> "Lake":
    from resources.lake import Lake

    return Lake(chosen.lake_url)


@contextmanager
def _database(chosen: "Settings") -> Iterator[str]:
    from psycopg import Error

    from resources.database import database, prepare
    from resources.problems import NoDatabase

    try:
        with database(chosen) as url:
            prepare(url)
            yield url
    except Error as error:
        reason = str(error).splitlines()[0]
        # Without a state of its own: the connection broke. 57P: the server was shut down.
        if error.sqlstate is None or error.sqlstate.startswith("57P"):
            raise NoDatabase(f"the database was lost: {reason}") from None
        raise Failed(f"the database ended it: {reason}") from None


def _table_files(folder: Path) -> "Source":
    from dft_pipeline.raw.reading import RefusedFile
    from resources.loading import find_files

    try:
        return find_files(folder)
    except RefusedFile as refusal:
        raise Failed(str(refusal)) from None


def _load(url: str, files: "Source", chosen: "Settings", strict: bool) -> list[Any]:
    from dft_pipeline.cli.terminal import loading_progress
    from resources.database import connect
    from resources.loading import load

    with loading_progress(err, files) as progress, connect(url) as connection:
        return list(load(connection, files, chosen.key(), strict, progress))


def _last_run(chosen: "Settings") -> dict[str, Any] | None:
    """The last run of the job; None where no command has built anything yet in this home."""
    if not (chosen.home_folder / "dagster").is_dir():
        return None
    with _database(chosen) as url:
        _prepare_dagster(chosen, url)
        from dft_pipeline.cli.last_run import last_run

        found = last_run()
    if found is None:
        return None
    return found._asdict() | {"failed_checks": [check._asdict() for check in found.failed_checks]}


def _yesterday() -> date:
    """The latest day that has ended, in UTC."""
    return datetime.now(UTC).date() - timedelta(days=1)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        _usage(f"{text} is no day; write it as YYYY-MM-DD")


def _ended(text: str) -> date:
    """A day that can be built: it has ended, in UTC, and is no earlier than the first."""
    from dft_pipeline.tables import FIRST_DAY

    day, today = _date(text), datetime.now(UTC).date()
    if day >= today:
        _usage(f"{day} has not ended yet (it is {today} in UTC); the latest day to build is the one before")
    if day < date.fromisoformat(FIRST_DAY):
        _usage(f"{day} is before {FIRST_DAY}, the first day that can be built")
    return day


def _days(as_of: str | None, first: str | None, last: str | None) -> list[date]:
    """The days that are asked for, in order: one, or from the first to the last."""
    if as_of is not None and first is None and last is None:
        return [_ended(as_of)]
    if as_of is not None or first is None or last is None:
        _usage("name the day with --as-of DAY, or several with --from DAY --to DAY")
    begin, end = _ended(first), _ended(last)
    if end < begin:
        _usage(f"--to {end} is before --from {begin}")
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


def _is_built(chosen: "Settings", lake: "Lake", day: date, config: dict[str, Any], replace: bool) -> bool:
    """Whether the day has a snapshot; one that was made with other settings is refused, but to replace it."""
    from dft_pipeline.manifest import settings_hash
    from dft_pipeline.values.pseudonyms import fingerprint
    from resources.build import BuildSettings

    try:
        wanted = BuildSettings(**config).snapshot
    except ValueError as error:
        _usage(str(error))
    built = lake.manifest(day)
    if built is None or replace:
        return built is not None
    if built["key_fingerprint"] != fingerprint(chosen.key()):
        _usage(f"{day} was built with another pseudonym key; to give everybody another name, add --replace")
    if built["settings_hash"] != settings_hash(wanted):
        hops = built["settings"]["aggregation"]["h"]
        _usage(
            f"{day} was built with other settings (policy {built['policy']}, "
            f"h {'all' if hops is None else hops}); to build it anew, add --replace"
        )
    return True


def _build_range(chosen: "Settings", days: list[date], built: list[date], config: dict[str, Any]) -> None:
    """Builds the days that are not built, in order, and stops at the first that fails."""
    with ExitStack() as stack:
        if len(built) < len(days):
            _patiently(lambda: stack.enter_context(_database(chosen)))  # one server for all of them
        for number, day in enumerate(days, 1):
            done = " is built already, with the same settings" if day in built else ""
            err.print(f"[bold]{day}[/bold]{done}  [dim]{number} of {len(days)}[/dim]", highlight=False)
            if day in built:
                continue
            try:
                _run_nightly(chosen, day, config, None)
            except Failed as error:
                raise Failed(f"{error}\n{_resume(days, day)}") from None


def _resume(days: list[date], failed: date) -> str:
    done = sum(day < failed for day in days)
    return (
        f"{done} of {len(days)} days are built. To go on: the same command again, which skips them; or, "
        f"where it said --replace, with --from {failed}"
    )


def _manifest(lake: "Lake", day: date) -> dict[str, Any]:
    manifest = lake.manifest(day)
    if manifest is None:
        raise Failed(f"there is no snapshot of {day}; make it with: dft build --as-of {day}")
    return manifest


def _snapshot_day(lake: "Lake", text: str | None) -> date:
    if text is not None:
        day = _date(text)
        _manifest(lake, day)
        return day
    days = lake.days()
    if not days:
        raise Failed("there is no snapshot yet; make one with: dft build --as-of DAY")
    return days[-1]


def _hashes(lake: "Lake", day: date) -> dict[str, str]:
    manifest = lake.manifest(day) or {"files": []}
    return {file["path"]: file["sha256"] for file in manifest["files"]}


def _prepare_dagster(chosen: "Settings", url: str) -> None:
    from resources.database import prepare_dagster

    prepare_dagster(url, chosen)


def _run_nightly(chosen: "Settings", day: date, config: dict[str, Any], select: str | None) -> None:
    """Runs the job in this process, more than once where the database goes away meanwhile.

    Raises Failed with the cause where a step or a check fails, or no database answers.
    """
    from assets.notices import problem_notice
    from resources.problems import Problem

    names = None if select is None else [name.strip() for name in select.split(",")]
    try:
        _patiently(lambda: _run_once(chosen, day, config, names))
    except Problem as error:
        _tell(chosen, problem_notice("nightly", str(day), error))
        raise Failed(f"the build of {day} failed: {error}") from None


def _run_once(chosen: "Settings", day: date, config: dict[str, Any], names: list[str] | None) -> None:
    with _database(chosen) as url:
        _prepare_dagster(chosen, url)
        from dft_pipeline.cli.nightly import CannotSelect, RunFailed, UnknownAsset, run_nightly

        try:
            run_nightly(url, day, config, names, lambda notice: _tell(chosen, notice))
        except (UnknownAsset, CannotSelect) as error:
            _usage(str(error))
        except RunFailed as error:
            raise Failed(str(error)) from None


def _finish_withdrawals(chosen: "Settings") -> None:
    """Where a build has found revoked consent: takes out what older snapshots hold of those people."""
    with _database(chosen) as url:
        _prepare_dagster(chosen, url)
        from dft_pipeline.cli.withdraw import finished

        finished(url, chosen, _tell_step)


def _tell_step(what: str) -> None:
    err.print(f"  {_escaped(what)}", highlight=False, soft_wrap=True)


def _patiently(work: Callable[[], object]) -> None:
    from resources.patience import patiently

    def say(why: str) -> None:
        err.print(f"  [yellow]↻[/yellow] {_escaped(why)}", highlight=False, soft_wrap=True)

    patiently(work, say)


def _tell(chosen: "Settings", notice: "Notice") -> None:
    """Whoever watches the webhook; who sits at the terminal reads it there."""
    from resources.notifier import notifier

    if chosen.notify_url is not None:
        notifier(chosen, logging.getLogger("dft")).notify(notice)
