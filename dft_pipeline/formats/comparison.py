"""What two exports of one format differ in: settings, rows that came, went or changed, and other files."""

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import polars as pl
from pydantic import BaseModel, ValidationError

from dft_pipeline.formats.formats import FORMATS
from dft_pipeline.formats.making import EXPORT, SPLITS, Refused
from dft_pipeline.formats.names import DatasetFormat
from dft_pipeline.formats.preferences import PROVENANCE
from dft_pipeline.tables import TABLES

Files = Mapping[str, bytes]
Rows = dict[str, dict[str, list[str]]]  # table → key → digests of what the rows say and where
SETTINGS = ("as_of", "manifest_sha256", "version", "filters", "margin_scale", "license", "consent_basis")


class _File(BaseModel):
    sha256: str


class _Export(BaseModel):
    """What is read of `export.json`."""

    format: str
    files: dict[str, _File]


def differences(before: Files, now: Files) -> dict[str, Any]:
    """Of two exports, files by path, `export.json` among them. Raises Refused by what cannot be compared.

    `files` are those that differ though no row of theirs does, such as a card.
    """
    told = [_told(files) for files in (before, now)]
    forms = [one["format"] for one in told]
    if forms[0] != forms[1]:
        raise Refused(f"exports of two formats have no rows in common: {forms[0]} and {forms[1]}")
    listed = zip(told, (before, now), strict=True)
    rows = [_rows(forms[0], {path: files[path] for path in one["files"]}) for one, files in listed]
    changed = {name: [one.get(name) for one in told] for name in SETTINGS}
    names = sorted({*rows[0], *rows[1]})
    changes = {name: _changes(*(of.get(name, {}) for of in rows)) for name in names}
    return {
        "format": forms[0],
        "settings": {name: values for name, values in changed.items() if values[0] != values[1]},
        "rows": changes,
        "files": _others(DatasetFormat(forms[0]), told, changes),
    }


def _told(files: Files) -> dict[str, Any]:
    """What `export.json` says. Raises Refused where another file is not as it says."""
    try:
        _Export.model_validate_json(files.get(EXPORT, b""))
    except ValidationError:
        raise Refused(f"{EXPORT} is missing or damaged: it does not say what was exported") from None
    told: dict[str, Any] = json.loads(files[EXPORT])
    if told["format"] not in set(DatasetFormat):
        raise Refused(f"{EXPORT} names no format of this version: {told['format']}")
    for path, said in told["files"].items():
        if hashlib.sha256(files.get(path, b"")).hexdigest() != said["sha256"]:
            raise Refused(f"{path} is missing, or not as {EXPORT} says")
    return told


def _changes(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {
        "came": sorted(set(now) - set(before)),
        "went": sorted(set(before) - set(now)),
        "changed": sorted(key for key in set(before) & set(now) if before[key] != now[key]),
    }


def _others(
    form: DatasetFormat, told: list[dict[str, Any]], changes: Mapping[str, dict[str, list[str]]]
) -> list[str]:
    """The files that differ, but for those of a table whose rows do."""
    changed = {name for name, of in changes.items() if any(of.values())}
    before, now = ({path: said["sha256"] for path, said in one["files"].items()} for one in told)
    differing = [path for path in {*before, *now} if before.get(path) != now.get(path)]
    return sorted(path for path in differing if _table(form, path) not in changed)


def _rows(name: str, files: Files) -> Rows:
    form = DatasetFormat(name)
    found: Rows = defaultdict(lambda: defaultdict(list))
    for path in sorted(files):
        side = next((side for side in SPLITS if PurePosixPath(path).name.startswith(side)), None)
        if side is None:
            continue
        table = _table(form, path)
        key = FORMATS[form].key or TABLES[table].key
        for row in _read(form, path, files):
            name = ", ".join(str(row[column]) for column in key)
            found[table][name].append(_digest([side, row]))
    return {table: {key: sorted(all_) for key, all_ in of.items()} for table, of in found.items()}


def _table(form: DatasetFormat, path: str) -> str:
    """The table whose rows a file has; the format's name where it has its own."""
    return form.value if FORMATS[form].key else PurePosixPath(path).parent.name


def _read(form: DatasetFormat, path: str, files: Files) -> Iterator[dict[str, Any]]:
    if path.endswith(".parquet"):
        yield from pl.read_parquet(io.BytesIO(files[path])).iter_rows(named=True)
        return
    rows = [json.loads(line) for line in files[path].decode().split("\n") if line]
    if form is DatasetFormat.CHAT_JSONL:
        sources = [json.loads(line) for line in files[PROVENANCE].decode().split("\n") if line]
        theirs = [source for source in sources if source["file"] == path]
        rows = [row | source | {"line": 0} for row, source in zip(rows, theirs, strict=True)]
    yield from rows


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
