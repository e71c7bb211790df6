"""Table files as a stream of records: a JSON array, NDJSON, CSV or Parquet.

What belongs here: formats. Whether a record is a good row of its table is asked in `checking`. Bytes
that are no UTF-8 come through as lone surrogates, so that the one row that holds them can be named.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, repeat
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CHUNK = 1 << 20  # bytes read at a time
TOO_LARGE = 1 << 64  # stands for any whole number of more digits than 64 bits can have
MOST_DIGITS = 20
MARGIN = 32  # characters before the end of the window, in which a number or a name may be cut
WHITE_SPACE = re.compile(r"[ \t\n\r]*")

# A damaged file has Arrow raise nearly anything: also a KeyError for the name of a time zone.
BROKEN_PARQUET = (pa.ArrowException, ValueError, OverflowError, KeyError)

Progress = Callable[[int], None]


class RefusedFile(ValueError):
    """The file as a whole cannot be read; the message says where and why."""


class Unreadable(NamedTuple):
    """A record that is no record: what stands there instead, in words."""

    found: str


Record = Mapping[str, Any] | Unreadable


def records(path: Path, progress: Progress = lambda _: None) -> Iterator[Record]:
    """The records of a table file, in order; `progress` is told the bytes read so far.

    Raises RefusedFile for a file that cannot be read as what its name says.
    """
    try:
        yield from FORMATS[path.suffix](path, progress)
    except RefusedFile as refusal:
        raise RefusedFile(f"{path.name}: {refusal}") from None
    except RecursionError:
        raise RefusedFile(f"{path.name}: nested too deeply") from None
    except OSError as error:
        raise RefusedFile(f"{path.name}: {error.strerror or error}") from None


def columns(path: Path) -> list[str]:
    """The columns that the file itself names, records or not; empty for JSON, where only records do.

    Raises RefusedFile for a file that cannot be read as what its name says.
    """
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                return next(csv.reader(file), [])
        return list(pq.read_schema(path).names) if path.suffix == ".parquet" else []
    except (*BROKEN_PARQUET, csv.Error, OSError) as error:
        raise RefusedFile(f"{path.name}: {_first_line(error)}") from None


def _json_array(path: Path, progress: Progress) -> Iterator[Record]:
    with path.open("rb") as file:
        yield from _array_items(_text(file, progress))


def _text(file: BinaryIO, progress: Progress) -> Iterator[str]:
    wrapped = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    while chunk := wrapped.read(CHUNK):
        progress(file.tell())
        yield chunk


def _array_items(chunks: Iterator[str]) -> Iterator[Record]:
    buffer = _Buffer(chunks)
    if not buffer.starts_with("["):
        raise RefusedFile(buffer.found("a JSON array of rows was expected"))
    if buffer.starts_with("]"):
        return _refuse_rest(buffer)
    while True:
        yield _record(buffer.value())
        if buffer.starts_with("]"):
            return _refuse_rest(buffer)
        if not buffer.starts_with(","):
            raise RefusedFile(buffer.found("a comma or the end of the array was expected"))


def _refuse_rest(buffer: "_Buffer") -> None:
    if not buffer.is_at_end():
        raise RefusedFile(buffer.found("nothing may follow the array"))


class _Buffer:
    """A window over JSON text that grows until the next value is whole."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.chunks, self.text, self.place, self.passed = chunks, "", 0, 0
        self.decoder = json.JSONDecoder(parse_int=_whole_number)

    def grow(self) -> bool:
        """Reads on; False at the end. Doubles the window, so that a long value is parsed few times."""
        parts, read = [self.text[self.place :]], 0
        while read <= len(parts[0]) and (chunk := next(self.chunks, "")):
            parts.append(chunk)
            read += len(chunk)
        if read:
            self.passed += self.place
            self.text, self.place = "".join(parts), 0
        return read > 0

    def starts_with(self, mark: str) -> bool:
        """Whether the next thing is `mark`, which is then passed over."""
        if self.is_at_end() or self.text[self.place] != mark:
            return False
        self.place += 1
        return True

    def is_at_end(self) -> bool:
        """Passes over white space; whether nothing follows it."""
        while True:
            self.place = _skipped(self.text, self.place)
            if self.place < len(self.text):
                return False
            if not self.grow():
                return True

    def value(self) -> object:
        """The next JSON value. Raises RefusedFile where there is none."""
        self.is_at_end()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.place)
            except json.JSONDecodeError as error:
                if not (self._is_cut(error) and self.grow()):
                    raise RefusedFile(self.found(f"broken JSON: {error.msg}", error.pos)) from None
                continue
            # A number near the end of the window may go on in the next chunk.
            if not isinstance(value, (int, float)) or end < len(self.text) - MARGIN or not self.grow():
                self.place = end
                return value

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the error may be only that the window ends here."""
        return error.msg.startswith("Unterminated string") or error.pos > len(self.text) - MARGIN

    def found(self, trouble: str, place: int | None = None) -> str:
        """The trouble with its place, in characters from the start of the file."""
        where = self.place if place is None else place
        return f"{trouble}, at character {self.passed + where + 1}"


def _skipped(text: str, place: int) -> int:
    match = WHITE_SPACE.match(text, place)
    return match.end() if match else place


def _whole_number(digits: str) -> int:
    return int(digits) if len(digits) <= MOST_DIGITS else TOO_LARGE


def _record(value: object) -> Record:
    return value if isinstance(value, dict) else Unreadable(f"a row is an object, not {_kind(value)}")


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _ndjson(path: Path, progress: Progress) -> Iterator[Record]:
    decoder = json.JSONDecoder(parse_int=_whole_number)
    with path.open("rb") as file:
        # Text programs of old end a line with \r alone, which stands in no JSON but as white space.
        for line in chain.from_iterable(map(bytes.splitlines, file)):
            progress(file.tell())
            text = line.decode("utf-8-sig", errors="surrogateescape").strip()
            if text:
                yield _line(decoder, text)


def _line(decoder: json.JSONDecoder, text: str) -> Record:
    try:
        return _record(decoder.decode(text))
    except json.JSONDecodeError as error:
        return Unreadable(f"broken JSON: {error.msg}, at character {error.pos + 1} of the line")


def _csv(path: Path, progress: Progress) -> Iterator[Record]:
    csv.field_size_limit(1 << 30)
    with path.open("rb") as file:
        rows = csv.reader(
            io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline=""), strict=True
        )
        try:
            header = next(rows, None)
            if not header:
                raise RefusedFile("the file is empty; a line with the columns' names was expected")
            if len(set(header)) < len(header):
                raise RefusedFile("a column stands twice in the header")
            for cells in rows:
                progress(file.tell())
                # An empty line is nothing, but under a single column it is an empty cell.
                if cells or len(header) == 1:
                    yield _cells(header, cells or [""])
        except csv.Error as error:
            raise RefusedFile(f"broken CSV: {error}, at line {rows.line_num}") from None


def _cells(header: list[str], cells: list[str]) -> Record:
    if len(cells) != len(header):
        return Unreadable(f"{len(cells)} cells under {len(header)} columns")
    return {name: Cell(cell) if cell else None for name, cell in zip(header, cells, strict=True)}


class Cell(str):
    """A CSV cell: text that may stand for a number, a time, a truth value or a JSON list."""


def _parquet(path: Path, progress: Progress) -> Iterator[Record]:
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        names = file.schema_arrow.names
        if len(set(names)) < len(names):
            raise RefusedFile("a column stands twice")
        for batch in file.iter_batches(batch_size=4096):
            columns = [_values(column) for column in batch.columns]
            # Rows of no columns at all are rows still.
            cells = zip(*columns, strict=True) if columns else repeat((), batch.num_rows)
            for row in cells:
                yield dict(zip(names, row, strict=True))
        progress(path.stat().st_size)
    except BROKEN_PARQUET as error:
        raise RefusedFile(f"broken Parquet: {_first_line(error)}") from None


def _values(column: pa.Array) -> list[Any]:
    """The column as Python has it; where one value cannot be had, it alone is given as Unheld."""
    try:
        return list(_as_python_holds(column).to_pylist())
    except BROKEN_PARQUET:
        return [_value(column.slice(place, 1)) for place in range(len(column))]


def _value(cell: pa.Array) -> object:
    try:
        (value,) = _as_python_holds(cell).to_pylist()
    except BROKEN_PARQUET:
        return _unheld(cell)
    return value


def _unheld(cell: pa.Array) -> object:
    """A text with the bytes that are no UTF-8 as lone surrogates, as in the other formats, or Unheld."""
    if not (pa.types.is_string(cell.type) or pa.types.is_large_string(cell.type)):
        return Unheld()
    (found,) = pc.cast(cell, pa.large_binary()).to_pylist()
    return bytes(found).decode(errors="surrogateescape")


class Unheld:
    """A Parquet value that Python cannot hold, such as a time in the year 30000."""

    def __repr__(self) -> str:
        return "beyond what Python can hold"


def _as_python_holds(column: pa.Array) -> pa.Array:
    """Times in microseconds of UTC: Python holds no finer ones, neither does the database, and the name of
    a time zone, which nobody may know, changes no time.

    Raises pyarrow.ArrowInvalid for a time that microseconds cannot hold.
    """
    if not pa.types.is_timestamp(column.type):
        return column
    target = pa.timestamp("us", column.type.tz and "UTC")
    return pc.cast(column, options=pc.CastOptions(target, allow_time_truncate=True))


def _first_line(error: Exception) -> str:
    """What an error says, without the lines that follow."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


FORMATS: Mapping[str, Callable[[Path, Progress], Iterator[Record]]] = {
    ".json": _json_array,
    ".ndjson": _ndjson,
    ".jsonl": _ndjson,
    ".csv": _csv,
    ".parquet": _parquet,
}
