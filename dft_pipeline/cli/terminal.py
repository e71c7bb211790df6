"""What the commands print: tables and trees for people, dictionaries for `--json`."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.markup import escape as escaped
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from dft_pipeline.graph.scopes import ALL
from dft_pipeline.tables import TABLES
from dft_pipeline.values.row_counts import USED
from resources.lake import Lake, published
from resources.loading import Aside, Loaded, Refused, Source, is_clean

if TYPE_CHECKING:
    from dft_pipeline.cli.calibrate import Calibrated
    from dft_pipeline.cli.timing import Timing
    from dft_pipeline.values.labels import Aside as LabelAside
    from dft_pipeline.values.labels import Labels
    from resources.bridging import Bridge

WISEST = 5
ASIDE_SHOWN = 5  # rows set aside that are shown per file
AROUND = 3  # thresholds that are shown on either side of the chosen one


def shown(text: object) -> str:
    """Text that is not ours, safe to print: its markup is no markup, and its control characters are gone."""
    plain = "".join(mark if mark.isprintable() else " " for mark in str(text))
    return escaped(plain)


# Loading


@contextmanager
def loading_progress(console: Console, source: Source) -> Iterator[Callable[[str, int], None]]:
    """A bar over the bytes of all files; gives what is to be told how many bytes of a table were read."""
    # A link that leads nowhere is refused when it is read, by name.
    sizes = {name: path.stat().st_size if path.exists() else 0 for name, path in source.files.items()}
    columns = (TextColumn("{task.description:<22}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=sum(sizes.values()))
        read = dict.fromkeys(sizes, 0)

        def tell(table: str, done: int) -> None:
            read[table] = min(done, sizes[table])
            progress.update(bar, description=table, completed=sum(read.values()))

        yield tell


def print_loaded(console: Console, outcomes: Sequence[Loaded | Refused], ignored: Sequence[str]) -> None:
    table = Table(*("table", "read", "new", "changed", "unchanged", "set aside"), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for outcome in outcomes:
        if isinstance(outcome, Loaded):
            counts = (outcome.read, outcome.new, outcome.changed, outcome.unchanged, len(outcome.set_aside))
            table.add_row(outcome.table, *(f"{count:,}" for count in counts))
        else:
            table.add_row(outcome.table, "[red]refused[/red]")
    console.print(table)
    for outcome in outcomes:
        _print_troubles(console, outcome)
    if ignored:
        names = shown(", ".join(ignored))
        console.print(f"[yellow]passed over[/yellow] {names}: not named like a table", highlight=False)


def _print_troubles(console: Console, outcome: Loaded | Refused) -> None:
    if isinstance(outcome, Refused):
        console.print(f"[red]refused[/red] {shown(outcome.reason)}", highlight=False)
        return
    if outcome.unknown_columns:
        left_out = ", ".join(outcome.unknown_columns)
        console.print(f"[yellow]left out[/yellow] {outcome.file}: unknown column {shown(left_out)}")
    _print_set_aside(console, outcome.file, outcome.set_aside)


def _print_set_aside(console: Console, file: str, asides: "Sequence[Aside | LabelAside]") -> None:
    for aside in asides[:ASIDE_SHOWN]:
        where = f"{shown(file)} row {aside.row}" + (f", {aside.column}" if aside.column else "")
        value = f": {shown(aside.value[:60])}" if aside.value else ""
        console.print(f"[yellow]set aside[/yellow] {where}: {aside.rule}{value}", highlight=False)
    if len(asides) > ASIDE_SHOWN:
        console.print(f"[yellow]set aside[/yellow] {shown(file)}: {len(asides) - ASIDE_SHOWN} more")


def loaded_as_json(outcomes: Sequence[Loaded | Refused], ignored: Sequence[str]) -> dict[str, Any]:
    return {
        "loaded": [_loaded(outcome) for outcome in outcomes if isinstance(outcome, Loaded)],
        "refused": [outcome._asdict() for outcome in outcomes if isinstance(outcome, Refused)],
        "passed_over": list(ignored),
    }


def _loaded(outcome: Loaded) -> dict[str, Any]:
    return outcome._asdict() | {
        "set_aside": len(outcome.set_aside),
        "rows_set_aside": [aside._asdict() for aside in outcome.set_aside],
    }


def loading_trouble(outcomes: Sequence[Loaded | Refused], strict: bool) -> str | None:
    """Why `dft load` does not end with 0; None where it does."""
    refused = [outcome.file for outcome in outcomes if isinstance(outcome, Refused)]
    if strict and not all(map(is_clean, outcomes)):
        return "nothing was written: under --strict every row of every file must load"
    return f"refused: {', '.join(refused)}; the other files are loaded" if refused else None


# Snapshots


def summary(lake: Lake, day: date) -> dict[str, Any]:
    """What a snapshot holds: its settings, rows per table, the wisest values, what was set aside and why."""
    from dft_pipeline.graph.chance import edges_by_chance  # takes a second to import

    manifest = lake.manifest(day)
    assert manifest is not None
    rows = {file["path"].split("/")[0]: file["rows"] for file in manifest["files"]}
    edges = lake.snapshot("wisdom_edges", day).filter(pl.col("scope") == ALL)
    aside = lake.snapshot("quarantine", day)
    counts = aside.group_by("table", "rule").len("rows").sort("table", "rule")
    return {
        "as_of": str(day),
        "policy": manifest["policy"],
        "h": manifest["settings"]["aggregation"]["h"],
        "settings_hash": manifest["settings_hash"],
        "missing_evidence": manifest["missing_evidence"],
        "rows": {name: rows[name] for name in TABLES},
        "edges": len(edges),
        "edges_by_chance": edges_by_chance(lake.snapshot("shuffled_edges", day)),
        "wisest": _wisest(lake, day).to_dicts(),
        "set_aside": counts.to_dicts(),
        "row_counts": lake.snapshot("row_counts", day).to_dicts(),
        "lake": lake.url,
    }


def _wisest(lake: Lake, day: date) -> pl.DataFrame:
    values = lake.snapshot("graph_values", day).filter(pl.col("scope") == ALL)
    ranked = values.sort("wisdom", "pagerank", "value_id", descending=[True, True, False])
    return ranked.head(WISEST).select("value_id", "title", "wisdom", "votes", "shown")


def print_summary(console: Console, found: dict[str, Any]) -> None:
    hops = "all" if found["h"] is None else found["h"]
    console.print(
        f"\n[bold]Snapshot of {found['as_of']}[/bold], policy {found['policy']}, h {hops}", highlight=False
    )
    counts = Table("stage", "table", "rows", box=None, pad_edge=False)
    counts.columns[2].justify = "right"
    stage = ""
    for name, table in TABLES.items():
        counts.add_row(table.stage if table.stage != stage else "", name, f"{found['rows'][name]:,}")
        stage = table.stage
    console.print(counts)
    _print_wisest(console, found)
    for row in found["set_aside"]:
        console.print(f"set aside: {row['rows']:,} of {row['table']}: {row['rule']}", highlight=False)
    for why in found["missing_evidence"]:
        console.print(f"[yellow]missing evidence[/yellow] {why}", highlight=False)


def _print_wisest(console: Console, found: dict[str, Any]) -> None:
    console.print(f"\nThe moral graph has {found['edges']} edges{_by_chance(found)}.", highlight=False)
    console.print("Its wisest values:", highlight=False)
    for row in found["wisest"]:
        votes = f"{row['votes']} of {row['shown']} voted for it"
        console.print(
            f"  {row['wisdom']:5.2f}  {shown(row['title'])} [dim](value {row['value_id']}, {votes})[/dim]",
            highlight=False,
        )


def _by_chance(found: dict[str, Any]) -> str:
    by_chance = found["edges_by_chance"]
    return "" if by_chance is None else f"; shuffled answers give {by_chance:.1f} on average"


def print_status(console: Console, found: dict[str, Any]) -> None:
    """What is built and how fresh it is, what became of the last run, and of the rows that were read."""
    snapshots = found["snapshots"]
    print_snapshots(console, snapshots, found["lake"])
    if snapshots:
        _print_row_counts(console, snapshots[-1])
        days = found["days_behind"]
        said = "it is the latest day that has ended" if days == 0 else f"{days} days have ended since"
        console.print(f"\nThe newest snapshot is of {snapshots[-1]['as_of']}: {said}.", highlight=False)
    if found["last_run"] is not None:
        _print_last_run(console, found["last_run"])
        console.print(f"[dim]verdicts in full: {shown(found['data_docs'])}[/dim]", highlight=False)


def _print_row_counts(console: Console, snapshot: dict[str, Any]) -> None:
    """Rows read = rows used + rows set aside, of every source table that has any."""
    table = Table("source table", "read", "used", "set aside", "why", box=None, pad_edge=False)
    for column in table.columns[1:4]:
        column.justify = "right"
    by_table: dict[str, dict[str, int]] = {}
    for row in snapshot["row_counts"]:
        by_table.setdefault(row["table"], {})[row["outcome"]] = row["rows"]
    for name, outcomes in by_table.items():
        read, used = sum(outcomes.values()), outcomes.get(USED, 0)
        why = ", ".join(f"{rule} {rows:,}" for rule, rows in outcomes.items() if rule != USED)
        if read:
            table.add_row(name, f"{read:,}", f"{used:,}", f"{read - used:,}", shown(why))
    console.print()
    console.print(table)


def _print_last_run(console: Console, run: dict[str, Any]) -> None:
    started = f" on {run['started']:%Y-%m-%d at %H:%M} UTC" if run["started"] else ""
    console.print(f"The last run, for {run['day']}{started}: {run['outcome']}.", highlight=False)
    for check in run["failed_checks"]:
        mark = "[red]✗[/red]" if check["blocks"] else "[yellow]![/yellow]"
        console.print(
            f"  {mark} {check['asset']}: {check['check']}: {shown(check['found'])}", highlight=False
        )


def print_snapshots(console: Console, snapshots: Sequence[dict[str, Any]], lake: str) -> None:
    if not snapshots:
        console.print(f"no snapshot yet in {lake}; make one with: dft build --as-of DAY", highlight=False)
        return
    columns = ("as of", "policy", "h", "edges", "by chance", "reward rows", "set aside")
    table = Table(*columns, box=None, pad_edge=False)
    for found in snapshots:
        hops = "all" if found["h"] is None else str(found["h"])
        rows = (found["rows"]["reward_rows"], found["rows"]["quarantine"])
        by_chance = "" if found["edges_by_chance"] is None else f"{found['edges_by_chance']:,.1f}"
        table.add_row(
            found["as_of"], found["policy"], hops, f"{found['edges']:,}", by_chance, *map("{:,}".format, rows)
        )
    console.print(table)
    console.print(f"[dim]{shown(lake)}[/dim]", highlight=False)


def print_repeat(console: Console, before: dict[str, str], after: dict[str, str]) -> None:
    """Whether a snapshot that was there before has the same bytes now; both arguments are hashes by path."""
    if not before:
        return
    same = sum(before.get(path) == digest for path, digest in after.items())
    said = "all byte for byte the same as before" if before == after else f"{same} the same as before"
    console.print(f"\nBuilt again: {len(after)} files, {said}.", highlight=False)


def print_next_steps(console: Console, lake: Lake, day: date, home: str, set_names: Sequence[str]) -> None:
    """What to type next, with an edge that is there; `set_names`: variables that point elsewhere."""
    edge = lake.snapshot("wisdom_edges", day).filter(pl.col("scope") == ALL).sort("wiser_likelihood").tail(1)
    source, wiser = edge.select("source_value_id", "wiser_value_id").row(0)
    console.print(
        f"\nParquet: {shown(lake.url)}/\n  <table>/as_of={day}/part-0.parquet, "
        f"for example {published('reward_rows', day)}",
        highlight=False,
        soft_wrap=True,
    )
    console.print("\nNext, in this terminal:", highlight=False)
    if set_names:
        console.print(f"  unset {' '.join(set_names)}", highlight=False)
    for line in (
        f"export DFT_HOME={shlex.quote(home)} PATH=.venv/bin:$PATH",
        f"dft audit edge {source} {wiser}  # who said so, and why",
        f"dft export graph --as-of {day} --format graphml --output graph.graphml",
        f"dft verify --as-of {day}",
        "dft dev  # Dagster's web UI",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)


# Calibration


def calibration_as_json(done: "Calibrated") -> dict[str, Any]:
    told = done.labels
    return {
        "as_of": str(done.day),
        "chosen": done.found.chosen.model_dump(mode="json"),
        "pairs": done.found.pairs,
        "same": done.found.same,
        "nearly_best": done.found.nearly_best,
        "scores": done.found.scores.to_dicts(),
        "labels": None if told is None else _labels(told),
        "files": [str(path) for path in done.files],
    }


def _labels(told: "Labels") -> dict[str, Any]:
    return {
        "file": told.file,
        "read": told.read,
        "used": len(told.pairs),
        "unsure": told.unsure,
        "set_aside": dict(told.reasons),
        "rows_set_aside": [aside._asdict() for aside in told.set_aside],
        "unknown_columns": list(told.unknown_columns),
    }


def print_calibration(console: Console, done: "Calibrated") -> None:
    """The scores around the chosen threshold, the thresholds, what did not count, and what to do next."""
    if done.labels is not None:
        print_labels(console, done.labels)
    chosen = done.found.chosen
    console.print(
        f"\n[bold]{shown(chosen.embed_model)}[/bold], {shown(chosen.source)}", highlight=False, soft_wrap=True
    )
    _print_scores(console, done)
    from dft_pipeline.values.calibration import NEARLY

    low, high = done.found.nearly_best
    console.print(
        f"[dim]F1 is within {NEARLY} of the best from {low:.2f} to {high:.2f}[/dim]", highlight=False
    )
    for said, threshold in (
        ("the same value from a similarity of", chosen.threshold),
        ("two of the app's canonical cards, from", chosen.canonical_threshold),
        ("a judge is asked about pairs from", chosen.candidate_threshold),
    ):
        console.print(f"  {said:<38} {threshold:.2f}", highlight=False)
    _print_calibrated_files(console, done)


def print_labels(console: Console, told: "Labels") -> None:
    """The rows of labels that do not count, and how many do."""
    _print_set_aside(console, told.file, told.set_aside)
    if told.unknown_columns:
        names = shown(", ".join(told.unknown_columns))
        console.print(f"[yellow]left out[/yellow] {shown(told.file)}: unknown column {names}")
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in told.reasons.items())
    aside = f"{len(told.set_aside):,} set aside" + (f" ({reasons})" if reasons else "")
    counts = f"{told.read:,} rows: {len(told.pairs):,} used, {told.unsure:,} unsure, {aside}"
    console.print(f"{shown(told.file)}, {counts}", highlight=False)


def _print_scores(console: Console, done: "Calibrated") -> None:
    scores, chosen = done.found.scores, done.found.chosen.threshold
    table = Table("threshold", "precision", "recall", "F1", box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    place = scores["threshold"].to_list().index(chosen)
    for threshold, *rates in scores[max(0, place - AROUND) : place + AROUND + 1].iter_rows():
        cells = ("–" if rate is None else f"{rate:.3f}" for rate in rates)
        table.add_row(f"{threshold:.2f}", *cells, style="bold" if threshold == chosen else "")
    console.print(table)


def _print_calibrated_files(console: Console, done: "Calibrated") -> None:
    *others, settings = done.files
    names = ", ".join(path.name for path in others)
    console.print(f"\n{names} and {settings.name} are in {shown(settings.parent)}", highlight=False)
    console.print("\nNext, in this terminal:", highlight=False)
    for line in (
        f"export DFT_DEDUPLICATION={shlex.quote(str(settings.absolute()))}",
        f"dft build --as-of {done.day} --dedup offline --replace",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)


# Bridging


def bridges_as_json(
    found: "Sequence[Bridge]", titles: dict[int, str], parties: tuple[str, str], day: date, counted: str
) -> dict[str, Any]:
    """The bridges with their values' titles; `people` are of the first party, `other_people` of the other."""
    from dft_pipeline.values.few_apart import FEWEST_PEOPLE

    return {
        "as_of": str(day),
        "party": parties[0],
        "other_party": parties[1],
        "counted": counted,
        "fewest_people": FEWEST_PEOPLE,
        "bridges": [
            bridge._asdict()
            | {
                "title": titles.get(bridge.value_id),
                "other_title": titles.get(bridge.other_value_id),
                "wiser_title": titles.get(bridge.wiser_value_id),
            }
            for bridge in found
        ],
    }


