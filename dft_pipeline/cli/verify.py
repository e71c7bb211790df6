"""Whether what lies in the lake is what was published."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from dft_pipeline.history.publication_log import faults, rewritten
from dft_pipeline.history.references import dangling
from dft_pipeline.manifest import damage
from resources.database import database, prepare
from resources.lake import Lake, manifest_path
from resources.problems import NoDatabase, NotAdmitted
from resources.publication import recorded
from resources.settings import Settings


class Verified(NamedTuple):
    """How many files and log entries were looked at, and what is wrong with them, in words.

    `entries_compared`: how many of the entries the database has a copy of; None where no database answers.
    """

    files: int
    log_entries: int
    entries_compared: int | None
    damage: list[str]


def verified(lake: Lake, day: date, copied: Mapping[int, str] | None = None) -> Verified:
    """Hashes, references and log of a day that has a snapshot. `copied` as `copied_entries` gives it.

    What a file says is asked only where it is as it was published: the log names the manifest, the manifest
    the tables, and their references are followed.
    """
    log = lake.log_files()
    broken = [*faults(log, lake.manifest_hashes()), *rewritten(log, copied or {})]
    compared = None if copied is None else len(copied)
    if any(manifest_path(day) in fault for fault in broken):
        return Verified(0, len(log), compared, broken)
    manifest = lake.manifest(day) or {"files": [], "raw_files": []}
    named = [file["path"] for file in [*manifest["files"], *manifest["raw_files"]]]
    changed = damage(manifest, lake.hashes(named), lake.beside(file["path"] for file in manifest["files"]))
    lost = [] if changed else dangling(lambda table, columns: lake.snapshot(table, day, columns))
    return Verified(len(named), len(log), compared, [*changed, *lost, *broken])


def copied_entries(chosen: Settings) -> dict[int, str] | None:
    """The database's copy of the lake's log; None for whoever has the lake alone, or where none answers."""
    if chosen.database_url is None and not (chosen.home_folder / "postgres").is_dir():
        return None
    try:
        with database(chosen) as url:
            prepare(url)
            return recorded(url, chosen.lake_url)
    except (NoDatabase, NotAdmitted):
        return None
