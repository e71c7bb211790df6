"""The lake: Parquet and JSON files under one folder or fsspec URL, each of which appears whole or not at all.

What belongs here: where things lie and how they are written. Snapshot tables are staged first and
published together with their manifest, so that a build that stops half-way leaves the last good
snapshot as it was.
"""

import hashlib
import io
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import fsspec
import polars as pl
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from dft_pipeline.history import exports, publication_log, revisions
from dft_pipeline.history.difference import Difference
from dft_pipeline.history.publication_log import Entry, Reason
from dft_pipeline.tables import TABLES
from resources.problems import LakeProblem

STAGING = ".staging"
PART = "part-0.parquet"
MEND = "remove that file, and the next build of the day writes it anew"
NO_DAY = "none"  # the partition of rows that do not say when they were created


class RawFile(NamedTuple):
    """A file of a raw table, by its path in the lake, and how many rows it has."""

    path: str
    rows: int


class Lake:
    """Files under one root; paths are relative to it, with slashes."""

    def __init__(self, url: str) -> None:
        try:
            self.files, self.root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise LakeProblem(f"the lake {url} cannot be opened: {error}") from None
        self.url = url
        self.is_local = isinstance(self.files, LocalFileSystem)

    # Files

    def read(self, path: str) -> bytes:
        """Raises LakeProblem where there is no such file."""
        try:
            content: bytes = self.files.cat_file(self.at(path))
        except FileNotFoundError:
            raise LakeProblem(f"{path} is not in the lake {self.url}") from None
        return content

    def write(self, path: str, content: bytes) -> None:
        """Writes a file so that no reader sees it half-written; leaves an identical one as it is."""
        if self.exists(path) and self.read(path) == content:
            return
        if not self.is_local:
            self.files.pipe_file(self.at(path), content)  # an object appears whole
            return
        draft = f"{self._draft_folder()}/{secrets.token_hex(8)}"
        self.files.pipe_file(draft, content)
        self.files.makedirs(self.at(path).rpartition("/")[0], exist_ok=True)
        self.files.mv(draft, self.at(path))

    def exists(self, path: str) -> bool:
        return bool(self.files.isfile(self.at(path)))

    def hashes(self, paths: Iterable[str]) -> dict[str, str | None]:
        """The SHA-256 of files, in hex; None where there is none."""
        return {path: sha256(self.read(path)) if self.exists(path) else None for path in paths}

    def beside(self, paths: Iterable[str]) -> list[str]:
        """Every file in the folders of the paths, themselves among them."""
        folders = sorted({path.rpartition("/")[0] for path in paths})
        return [path for folder in folders for path in self.find(folder)]

    def remove(self, path: str) -> None:
        if self.files.exists(self.at(path)):
            self.files.rm(self.at(path), recursive=True)

    def find(self, folder: str) -> list[str]:
        """Every file below a folder, sorted."""
        if not self.files.exists(self.at(folder)):
            return []
        start = len(self.root.rstrip("/")) + 1
        return sorted(str(path)[start:] for path in self.files.find(self.at(folder)))

    def at(self, path: str) -> str:
        return f"{self.root.rstrip('/')}/{path}"

    def _frame(self, path: str, columns: list[str] | None = None) -> pl.DataFrame:
        try:
            return pl.read_parquet(io.BytesIO(self.read(path)), columns=columns)
        except pl.exceptions.PolarsError:
            raise LakeProblem(f"{path} in the lake {self.url} is damaged; {MEND}") from None

    def _json(self, path: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self.read(path))
        except ValueError:
            raise LakeProblem(f"{path} in the lake {self.url} is damaged; {MEND}") from None
        return content

    def _draft_folder(self) -> str:
        folder = self.at(f"{STAGING}/drafts")
        self.files.makedirs(folder, exist_ok=True)
        return folder

    # Snapshots

    def stage(self, table: str, day: date, frame: pl.DataFrame) -> None:
        """Keeps a table for the snapshot that is being built."""
        self.write(_staged(table, day), parquet(TABLES[table].conform(frame)))

    def snapshot(self, table: str, day: date, columns: list[str] | None = None) -> pl.DataFrame:
        """A table of the day's published snapshot, or some of its columns. Raises LakeProblem without one."""
        path, manifest = published(table, day), self.manifest(day)
        if manifest and all(file["path"] != path for file in manifest["files"]):
            raise LakeProblem(
                f"the snapshot of {day} was built before the table {table} was made: "
                f"dft build --as-of {day} --replace"
            )
        return self._frame(path, columns)

    def rows(
        self, table: str, day: date, where: pl.Expr | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The rows of a published table that fit, read by what its file says of its parts.

        Raises LakeProblem where there is no such snapshot.
        """
        path = published(table, day)
        if not self.exists(path):
            raise LakeProblem(f"{path} is not in the lake {self.url}; make it with: dft build --as-of {day}")
        source = self.at(path) if self.is_local else io.BytesIO(self.read(path))
        try:
            every = pl.scan_parquet(source)
            wanted = every if where is None else every.filter(where)
            return (wanted if columns is None else wanted.select(columns)).collect()
        except pl.exceptions.PolarsError:
            raise LakeProblem(f"{path} in the lake {self.url} is damaged; {MEND}") from None

    def in_build(self, table: str, day: date, columns: list[str] | None = None) -> pl.DataFrame:
        """A table as the build under way has it, or some of its columns: staged, else published."""
        path = _staged(table, day) if self.exists(_staged(table, day)) else published(table, day)
        return self._frame(path, columns)

    def content_in_build(self, table: str, day: date) -> bytes:
        path = _staged(table, day) if self.exists(_staged(table, day)) else published(table, day)
        return self.read(path)

    def publish(
        self,
        day: date,
        manifest: Mapping[str, Any],
        reason: Reason | None = None,
        changed: Difference | None = None,
    ) -> None:
        """Moves what is staged to its place and writes the manifest last, which makes it a snapshot.

        The log says so before, with the reason, else the one that follows from the manifests: a snapshot that
        the log does not know is never there. `changed`: how it differs from the revision that it replaces.
        """
        content, log, before = json_bytes(manifest), self.log(), self.manifest(day)
        because = reason or publication_log.why(log, str(day), before, manifest)
        entry = publication_log.following(log, str(day), sha256(content), because)
        if before is not None and entry is not None:
            self.write(revisions.path_of(entry), revisions.content(entry, changed))
        for table in TABLES:
            if self.exists(_staged(table, day)):
                self.write(published(table, day), self.read(_staged(table, day)))
        self._record(entry)
        self.write(manifest_path(day), content)
        self.clear_staging()

    def changes(self, day: date) -> list[dict[str, Any]]:
        """What each further revision of the day changed, as `revisions` tells it, in their order."""
        return [self._json(path) for path in self.find(f"changes/as_of={day}")]

    def retire(self, day: date) -> None:
        """Takes a day's snapshot out of the lake; the log keeps that it was there."""
        self._record(publication_log.following(self.log(), str(day), None, "retired"))
        for path in (manifest_path(day), *(f"{table}/as_of={day}" for table in TABLES)):
            self.remove(path)

    def adopt(self, other: "Lake", day: date, reason: Reason, changed: Difference | None) -> None:
        """Makes the snapshot that another lake has of the day this one's, with the raw files that it read."""
        manifest = other.manifest(day)
        if manifest is None:
            raise LakeProblem(f"there is no snapshot of {day} in {other.url}")
        for file in manifest["raw_files"]:
            self.write(file["path"], other.read(file["path"]))
        for table in TABLES:
            self.write(_staged(table, day), other.read(published(table, day)))
        self.publish(day, manifest, reason, changed)

    def manifest_hashes(self) -> dict[str, str]:
        """The SHA-256 of each day's manifest, in hex, by day."""
        return {str(day): sha256(self.read(manifest_path(day))) for day in self.days()}

    # The publication log

    def log_files(self) -> dict[str, bytes]:
        """The entries' files by path, in their order."""
        return {path: self.read(path) for path in self.find("log")}

    def log(self) -> list[Entry]:
        """Raises LakeProblem where an entry is not as it was written."""
        entries = []
        for path, content in self.log_files().items():
            try:
                entries.append(publication_log.parsed(content))
            except publication_log.Broken as broken:
                raise LakeProblem(f"{path} in the lake {self.url} was changed: {broken}") from None
        return entries

    def _record(self, entry: Entry | None) -> None:
        """Appends to the log. Raises LakeProblem where the entry's place is taken."""
        if entry is None:
            return
        path = publication_log.path_of(entry.number)
        if self.exists(path):
            raise LakeProblem(f"{path} in the lake {self.url} is there already; look with: dft verify")
        self.write(path, publication_log.content(entry))

    def clear_staging(self) -> None:
        """Forgets what a build that did not end has left."""
        self.remove(STAGING)

    def manifest(self, day: date) -> dict[str, Any] | None:
        """The manifest of the day's snapshot, or None where there is no snapshot."""
        if not self.exists(manifest_path(day)):
            return None
        return self._json(manifest_path(day))

    def days(self) -> list[date]:
        """The days that have a snapshot, sorted."""
        names = (path.rpartition("as_of=")[2].removesuffix(".json") for path in self.find("manifests"))
        return sorted(date.fromisoformat(name) for name in names)

    # Exports

    def register(self, form: str, day: date, options: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Keeps which files, by name and hash, were written from the day's snapshot for other programs."""
        hashes = {name: sha256(content) for name, content in files.items()}
        of = sha256(self.read(manifest_path(day)))
        export = exports.Export(form, str(day), of, options, hashes)
        self.write(exports.path_of(export), exports.content(export))

    def exports(self) -> list[exports.Export]:
        """What was written for other programs, as far as it was registered."""
        return [exports.parsed(self.read(path)) for path in self.find("exports")]

    # Raw tables

    def raw_index(self, table: str) -> dict[str, dict[str, Any]]:
        """Which file holds each day's rows: day → file, rows, fingerprint."""
        if not self.exists(_index(table)):
            return {}
        return self._json(_index(table))

    def write_raw(self, table: str, day: str, frame: pl.DataFrame) -> str:
        """Writes a day's rows under their content hash, and gives the path."""
        content = parquet(frame)
        path = f"raw/{table}/day={day}/{sha256(content)[:32]}.parquet"
        self.write(path, content)
        return path

    def write_raw_index(self, table: str, days: Mapping[str, Mapping[str, Any]]) -> None:
        self.write(_index(table), json_bytes(days))

    def raw_files(self, table: str, day: date | None) -> list[RawFile]:
        """The current files of the rows created up to and on a day; of all rows where the day is None."""
        index = sorted(self.raw_index(table).items())
        return [
            RawFile(entry["file"], entry["rows"])
            for name, entry in index
            if day is None or name <= day.isoformat()
        ]

    def raw(self, files: Iterable[RawFile], schema: pl.Schema) -> pl.DataFrame:
        """The rows of raw files, in the order given, with the schema's columns."""
        frames = [self._frame(file.path, schema.names()) for file in files]
        return pl.concat([schema.to_frame(), *frames])

    def sweep_raw(self) -> None:
        """Removes raw files that no index and no kept snapshot names."""
        files = [path for path in self.find("raw") if path.endswith(".parquet")]
        kept = {file["path"] for day in self.days() for file in (self.manifest(day) or {})["raw_files"]}
        for table in {path.split("/")[1] for path in files}:
            kept |= {file.path for file in self.raw_files(table, None)}
        for path in files:
            if path not in kept:
                self.remove(path)


def parquet(frame: pl.DataFrame) -> bytes:
    """The frame as Parquet with zstd; equal frames in one chunk give equal bytes."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", statistics=True)
    return buffer.getvalue()


def row_count(content: bytes) -> int:
    """How many rows a Parquet file has, by its own footer."""
    return int(pq.read_metadata(io.BytesIO(content)).num_rows)


def json_bytes(content: object) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def published(table: str, day: date) -> str:
    return f"{table}/as_of={day}/{PART}"


def manifest_path(day: date) -> str:
    return f"manifests/as_of={day}.json"


def _staged(table: str, day: date) -> str:
    return f"{STAGING}/as_of={day}/{table}/{PART}"


def _index(table: str) -> str:
    return f"raw/{table}/index.json"
