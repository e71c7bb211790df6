"""Whether what lies in the lake is what was published."""

from datetime import date
from typing import NamedTuple

from dft_pipeline.history.publication_log import faults
from dft_pipeline.history.references import dangling
from dft_pipeline.manifest import damage
from resources.lake import Lake, manifest_path


class Verified(NamedTuple):
    """How many files and log entries were looked at, and what is wrong with them, in words."""

    files: int
    log_entries: int
    damage: list[str]


def verified(lake: Lake, day: date) -> Verified:
    """Hashes, references and log of a day that has a snapshot.

    What a file says is asked only where it is as it was published: the log names the manifest, the manifest
    the tables, and their references are followed.
    """
    log = lake.log_files()
    broken = faults(log, lake.manifest_hashes())
    if any(manifest_path(day) in fault for fault in broken):
        return Verified(0, len(log), broken)
    manifest = lake.manifest(day) or {"files": [], "raw_files": []}
    named = [file["path"] for file in [*manifest["files"], *manifest["raw_files"]]]
    changed = damage(manifest, lake.hashes(named), lake.beside(file["path"] for file in manifest["files"]))
    lost = [] if changed else dangling(lambda table, columns: lake.snapshot(table, day, columns))
    return Verified(len(named), len(log), [*changed, *lost, *broken])
