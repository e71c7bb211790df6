"""Whether what lies in the lake is what was published."""

from datetime import date
from typing import NamedTuple

from dft_pipeline.history.publication_log import faults
from dft_pipeline.history.references import dangling
from dft_pipeline.manifest import damage
from resources.lake import Lake


class Verified(NamedTuple):
    """How many files and log entries were looked at, and what is wrong with them, in words."""

    files: int
    log_entries: int
    damage: list[str]


def verified(lake: Lake, day: date) -> Verified:
    """Hashes, references and log of a day that has a snapshot.

    References are followed only where every file is as it was: else they say nothing more.
    """
    manifest = lake.manifest(day) or {"files": [], "raw_files": []}
    named = [file["path"] for file in [*manifest["files"], *manifest["raw_files"]]]
    changed = damage(manifest, lake.hashes(named), lake.beside(file["path"] for file in manifest["files"]))
    lost = [] if changed else dangling(lambda table, columns: lake.snapshot(table, day, columns))
    log = lake.log_files()
    return Verified(len(named), len(log), [*changed, *lost, *faults(log, lake.manifest_hashes())])
