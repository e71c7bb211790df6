"""`dft withdraw`: takes somebody's data out, or says what that would change; what a terminal shows of it."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from assets.withdrawing import Influence, carry_out, influence, unfinished
from dft_pipeline.history.counterfactual import is_same
from resources import withdrawals
from resources.database import connect, not_lost
from resources.settings import Settings

SHOWN = 10  # changes of a kind; --json has all
Tell = Callable[[str], None]


def withdrawn(url: str, chosen: Settings, person: str, dry_run: bool, tell: Tell) -> dict[str, Any]:
    """What withdrawing a person (a pseudonym) changes, or with `dry_run` what it would change."""
    if dry_run:
        rows, found = influence(chosen, frozenset([person]), tell)
        snapshots = [] if found is None else [_as_json(found)]
        return {"participant_id": person, "dry_run": True, "raw_rows": rows, "snapshots": snapshots}
    with connect(url) as connection, not_lost():
        withdrawals.listed(connection, chosen.key())  # refuses another key's list
        withdrawals.add(connection, chosen.key(), [person])
    left = carry_out(url, chosen, tell)
    elsewhere = chosen.source_url not in (None, chosen.database_url, url)
    return {
        "participant_id": person,
        "dry_run": False,
        **left._asdict(),
        "superseded_exports": [one._asdict() for one in left.superseded_exports],
        "snapshots": [_as_json(one) for one in left.snapshots],
        "delete_in_the_app": elsewhere,
    }


def finished(url: str, chosen: Settings, tell: Tell) -> None:
    """Takes out what is left of people on the list, if anybody's is."""
    if unfinished(url, chosen):
        tell("consent was revoked: what is left of those people is taken out")
        carry_out(url, chosen, tell)


def print_report(console: Console, found: Mapping[str, Any]) -> None:
    """What was or would be deleted and changed, the first few of each kind."""

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    say(_headline(found))
    for where, rows in (("database", found.get("rows", {})), ("lake", found["raw_rows"])):
        if rows:
            say(f"rows in the {where}: {', '.join(f'{table} {count:,}' for table, count in rows.items())}")
    for snapshot in found["snapshots"]:
        _print_influence(say, snapshot)
    for export in found.get("superseded_exports", ()):
        files = ", ".join(f"{escape(name)} (SHA-256 {digest})" for name, digest in export["files"].items())
        say(f"superseded: the export {export['form']} of {export['as_of']}: {files}")
    if found.get("delete_in_the_app"):
        say(
            "DFT_SOURCE_URL names the app's own database, which is only read: the app must delete them itself"
        )


def _headline(found: Mapping[str, Any]) -> str:
    is_there = any(found.get(name) for name in ("rows", "raw_rows", "quarantine", "snapshots"))
    person = f"[bold]{found['participant_id']}[/bold]"
    if found["dry_run"]:
        return (
            f"{person}: what the latest snapshot would be without them"
            if is_there
            else f"{person}: nothing there"
        )
    if is_there:
        return f"{person} is withdrawn, and nothing of theirs is left"
    return f"{person} is withdrawn; nothing of theirs was there, and nothing will be let in"


def _print_influence(say: Tell, snapshot: Mapping[str, Any]) -> None:
    same = (
        "" if snapshot["same_code"] else " (it was built by other code, which may make a difference as well)"
    )
    say(
        f"[bold]{snapshot['as_of']}[/bold]{same}"
        + (": nothing else changes" if is_same(snapshot["changes"]) else "")
    )
    for subject, changes in snapshot["changes"].items():
        for kind, rows in changes.items():
            if rows:
                say(f"  {subject}: {len(rows):,} {kind}")
            for row in rows[:SHOWN]:
                say(f"    {escape(', '.join(f'{name} {value}' for name, value in row.items()))}")
            if len(rows) > SHOWN:
                say(f"    and {len(rows) - SHOWN:,} more (--json has all)")


def _as_json(found: Influence) -> dict[str, Any]:
    return {**found._asdict(), "as_of": str(found.as_of)}
