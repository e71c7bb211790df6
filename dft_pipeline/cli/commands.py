"""The `dft` command: what a person or a scheduler types. The clock enters here."""

import gc
import json
import logging
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from dft_pipeline.formats.names import DatasetFormat

if TYPE_CHECKING:
    from dft_pipeline.cli.verify import Verified
    from dft_pipeline.lineage.reading import Found, Rows
    from dft_pipeline.policies import SnapshotSettings
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


class Side(StrEnum):
    """A side of the split that a model is not trained on."""

    TEST = "test"
    VALIDATION = "validation"


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
    # Audits answer with many small rows; to look for loops among them every 700 objects takes a fifth longer.
    gc.set_threshold(100_000)
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
        Path | None, typer.Argument(help="A folder with one file per table.", exists=True, file_okay=False)
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help="A file of further prompts: texts or message lists.", exists=True, dir_okay=False),
    ] = None,
    context_labels: Annotated[
        Path | None,
        typer.Option(
            help="A file of people's yes and no to whether a context applies to a further prompt.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    completions: Annotated[
        Path | None,
        typer.Option(
            help="A file of answers to prompts, which are to be scored.", exists=True, dir_okay=False
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="A language model's answers to `dft export requests`, as OpenAI's batches give them.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    ratings: Annotated[
        Path | None,
        typer.Option(
            help="A file of people's ratings of completions by criteria, or of their rankings of several.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing at all where any row is set aside.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Table files (JSON, NDJSON, CSV, Parquet) into the database; loading twice changes nothing."""
    from dft_pipeline.cli import terminal
    from resources.settings import settings

    chosen = settings()
    own = {"furtherPrompt": prompts, "contextLabel": context_labels, "completion": completions}
    if ratings is not None:
        own[_table_of_ratings(ratings)] = ratings
    if source is None and answers is None and not any(own.values()):
        _usage(
            "name a folder of table files, or a file with --prompts, --context-labels, --completions, "
            "--ratings or --answers"
        )
    if source is not None:
        _refuse_app_tables(source, chosen)
    files = _table_files(source, {name: path for name, path in own.items() if path is not None})
    with _database(chosen) as url:
        outcomes = _load(url, files, chosen, strict, answers)
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
def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="DAY1", help="The earlier snapshot's day, as YYYY-MM-DD; or a folder of `export dataset`."
        ),
    ],
    now: Annotated[
        str,
        typer.Argument(
            metavar="DAY2",
            help="The later one's; the same day: what its revisions changed. Or another folder.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """What changed between two snapshots, or with each revision of one, and which judgments did it.

    Of two folders that `dft export dataset` wrote: settings, and rows that came, went or changed.
    """
    from dft_pipeline.cli import differences
    from resources.settings import settings

    if Path(before).is_dir() or Path(now).is_dir():
        _diff_exports(before, now, as_json)
        return
    lake = _lake(settings())
    first, second = _snapshot_day(lake, before), _snapshot_day(lake, now)
    if first == second:
        revisions = lake.changes(first)
        _print_json(revisions) if as_json else differences.print_revisions(out, lake, first, revisions)
        return
    found = differences.as_json(differences.between(lake, first, second))
    if as_json:
        _print_json({"from": str(first), "to": str(second), **found})
    else:
        differences.print_days(out, lake, (first, second), found)


def _diff_exports(before: str, now: str, as_json: bool) -> None:
    from dft_pipeline.cli import exporting
    from dft_pipeline.formats.making import EXPORT, Refused

    for folder in (before, now):
        if not exporting.is_export(folder):
            _usage(f"{folder} has no {EXPORT}; name two folders that dft export dataset wrote, or two days")
    try:
        found = exporting.between(before, now)
    except Refused as refusal:
        raise Failed(str(refusal)) from None
    if as_json:
        _print_json({"from": before, "to": now, **found})
    else:
        exporting.print_differences(out, found)


@app.command()
def verify(as_of: LatestDay = None, as_json: AsJson = False) -> None:
    """Re-hashes a snapshot and the raw files it read against its manifest, and asks the publication log."""
    from dft_pipeline.cli.verify import copied_entries, verified
    from resources.settings import settings

    chosen = settings()
    lake = _lake(chosen)
    day = _snapshot_day(lake, as_of)
    found = verified(lake, day, copied_entries(chosen))
    if as_json:
        _print_json({"as_of": str(day), **found._asdict()})
    elif not found.damage:
        out.print(
            f"{day}: all {found.files} files are as the manifest says, what their rows name is there, and "
            f"the publication log holds together ({found.log_entries} entries, {_compared(found)})",
            highlight=False,
        )
    if found.damage:
        raise Failed("\n".join([f"{day}: not as it was published:", *found.damage]))


def _compared(found: "Verified") -> str:
    if found.entries_compared is None:
        return "no database answers that has a copy of them"
    return f"{found.entries_compared} of them compared with the database's copy"


@app.command()
def reidentify(
    pseudonym: Annotated[str, typer.Argument(help="The participant_id of a snapshot, 32 hex digits.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded before there is an answer.")],
    as_json: AsJson = False,
) -> None:
    """The app's id of a participant; needs the pseudonym key, and is recorded in dft.reidentifications."""
    from dft_pipeline.cli.reidentify import NoKey, Unknown, is_pseudonym, reidentified
    from resources.settings import settings

    if not is_pseudonym(pseudonym):
        _usage("a pseudonym has 32 hex digits, in lower case")
    if not reason.strip():
        _usage("--reason is empty; say why, in words")
    try:
        user_id = reidentified(settings(), pseudonym, reason)
    except (NoKey, Unknown) as error:
        raise Failed(str(error)) from None
    if as_json:
        _print_json({"pseudonym": pseudonym, "user_id": user_id})
    else:
        out.print(f"{pseudonym} is user {user_id}", highlight=False)


@audit_app.command("edge")
def audit_edge(
    source: Annotated[int, typer.Argument(help="The value that one moves from.")],
    wiser: Annotated[int, typer.Argument(help="The value that is proposed as wiser.")],
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """The verdict on a pair of values, every judgment behind it, the cards of both, and what followed."""
    from dft_pipeline.lineage.edge import edge_audit

    _audit("edge", as_of, as_json, lambda rows, made: edge_audit(rows, source, wiser, made.policy))


@audit_app.command("value")
def audit_value(
    value_id: Annotated[int, typer.Argument(help="The value.", metavar="ID")],
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """A value's text, the cards that became it, who supports it, its edges and its training rows."""
    from dft_pipeline.lineage.value import value_audit

    _audit("value", as_of, as_json, lambda rows, made: value_audit(rows, value_id, made.policy))


@audit_app.command("row")
def audit_row(
    row_id: Annotated[str, typer.Argument(help="The training row.", metavar="ROW_ID")],
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """Why a training row is there: the question, how each value stood in it, and everybody behind the row."""
    from dft_pipeline.lineage.row import row_audit

    _audit("row", as_of, as_json, lambda rows, made: row_audit(rows, row_id, made.aggregation))


@audit_app.command("contested")
def audit_contested(
    component_id: Annotated[int, typer.Argument(help="The smallest value in it.", metavar="COMPONENT_ID")],
    scope: Annotated[str, typer.Option(help="`all`, `case:ID` or `context:ID`.")] = "all",
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """What is contested there: its pairs, what was removed of them, every judgment, and what followed."""
    from dft_pipeline.lineage.dispute import contested_audit

    about = component_id, scope
    _audit(
        "contested",
        as_of,
        as_json,
        lambda rows, made: contested_audit(rows, *about, made.policy),
    )


@audit_app.command("participant")
def audit_participant(
    pseudonym: Annotated[str, typer.Argument(help="32 hex digits.", metavar="PSEUDONYM")],
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """What somebody did, the edges and training rows that it went into, and the graph around their values."""
    from dft_pipeline.lineage.participant import participant_audit
    from dft_pipeline.values.pseudonyms import is_pseudonym

    if not is_pseudonym(pseudonym):
        _usage("a pseudonym is 32 hex digits, as tables and audits show it")
    _audit("participant", as_of, as_json, lambda rows, made: participant_audit(rows, pseudonym, made))


@export_app.command("graph")
def export_graph(
    as_of: Day,
    output: Annotated[Path, typer.Option(help="The file; for Parquet the folder.")],
    form: Annotated[GraphFormat, typer.Option("--format", help="The authors' JSON, GraphML or Parquet.")],
    min_survival: Annotated[
        float | None,
        typer.Option(help="Only edges with this bootstrap_survival or more, from 0 to 1."),
    ] = None,
    max_q: Annotated[
        float | None, typer.Option("--max-q", help="Only edges with this q_base or less, from 0 to 1.")
    ] = None,
) -> None:
    """The moral graph, scope `all`; within bounds, the edges with so much evidence and their values."""
    from dft_pipeline import export
    from dft_pipeline.policies import Bounds, bounds
    from resources.files import write_whole
    from resources.lake import parquet
    from resources.settings import settings

    if output.is_dir() and form is not GraphFormat.PARQUET:
        _usage(f"{output} is a folder; name the file that is to be written")
    try:
        wanted = bounds(min_survival, max_q)
    except ValueError as error:
        _usage(str(error))
    lake, day = _lake(settings()), _date(as_of)
    _manifest(lake, day)
    edges, values = lake.snapshot("wisdom_edges", day), lake.snapshot("graph_values", day)
    if wanted != Bounds():
        edges, values = export.sure_graph(edges, values, lake.snapshot("edge_evidence", day), wanted)
    match form:
        case GraphFormat.JSON:
            files = {output: export.authors_json(edges, values)}
        case GraphFormat.GRAPHML:
            files = {output: export.graphml(edges, values)}
        case GraphFormat.PARQUET:
            tables = {"wisdom_edges": edges, "graph_values": values}
            files = {
                output / f"{name}.parquet": parquet(export.of_all(table)) for name, table in tables.items()
            }
    for path, content in files.items():
        write_whole(path, content)
    named = {path.name: content for path, content in files.items()}
    lake.register(f"graph-{form.value}", day, wanted.model_dump(exclude_none=True), named)
    counts = f"{len(export.of_all(values))} values and {len(export.of_all(edges))} edges"
    out.print(f"{counts} as of {day} in {_escaped(str(output))}", highlight=False)


@export_app.command("dataset")
def export_dataset(
    as_of: Day,
    form: Annotated[DatasetFormat, typer.Option("--format", help="docs/formats.md says what each is.")],
    output: Annotated[Path, typer.Option(help="The folder; it is empty or not there yet.", file_okay=False)],
    min_survival: Annotated[
        float | None, typer.Option(help="Only rows with this row_survival or more, from 0 to 1.")
    ] = None,
    max_q: Annotated[
        float | None, typer.Option("--max-q", help="Only rows with this edge_q_base or less, from 0 to 1.")
    ] = None,
    min_share: Annotated[
        float | None, typer.Option(help="Only rows with this share or more, from 0 to 1.")
    ] = None,
    margin_scale: Annotated[
        float | None,
        typer.Option(help="Of TRL preferences: a column margin, so many logits per gap of 1.", min=0),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Training data in a format that trainers read, as a folder that says what it is (export.json)."""
    from dft_pipeline.cli.exporting import exported
    from dft_pipeline.formats.formats import FORMATS
    from dft_pipeline.formats.making import EXPORT, Refused
    from dft_pipeline.policies import filters
    from resources.settings import settings

    if margin_scale is not None and not FORMATS[form].takes_margin:
        _usage(f"--margin-scale is for preferences between two completions; format {form} has none")
    try:
        wanted = filters(min_survival, max_q, min_share)
    except ValueError as error:
        _usage(str(error))
    chosen, day = settings(), _date(as_of)
    lake = _lake(chosen)
    _manifest(lake, day)
    try:
        files = exported(lake, day, form, output, wanted, margin_scale, chosen)
    except Refused as refusal:
        raise Failed(str(refusal)) from None
    told = json.loads(files[EXPORT])
    if as_json:
        _print_json(told)
        return
    rows = sum(file["rows"] for file in told["files"].values())
    said = f"{rows:,} rows of format {form} as of {day} in {len(told['files'])} files in {output}"
    out.print(_escaped(said), highlight=False)
    for rule, count in {**told["filtered"], **told["left_out"]}.items():
        out.print(f"  left out: {count:,} {rule}", highlight=False)


@export_app.command("requests")
def export_requests(
    as_of: Day,
    output: Annotated[Path, typer.Option(help="The file that is written.", dir_okay=False)],
) -> None:
    """The questions that no model has answered yet, in OpenAI's batch format, for `dft load --answers`.

    One line per question of the tables of requests; what is too much for a batch goes on in numbered files
    beside.
    """
    from dft_pipeline.training.batch import batch_files, counts, names
    from resources.batch_answers import requests_of
    from resources.files import write_whole
    from resources.settings import settings

    lake, day = _lake(settings()), _date(as_of)
    _manifest(lake, day)
    wanted = requests_of(lake, day)
    parts = batch_files(wanted)
    files = dict(zip(names(output.name, len(parts)), parts, strict=True))
    for name, content in files.items():
        write_whole(output.with_name(name), content)
    lake.register("requests", day, {}, files)
    further = f" and {len(files) - 1} more beside it" if len(files) > 1 else ""
    said = f"{len(wanted)} requests as of {day} in {output}{further}{counts(wanted)}"
    out.print(_escaped(said), highlight=False, soft_wrap=True)


@export_app.command("evaluation")
def export_evaluation(
    as_of: Day, output: Annotated[Path, typer.Option(help="The file, in JSON Lines.", dir_okay=False)]
) -> None:
    """The questions that a trained model can be put to, without their answers; `dft evaluate` scores it."""
    from dft_pipeline.cli.evaluate import asked
    from resources.files import write_whole
    from resources.settings import settings

    lake, day = _lake(settings()), _date(as_of)
    _manifest(lake, day)
    content = asked(lake, day)
    write_whole(output, content)
    lake.register("evaluation", day, {}, {output.name: content})
    said = f"{len(content.splitlines()):,} questions as of {day} in {_escaped(str(output))}"
    out.print(said, highlight=False)


@app.command()
def evaluate(
    completions: Annotated[
        Path,
        typer.Argument(
            help="A file of a model's answers: item_id, answer, and a why where there is one.",
            exists=True,
            dir_okay=False,
        ),
    ],
    split: Annotated[Side, typer.Option(help="The side that was held out.")] = Side.TEST,
    fold: Annotated[
        int | None, typer.Option(min=0, help="Instead: the fold that was left out, where there are folds.")
    ] = None,
    as_of: LatestDay = None,
    as_json: AsJson = False,
) -> None:
    """Scores a model's answers to what was held out: values chosen, edges predicted, prompts answered."""
    from dft_pipeline.cli import evaluate as evaluating
    from dft_pipeline.policies import SnapshotSettings
    from dft_pipeline.raw.reading import RefusedFile
    from resources.criterion_judge import criterion_judge
    from resources.embedder import embedder
    from resources.language_model import language_model
    from resources.settings import settings

    chosen = settings()
    lake = _lake(chosen)
    day = _snapshot_day(lake, as_of)
    seed = SnapshotSettings.model_validate(_manifest(lake, day)["settings"]).training.seed
    try:
        of = evaluating.chosen(lake, day, split.value, fold)
        with _database(chosen) as url:
            judge = criterion_judge(language_model(chosen, url), seed, _tell_step)
            told = evaluating.evaluate(lake, of, completions, embedder(chosen, url).embed, judge, seed)
    except (evaluating.NothingHeldOut, RefusedFile) as error:
        raise Failed(str(error)) from None
    if as_json:
        _print_json(told)
    else:
        evaluating.print_evaluation(out, told)


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
def bridging(
    party: Annotated[str, typer.Argument(help="A political affiliation, as people reported it.")],
    other_party: Annotated[str, typer.Argument(help="Another one.")],
    as_published: Annotated[
        bool, typer.Option("--as-published", help="Count any answer, as the authors' query does.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DAY", help="The last day that counts; yesterday by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Values that people of two parties, who voted for different ones, both find wiser than their own.

    Only what at least five people of either party did is shown.
    """
    from dft_pipeline.cli import terminal
    from resources import bridging as bridged
    from resources.settings import settings

    if party == other_party:
        _usage(f"{party} is named twice; name two parties")
    day = _yesterday() if as_of is None else _ended(as_of)
    with _source(settings()) as url:
        _refuse_unknown((party, other_party), bridged.parties(url))
        counted: bridged.Counted = "any_answer" if as_published else "upgrade"
        found = bridged.bridges(url, party, other_party, day, counted)
        titles = bridged.titles(url, found)
    told = terminal.bridges_as_json(found, titles, (party, other_party), day, counted)
    if as_json:
        _print_json(told)
    else:
        terminal.print_bridges(out, told)


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
    from pydantic_core import to_json

    typer.echo(to_json(content, indent=2, fallback=str))


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


@contextmanager
def _source(chosen: "Settings") -> Iterator[str]:
    """The address of the app's tables: the source's where one is named, else the project's own."""
    from resources.database import libpq

    with _database(chosen) as url:
        yield url if chosen.source_url is None else libpq(chosen.source_url)


def _refuse_unknown(asked: Sequence[str], parties: Sequence[str]) -> None:
    """A party of few people is as good as none: that it is there would say who is of it."""
    unknown = [party for party in asked if party not in parties]
    if unknown:
        known = ", ".join(parties) or "none"
        raise Failed(f"nobody, or hardly anybody, is of {', '.join(unknown)}; larger parties: {known}")


def _refuse_app_tables(folder: Path, chosen: "Settings") -> None:
    if chosen.source_url is not None and chosen.source_url != chosen.database_url:
        _usage(
            "DFT_SOURCE_URL names the app's own database, which is only read; unset it to load table files"
        )
    if _is_demo(chosen.home_folder) and folder.absolute() != chosen.home_folder / DEMO_FILES:
        _usage(f"{chosen.home_folder} is the demo's, whose people are made up; set another DFT_HOME")


def _table_files(folder: Path | None, own: Mapping[str, Path] = MappingProxyType({})) -> "Source":
    from dft_pipeline.raw.reading import RefusedFile
    from resources.loading import Source, find_files, with_own

    try:
        return with_own(Source({}, []) if folder is None else find_files(folder), own)
    except RefusedFile as refusal:
        raise Failed(str(refusal)) from None


def _table_of_ratings(path: Path) -> str:
    from dft_pipeline.raw.reading import RefusedFile
    from resources.loading import table_of_ratings

    try:
        return table_of_ratings(path)
    except RefusedFile as refusal:
        raise Failed(str(refusal)) from None


def _load(
    url: str, files: "Source", chosen: "Settings", strict: bool, answers: Path | None = None
) -> list[Any]:
    from dft_pipeline.cli.terminal import loading_progress
    from resources.database import connect
    from resources.loading import load

    further = []
    if answers is not None:
        from resources.batch_answers import answers_loader

        further = [answers_loader(_lake(chosen), answers)]
    with loading_progress(err, files) as progress, connect(url) as connection:
        return list(load(connection, files, chosen.key(), strict, progress, further))


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


def _audit(
    kind: str, as_of: str | None, as_json: bool, walk: "Callable[[Rows, SnapshotSettings], Found]"
) -> None:
    """Walks through a snapshot and prints what was found; `kind` names the tree."""
    from dft_pipeline.cli.audit_trees import print_audit
    from dft_pipeline.cli.published import days_of_edge, exports_of
    from dft_pipeline.lineage.reading import Unknown
    from dft_pipeline.policies import SnapshotSettings
    from resources.settings import settings

    lake = _lake(settings())
    day = _snapshot_day(lake, as_of)
    made = SnapshotSettings.model_validate(_manifest(lake, day)["settings"])
    try:
        found = walk(lambda table, where=None, columns=None: lake.rows(table, day, where, columns), made)
    except Unknown as unknown:
        raise Failed(f"{day}: {unknown}") from None
    found["exports"] = exports_of(lake, day)
    if kind == "edge":
        found["days"] = days_of_edge(lake, found["verdict"])
    if as_json:
        _print_json({"as_of": str(day)} | found)
    else:
        print_audit(out, kind, found, day)


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
