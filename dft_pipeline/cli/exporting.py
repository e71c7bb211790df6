"""What `dft export dataset` does, and `dft diff` with two such exports."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from dft_pipeline.cli.terminal import shown
from dft_pipeline.formats.comparison import differences
from dft_pipeline.formats.formats import FORMATS, made, options, read_by
from dft_pipeline.formats.making import EXPORT, Asked, Snapshot
from dft_pipeline.formats.names import DatasetFormat
from dft_pipeline.history.publication_log import last_of
from dft_pipeline.policies import Filters
from resources.files import read_folder, write_folder
from resources.lake import Lake, parquet
from resources.settings import Settings

LISTED = 10  # rows that came, went or changed, that a person is shown; JSON has all


def exported(
    lake: Lake,
    day: date,
    name: DatasetFormat,
    output: Path,
    filters: Filters,
    margin_scale: float | None,
    chosen: Settings,
) -> dict[str, bytes]:
    """Writes and registers the export; gives its files. Raises Refused, or FolderTaken."""
    manifest = lake.manifest(day)
    assert manifest is not None
    asked = Asked(_snapshot(lake, day, manifest), filters, margin_scale, chosen.license, chosen.consent_basis)
    there = {file["path"].split("/")[0] for file in manifest["files"]}
    tables = {table: lake.snapshot(table, day) for table in read_by(name) if table in there}
    files = made(name, tables, asked, parquet)
    write_folder(output, files)
    lake.register(f"dataset-{name}", day, options(FORMATS[name], asked), files)
    return files


def is_export(folder: str) -> bool:
    return (Path(folder) / EXPORT).is_file()


def between(before: str, now: str) -> dict[str, Any]:
    """What two folders of exports differ in. Raises Refused."""
    return differences(read_folder(Path(before)), read_folder(Path(now)))


def print_differences(console: Console, found: Mapping[str, Any]) -> None:
    """What `between` gives."""
    for name, (before, now) in found["settings"].items():
        console.print(f"{name}: {shown(str(before))} → {shown(str(now))}", highlight=False)
    for table, changes in found["rows"].items():
        said = ", ".join(f"{len(keys)} {change}" for change, keys in changes.items())
        console.print(f"[bold]{table}[/bold]: {said}", highlight=False)
        for change, keys in changes.items():
            for key in keys[:LISTED]:
                console.print(f"  {change} {shown(key)}", highlight=False)
    for path in found["files"]:
        console.print(f"{shown(path)} differs, and no row of it does", highlight=False)


def _snapshot(lake: Lake, day: date, manifest: Mapping[str, Any]) -> Snapshot:
    entry = last_of(lake.log(), str(day))
    assert entry is not None
    return Snapshot(str(day), manifest, lake.manifest_hashes()[str(day)], entry.number)