def print_bridges(console: Console, told: dict[str, Any]) -> None:
    """A row per bridge; where there is none, that this says little."""
    one, other = shown(told["party"]), shown(told["other_party"])
    if not told["bridges"]:
        console.print(
            f"as of {told['as_of']}, no bridge between {one} and {other} rests on "
            f"{told['fewest_people']} people or more of each; what rests on fewer is not shown, nor "
            "whether there is any",
            highlight=False,
        )
        return
    said = "judged wiser" if told["counted"] == "upgrade" else "asked about"
    table = Table(f"of {one}", "people", f"of {other}", "people", f"both {said}", box=None, pad_edge=False)
    for row in told["bridges"]:
        ends = (("title", "value_id"), ("other_title", "other_value_id"), ("wiser_title", "wiser_value_id"))
        own, others, wiser = (f"{shown(row[title] or 'no title')} ({row[value]})" for title, value in ends)
        table.add_row(own, str(row["people"]), others, str(row["other_people"]), wiser)
    console.print(table)


# Benchmark


def print_timings(console: Console, timings: "Sequence[Timing]", judgments: int) -> None:
    table = Table(
        f"{judgments:,} judgments", "seconds", "floor", "× floor", "the floor is", box=None, pad_edge=False
    )
    for column in table.columns[1:4]:
        column.justify = "right"
    for stage, seconds, floor, floor_seconds in timings:
        times = f"{seconds / floor_seconds:.1f}"
        table.add_row(stage, f"{seconds:.3f}", f"{floor_seconds:.3f}", times, floor)
    console.print(table)
