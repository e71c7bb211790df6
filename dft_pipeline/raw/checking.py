"""Whether a record is a good row of its table: each value parsed, or the rule that it breaks.

A rule's name is what `quarantine` says of the row; the rules of a single value are all here.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from dft_pipeline.raw.reading import MOST_DIGITS, TOO_LARGE, Cell, Record, Unreadable
from dft_pipeline.raw.tables import ColumnType, SourceColumn, SourceTable

INT64 = range(-(2**63), 2**63)
# Table programs like to write whole numbers with a decimal point.
WHOLE_NUMBER = re.compile(r"(-?[0-9]+)(?:\.0*)?")
LONGEST_KEY = (
    1000  # bytes of a text in a key, which has two at most: an index entry of PostgreSQL holds 2,704
)
ID_DIGITS = 32  # of an id that is made from a row's content
SHOWN = 200  # characters of an offending value that are kept


class Fault(NamedTuple):
    """Why a record is set aside. `value` is shortened; `column` is None where there is no record at all."""

    column: str | None
    rule: str
    value: str | None


class Broken(Exception):
    """A value breaks the rule that the exception is named by."""


Row = tuple[Any, ...]


def check(table: SourceTable, record: Record) -> Row | Fault:
    """The record's values in the order of the table's columns, or the first fault, keys first."""
    if isinstance(record, Unreadable):
        return Fault(None, "wrong_type", record.found)
    values = {}
    for column in sorted(table.columns, key=lambda column: column.name not in table.key):
        try:
            values[column.name] = _value(column, record.get(column.name), column.name in table.key)
        except Broken as rule:
            return Fault(column.name, str(rule), _shown(column, record.get(column.name)))
    return tuple(values[column.name] for column in table.columns)


def key_of(table: SourceTable, record: Record) -> dict[str, Any] | None:
    """The record's key as the database would have it, broken parts as None; None where all of it is."""
    if isinstance(record, Unreadable):
        return None
    key: dict[str, Any] = {}
    for name in table.key:
        try:
            key[name] = _value(table.by_name[name], record.get(name), is_key=True)
        except Broken:
            key[name] = None
    return None if set(key.values()) == {None} else key


def part_of(table: SourceTable, record: Record, name: str) -> object:
    """One of the record's values as the database would have it; None where it is missing or broken."""
    if isinstance(record, Unreadable):
        return None
    try:
        return _value(table.by_name[name], record.get(name), is_key=False)
    except Broken:
        return None


def named(table: SourceTable, record: Record) -> Record:
    """The record, with an id from what it says where its table has such ids and the record names none.

    The same row has the same id in every format. A record that cannot be read stays as it is.
    """
    (name,) = table.key if table.named_by_content else ("",)
    if not name or isinstance(record, Unreadable) or name in record:
        return record
    said = {column.name: part_of(table, record, column.name) for column in table.columns}
    content = json.dumps(
        {column: value for column, value in sorted(said.items()) if value is not None}, separators=(",", ":")
    )
    return {**record, name: hashlib.sha256(content.encode()).hexdigest()[:ID_DIGITS]}


def _value(column: SourceColumn, found: object, is_key: bool) -> object:
    if found is None or (isinstance(found, float) and math.isnan(found)):
        if is_key:
            raise Broken("missing_key")
        if not column.nullable:
            raise Broken("bad_time" if column.type == "time" else "wrong_type")
        return None
    value = PARSERS[column.type](found)
    if column.allowed and value not in column.allowed:
        raise Broken("unknown_enum")
    if isinstance(value, int) and not _is_within(column, value):
        raise Broken("out_of_range")
    if is_key and isinstance(value, str) and len(value.encode()) > LONGEST_KEY:
        raise Broken("out_of_range")
    return value


def _is_within(column: SourceColumn, value: int) -> bool:
    return (column.low is None or value >= column.low) and (column.high is None or value <= column.high)


def _integer(found: object) -> int:
    if isinstance(found, Cell):
        whole = WHOLE_NUMBER.fullmatch(found.strip())
        if not whole:
            raise Broken("wrong_type")
        found = int(whole[1]) if len(whole[1]) <= MOST_DIGITS else TOO_LARGE
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int):
        raise Broken("wrong_type")
    if found not in INT64:
        raise Broken("out_of_range")
    return found


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise Broken("wrong_type")
    if "\0" in found:
        raise Broken("nul_byte")
    if not found.isascii():
        try:
            found.encode()
        except UnicodeEncodeError:
            raise Broken("bad_unicode") from None
    return str(found)


def _texts(found: object) -> list[str]:
    if isinstance(found, Cell):
        found = _parsed(_text(found))
    if not isinstance(found, list):
        raise Broken("wrong_type")
    return [_text(item) for item in found]


def _time(found: object) -> datetime:
    """A time in UTC; one without an offset is taken as UTC, as the app writes it."""
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(_text(found).strip())
        except ValueError:
            raise Broken("bad_time") from None
    if not isinstance(found, datetime):
        raise Broken("bad_time")
    try:
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except OverflowError:
        raise Broken("bad_time") from None


def _boolean(found: object) -> bool:
    if isinstance(found, Cell) and found.lower() in {"true", "false"}:
        return found.lower() == "true"
    if not isinstance(found, bool):
        raise Broken("wrong_type")
    return found


def _json(found: object) -> str:
    """The value as JSON text; a value that is text already is taken as JSON."""
    if isinstance(found, str):
        found = _parsed(_text(found))
    try:
        _check_json(found)
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise Broken("wrong_type") from None


def _check_json(found: object) -> None:
    """Every text in it, keys too, must be one that the database can hold, and every number be whole."""
    if isinstance(found, str):
        _text(found)
    elif found is TOO_LARGE:
        raise Broken("out_of_range")
    elif isinstance(found, Mapping):
        for key, value in found.items():
            _check_json(key)
            _check_json(value)
    elif isinstance(found, (list, tuple)):
        for item in found:
            _check_json(item)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Broken("wrong_type") from None


PARSERS: Mapping[ColumnType, Callable[[object], object]] = {
    "integer": _integer,
    "text": _text,
    "texts": _texts,
    "time": _time,
    "boolean": _boolean,
    "json": _json,
}


def _shown(column: SourceColumn, found: object) -> str | None:
    """The offending value in print, shortened; None where the column could tell who somebody is."""
    if found is None or column.is_withheld:
        return None
    # repr keeps a NUL or a lone surrogate visible and storable; slicing first keeps a huge text cheap.
    text = found[:SHOWN] if isinstance(found, str) else _repr(found)[:SHOWN]
    return text.encode("unicode_escape").decode("ascii")[:SHOWN] if not text.isprintable() else text


def _repr(found: object) -> str:
    try:
        return repr(found)
    except RecursionError:
        return "nested too deeply"
