"""What changed between two snapshots, or with a day's revisions, for a person and as JSON."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from dft_pipeline.cli.terminal import shown
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.history.difference import Difference, Stand, difference, stand
from resources.lake import Lake

LISTED = 30  # edges that came, went or flipped, that a person is shown; JSON has all
EVIDENCE = "evidence"
CHANGES = {"came": "green", "went": "red", "flipped": "yellow", EVIDENCE: "dim"}
SAID = {EVIDENCE: "rest on other evidence"}
COUNTED = ("marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure")


def between(lake: Lake, before: date, now: date) -> Difference:
    """The difference of two days that have a snapshot."""
    return difference(_stand(lake, before), _stand(lake, now))


def as_json(found: Difference) -> dict[str, Any]:
    """Every change, each with what did it."""
    tables = ("edges", "rows", "judgments", "merges")
    return {"settings": found.settings, **{name: getattr(found, name).to_dicts() for name in tables}}


def print_days(console: Console, lake: Lake, days: tuple[date, date], found: Mapping[str, Any]) -> None:
    """What `as_json` gives of two days."""
    console.print(f"[bold]{days[0]} → {days[1]}[/bold]", highlight=False)
    _print_changes(console, found, {**_titles(lake, days[0]), **_titles(lake, days[1])})


def print_revisions(console: Console, lake: Lake, day: date, revisions: Sequence[Mapping[str, Any]]) -> None:
    """What each revision of a day changed."""
    if not revisions:
        console.print(f"{day} was published once, and has not changed since", highlight=False)
    for told in revisions:
        console.print(f"[bold]{day}, revision {told['revision']}[/bold]: {told['reason']}", highlight=False)
        if told["changes"] is None:
            console.print(
                "  the revision before it cannot be compared: other code made it, or it was damaged",
                highlight=False,
            )
        else:
            _print_changes(console, told["changes"], _titles(lake, day))


def _titles(lake: Lake, day: date) -> dict[int, str]:
    return dict(lake.snapshot("canonical_values", day, ["value_id", "title"]).iter_rows())


def _print_changes(console: Console, found: Mapping[str, Any], titles: Mapping[int, str]) -> None:
    if found["settings"]:
        console.print(f"other settings: {', '.join(found['settings'])}", highlight=False)
    _print_edges(console, [edge for edge in found["edges"] if edge["scope"] == ALL], titles)
    elsewhere = sum(edge["scope"] != ALL for edge in found["edges"])
    console.print(f"{elsewhere} more in the graphs of single cases and contexts", highlight=False)
    rows = [row["change"] for row in found["rows"]]
    said = ", ".join(f"{rows.count(change)} {change}" for change in ("came", "went", "changed"))
    console.print(f"training rows: {said}", highlight=False)


def _print_edges(console: Console, edges: Sequence[Mapping[str, Any]], titles: Mapping[int, str]) -> None:
    counts = ", ".join(
        f"{sum(edge['change'] == change for edge in edges)} [{style}]{SAID.get(change, change)}[/{style}]"
        for change, style in CHANGES.items()
    )
    console.print(f"edges: {counts}", highlight=False)
    listed = [edge for change in CHANGES for edge in edges if edge["change"] == change != EVIDENCE][:LISTED]
    table = Table("change", "edge", "wiser / not / less / unsure", "now rejected by", "because of", box=None)
    for edge in listed:
        style = CHANGES[edge["change"]]
        ends = (edge["source_value_id"], edge["wiser_value_id"])
        named = " → ".join(f"{shown(titles.get(end, 'gone'))} ({end})" for end in ends)
        marks = " → ".join(dict.fromkeys((_marks(edge, "_before"), _marks(edge, ""))))
        causes = ", ".join(edge["causes"])
        change = f"[{style}]{edge['change']}[/{style}]"
        table.add_row(change, named, marks, edge["rejection_reason"] or "", causes)
    if listed:
        console.print(table)


def _marks(edge: Mapping[str, Any], when: str) -> str:
    return " ".join(str(edge[f"{name}{when}"] or 0) for name in COUNTED)


def _stand(lake: Lake, day: date) -> Stand:
    settings = (lake.manifest(day) or {})["settings"]
    return stand(lambda table, columns: lake.snapshot(table, day, columns), settings)
