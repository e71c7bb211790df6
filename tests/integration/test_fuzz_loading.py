"""Damaged table files into a real PostgreSQL: every row is stored, set aside by name, or its file refused.

Two kinds of damage: single values that are broken on purpose, so that what becomes of every row is known;
and bytes that are cut, flipped or written otherwise, of which only the rules for all files are known.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy.engine import make_url

from dft_pipeline.raw.tables import SOURCE_TABLES, ColumnType, SourceColumn, SourceTable
from dft_pipeline.simulate import Deliberation
from resources.database import connect, prepare
from resources.loading import Loaded, Refused, find_files, load
from resources.sql import identifiers, text
from tests.conftest import Dft, fresh_database
from tests.integration.test_loading import KEY, as_stored, counts

Row = dict[str, Any]
FORMATS = ("json", "ndjson", "csv", "parquet")
RULES = {
    *("nul_byte", "bad_unicode", "out_of_range", "wrong_type"),
    *("missing_key", "duplicate_key", "unknown_enum", "bad_time"),
}
# The same examples in every run; without the phase that explains a counterexample.
FUZZ = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


class Database:
    """One for all examples, which empty what they fill; none waits for the disk."""

    def __init__(self, address: str) -> None:
        self.url = (
            make_url(address).update_query_dict({"options": "-csynchronous_commit=off"}).render_as_string()
        )
        prepare(self.url)
        self.watch = connect(self.url)
        self.watch.autocommit = True
        self.watch.execute(text("source/schema"))

    def rows(self, query: LiteralString, table: str) -> list[Any]:
        """What a query gives, with the names of the table's relation and of its key filled in."""
        source = SOURCE_TABLES[table]
        filled = sql.SQL(query).format(
            sql.Identifier(source.relation), identifiers(*source.key), sql.Literal(table)
        )
        return self.watch.cursor(row_factory=psycopg.rows.dict_row).execute(filled).fetchall()

    def stored(self, table: str) -> list[Row]:
        return self.rows("SELECT * FROM {0} ORDER BY {1}", table)

    def quarantined(self, table: str) -> list[tuple[Any, ...]]:
        query: LiteralString = """
            SELECT "file", "row", "column", "rule" FROM dft.quarantine
            WHERE "table" = {2} ORDER BY "file", "row"
        """
        return [tuple(row.values()) for row in self.rows(query, table)]

    def empty(self, *tables: str) -> None:
        self.watch.execute("DELETE FROM dft.quarantine")
        for table in tables:
            self.rows("DELETE FROM {0} RETURNING NULL AS gone", table)


@pytest.fixture(scope="module")
def database(server: str) -> Iterator[Database]:
    with fresh_database(server) as address:
        database = Database(address)
        yield database
        database.watch.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


class Sound(dict[str, list[Row]]):
    """The good rows of each table, as they stand in a file, by key."""

    def __repr__(self) -> str:
        return "sound"


@pytest.fixture(scope="module")
def sound(deliberation: Deliberation) -> Sound:
    broken = {(row.table, row.row) for row in deliberation.truth.broken_rows}
    found = Sound()
    for name, rows in deliberation.tables.items():
        kept = [row for number, row in enumerate(rows, 1) if (name, number) not in broken]
        key = SOURCE_TABLES[name].key
        found[name] = sorted(kept, key=lambda row: tuple(row[part] for part in key))
    return found


def loaded(database: Database, folder: Path, content: Mapping[str, bytes]) -> dict[str, Loaded | Refused]:
    """Loads files of these names and bytes, and no others."""
    for path in folder.iterdir():
        path.unlink()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    with connect(database.url) as connection:
        found = load(connection, find_files(folder), KEY, False, lambda table, done: None)
        return {outcome.table: outcome for outcome in found}


def assert_accounted(database: Database, outcome: Loaded | Refused) -> None:
    """What holds of any file: every row is counted once, and what is no row of the table is named."""
    table = SOURCE_TABLES[outcome.table]
    if isinstance(outcome, Refused):
        assert outcome.reason.startswith(f"{outcome.file}: ")
        assert len(outcome.reason) > len(outcome.file) + 2
        assert "the database refuses it" not in outcome.reason, "a rule for it is missing"
        assert database.stored(table.name) == []
        assert database.quarantined(table.name) == []
        return
    read, new, changed, unchanged, aside = counts(outcome)
    assert read == new + changed + unchanged + aside
    assert min(outcome[2:6]) >= 0
    assert len(database.stored(table.name)) == new
    assert database.quarantined(table.name) == [
        (outcome.file, row.row, row.column, row.rule) for row in outcome.set_aside
    ]
    for row in outcome.set_aside:
        assert row.rule in RULES
        assert 1 <= row.row <= read
        assert row.column in table.by_name or (row.column is None and row.rule == "wrong_type")


# Files of each format


class Style(NamedTuple):
    """How a file is written, none of which may change what is read."""

    shuffle: int = 0
    end: str = "\n"
    mark: bytes = b""
    ascii_only: bool = True
    extra: bool = False


class Raw(str):
    """What stands in a JSON file or a CSV cell just so, such as a number that Python would not write."""


STYLES = st.builds(
    Style,
    shuffle=st.integers(0, 3),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    ascii_only=st.booleans(),
    extra=st.booleans(),
)


def written(suffix: str, table: SourceTable, rows: Sequence[Row], style: Style) -> bytes:
    names = [column.name for column in table.columns]
    np.random.default_rng(style.shuffle).shuffle(names)
    rows = [{name: row[name] for name in names if name in row} for row in rows]
    if style.extra:
        names.append("mood")
        rows = [row | {"mood": f"{number} \0 \ud800"} for number, row in enumerate(rows)]
    return WRITERS[suffix](table, names, rows, style)


def as_json(row: Row, style: Style) -> str:
    """A row as JSON; what is Raw stands in it as it is."""
    cells = ((json.dumps(name), plain_json(value, style)) for name, value in row.items())
    return "{" + ", ".join(f"{name}: {value}" for name, value in cells) + "}"


def plain_json(value: object, style: Style) -> str:
    return str(value) if isinstance(value, Raw) else json.dumps(value, ensure_ascii=style.ascii_only)


def write_json(table: SourceTable, names: list[str], rows: Sequence[Row], style: Style) -> bytes:
    text = f"[{style.end}" + f",{style.end}".join(as_json(row, style) for row in rows) + "]"
    return style.mark + text.encode(errors="surrogatepass")


def write_ndjson(table: SourceTable, names: list[str], rows: Sequence[Row], style: Style) -> bytes:
    text = "".join(as_json(row, style) + style.end for row in rows)
    return style.mark + text.encode(errors="surrogatepass")


def write_csv(table: SourceTable, names: list[str], rows: Sequence[Row], style: Style) -> bytes:
    text = io.StringIO(newline="")
    # A writer whose lines end with \r alone leaves a \n within a cell without quotes.
    quoting = csv.QUOTE_ALL if style.end == "\r" else csv.QUOTE_MINIMAL
    writer = csv.writer(text, lineterminator=style.end, quoting=quoting)
    writer.writerow(names)
    writer.writerows([[csv_cell(row.get(name)) for name in names] for row in rows])
    return style.mark + text.getvalue().encode(errors="surrogatepass")


def csv_cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, (list, dict, bool)) else value


def write_parquet(table: SourceTable, names: list[str], rows: Sequence[Row], style: Style) -> bytes:
    arrays = [parquet_column(table.by_name.get(name), [row.get(name) for row in rows]) for name in names]
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays, names), buffer)
    return buffer.getvalue()


def parquet_column(column: SourceColumn | None, values: list[Any]) -> pa.Array:
    """Texts may be bytes that are no UTF-8, as programs that do not look write them."""
    kind = column.type if column else "text"
    if kind in ("integer", "boolean"):
        return pa.array(values, pa.int64() if kind == "integer" else pa.bool_())
    if kind == "json":
        values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    if kind == "texts":
        return pa.array(values, pa.list_(pa.string()))
    texts = [None if value is None else value.encode(errors="surrogatepass") for value in values]
    return pa.array(texts, pa.binary()).view(pa.string())


WRITERS: Mapping[str, Callable[[SourceTable, list[str], Sequence[Row], Style], bytes]] = {
    "json": write_json,
    "ndjson": write_ndjson,
    "csv": write_csv,
    "parquet": write_parquet,
}

# Values that are broken on purpose: by type, the value, its rule, and the formats that can hold it so.
TEXTS, JSONS = ("json", "ndjson", "csv"), ("json", "ndjson")
BREAKS: Mapping[ColumnType, Sequence[tuple[object, str, Sequence[str]]]] = {
    "integer": (
        ("abc", "wrong_type", TEXTS),
        (7.5, "wrong_type", TEXTS),
        (True, "wrong_type", TEXTS),
        ([7], "wrong_type", TEXTS),
        ("7", "wrong_type", JSONS),
        (2**63, "out_of_range", TEXTS),
        (-(2**63) - 1, "out_of_range", TEXTS),
        (Raw("1e400"), "wrong_type", TEXTS),
        (Raw("-Infinity"), "wrong_type", TEXTS),
        (Raw("9" * 5_000), "out_of_range", TEXTS),
    ),
    "text": (
        ("a\0b", "nul_byte", FORMATS),
        ("\ud800", "bad_unicode", FORMATS),
        ("\udfff\0", "nul_byte", FORMATS),
        (5, "wrong_type", JSONS),
        (False, "wrong_type", JSONS),
        (["a"], "wrong_type", JSONS),
        ({"a": {"b": [1]}}, "wrong_type", JSONS),
        (Raw("[" * 200 + "]" * 200), "wrong_type", JSONS),
    ),
    "texts": (
        ("CARE", "wrong_type", TEXTS),
        (["a", 1], "wrong_type", TEXTS),
        ({"a": "b"}, "wrong_type", TEXTS),
        (["a\0"], "nul_byte", FORMATS),
        (["\ud800"], "bad_unicode", TEXTS),
        (Raw("[[" * 300), "wrong_type", ("csv",)),
    ),
    "time": (
        ("yesterday", "bad_time", FORMATS),
        ("0000-00-00", "bad_time", FORMATS),
        ("10000-01-01T00:00:00Z", "bad_time", FORMATS),
        ("2024-02-30T00:00:00Z", "bad_time", FORMATS),
        ("2024-01-01T00:00:00\ud800", "bad_unicode", FORMATS),
        ("9999-12-31T23:59:59-12:00", "bad_time", FORMATS),
        (1_704_067_200, "bad_time", TEXTS),
        (True, "bad_time", TEXTS),
    ),
    "boolean": (("yes", "wrong_type", TEXTS), (1, "wrong_type", TEXTS), ([], "wrong_type", TEXTS)),
    "json": (
        ('{"a":', "wrong_type", FORMATS),
        ("\0", "nul_byte", FORMATS),
        ([{"a": "\0"}], "nul_byte", FORMATS),
        ([{"\ud800": 1}], "bad_unicode", FORMATS),
        (Raw('{"a": 1e400}'), "wrong_type", JSONS),
        ("[NaN]", "wrong_type", FORMATS),
        (Raw("[" * 450 + "]" * 450), None, JSONS),
    ),
}


class Break(NamedTuple):
    """A value to put into a column of a row, counted from 0, and the rule it is to be set aside by."""

    row: int
    column: str
    value: object
    rule: str


def breaks_of(table: SourceTable, column: SourceColumn, suffix: str) -> list[tuple[object, str]]:
    found = [(value, rule) for value, rule, formats in BREAKS[column.type] if rule and suffix in formats]
    is_key = column.name in table.key
    if is_key or not column.nullable:
        missing = "missing_key" if is_key else "bad_time" if column.type == "time" else "wrong_type"
        found += [(None, missing)] if suffix in ("csv", "parquet") else [(None, missing), (math.nan, missing)]
    if is_key and column.type == "text":
        found.append(("é" * 501, "out_of_range"))
    if column.allowed:
        found.append(("maybe", "unknown_enum"))
    return found


@st.composite
def broken_files(draw: st.DrawFn) -> tuple[str, str, int, int, list[Break], list[int], list[int], Style]:
    """Table, format, its rows (first, count), breaks, rows that stand twice, and otherwise; style."""
    suffix = draw(st.sampled_from(FORMATS))
    table = SOURCE_TABLES[draw(st.sampled_from(sorted(SOURCE_TABLES)))]
    count = draw(st.integers(1, 6))
    rows = st.integers(0, count - 1)
    breaks = []
    for row in sorted(draw(st.sets(rows, max_size=3))):
        column = draw(st.sampled_from(table.columns))
        if found := breaks_of(table, column, suffix):
            breaks.append(Break(row, column.name, *draw(st.sampled_from(found))))
    twice, other = draw(st.lists(rows, max_size=2)), draw(st.lists(rows, max_size=2))
    return table.name, suffix, draw(st.integers(0, 10)), count, breaks, twice, other, draw(STYLES)


def otherwise(table: SourceTable, row: Row) -> Row | None:
    """Another good row of the same key; None where the table has nothing but keys and the like."""
    for column in table.columns:
        if column.type == "text" and column.name not in table.key and not column.allowed:
            return row | {column.name: f"{row[column.name]} otherwise"}
    return None


@settings(FUZZ, max_examples=80)
@given(broken_files())
def test_of_a_broken_file_the_broken_rows_alone_are_set_aside(
    database: Database, folder: Path, sound: Sound, made: Any
) -> None:
    name, suffix, first, count, breaks, twice, other, style = made
    table = SOURCE_TABLES[name]
    good = sound.get(name, [])[first : first + count]
    assume(len(good) == count)
    broken = {one.row for one in breaks}
    # Without one good row, a column that is missing in all of them would refuse the file.
    rows = [dict(row) for row in good]
    for one in breaks:
        rows[one.row][one.column] = one.value
    expected = [(one.row + 1, one.column, one.rule) for one in breaks]
    same = [row for row in twice if row not in broken]
    rows += [good[row] for row in same]
    for changed in (otherwise(table, good[row]) for row in other if row not in broken):
        if changed is not None:
            rows.append(changed)
            expected.append((len(rows), table.key[0], "duplicate_key"))
    database.empty(name)

    outcome = loaded(database, folder, {f"{name}.{suffix}": written(suffix, table, rows, style)})[name]
    assert isinstance(outcome, Loaded), outcome
    assert [(row.row, row.column, row.rule) for row in outcome.set_aside] == expected
    assert counts(outcome) == (len(rows), count - len(broken), 0, len(same), len(expected))
    assert database.stored(name) == [as_stored(name, row) for n, row in enumerate(good) if n not in broken]
    assert_accounted(database, outcome)
    assert outcome.unknown_columns == (["mood"] if style.extra else [])

    # The rows as they should be, from another file, mend what has its key; what has none stays.
    loaded(database, folder, {f"{name}.jsonl": written("ndjson", table, good, Style())})
    assert database.stored(name) == [as_stored(name, row) for row in good]
    keyless = [(one.row + 1, one.column, one.rule) for one in breaks if one.column in table.key]
    assert [left[1:] for left in database.quarantined(name)] == keyless


# Bytes that are cut, flipped or written otherwise

Damage = Callable[[bytes, np.random.Generator], bytes]


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(0, len(data))]


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    flipped = bytearray(data)
    for place in rng.integers(0, len(data), rng.integers(1, 6)):
        flipped[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(flipped)


def overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(0, len(data)))
    return data[:place] + rng.bytes(8) + data[place + 8 :]


PIECES = (
    *(b'"', b"\\", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 2_000, b"{", b"}", b"]", b",", b"\n", b"\r"),
    *(b"null", b"NaN", b"1e400", b"-0", b"9223372036854775808", b"true", b'""', b"{}", b"[]", b'"\\ud800"'),
    *(b'"\\u0000"', b"\xef\xbb\xbf", b"'", b"0000-00-00", b'{"id": ' * 400, b"\xc2\xa0", b"\xe2\x80\xa8"),
)


def insert(data: bytes, rng: np.random.Generator) -> bytes:
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(0, len(data)))
        data = data[:place] + PIECES[rng.integers(len(PIECES))] + data[place:]
    return data


def drop(data: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(0, len(data)))
    return data[:place] + data[place + int(rng.integers(1, 200)) :]


def repeat(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(data)))
    end = start + int(rng.integers(1, 2_000))
    return data[:end] + data[start:end] + data[end:]


def recode(data: bytes, rng: np.random.Generator) -> bytes:
    """In another encoding; Parquet, which has none, as garbage."""
    text = data.decode(errors="replace").replace("a", "é", 3)
    encoding = str(rng.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037", "utf-7"]))
    return text.encode(encoding, errors="replace")


def wrap(data: bytes, rng: np.random.Generator) -> bytes:
    around = ((b'{"rows": ', b"}"), (b"[", b"]"), (b"x", b""), (b"", b"\n\n["), (b"", b"\0"), (b"\0", b""))
    before, after = around[rng.integers(len(around))]
    return before + data + after


def nothing(data: bytes, rng: np.random.Generator) -> bytes:
    return (b"", b" ", b"\n", b"\xef\xbb\xbf", b"{}", b"null", b"[{}]", b'""', b"[null]")[rng.integers(9)]


DAMAGES: Sequence[Damage] = (cut, flip, overwrite, insert, drop, repeat, recode, wrap, nothing)
HURT = ("edge", "valuesCard", "chat", "contextsOnCases", "user")


@settings(FUZZ, max_examples=150)
@given(
    name=st.sampled_from(HURT),
    suffix=st.sampled_from(FORMATS),
    damage=st.sampled_from(DAMAGES),
    style=STYLES,
    seed=st.integers(0, 2**32),
)
def test_a_damaged_file_is_accounted_for_to_its_last_row(
    database: Database,
    folder: Path,
    sound: Sound,
    name: str,
    suffix: str,
    damage: Damage,
    style: Style,
    seed: int,
) -> None:
    table, rng = SOURCE_TABLES[name], np.random.default_rng(seed)
    good = sound[name][:6]
    data = written(suffix, table, good, style)
    hurt = damage(data, rng)
    database.empty(name, "context")
    context = written("json", SOURCE_TABLES["context"], sound["context"], Style())
    outcomes = loaded(database, folder, {f"{name}.{suffix}": hurt, "context.json": context})
    assert_accounted(database, outcomes[name])
    assert database.stored("context") == sound["context"], "the other file is unharmed"
    if damage is cut and suffix in ("json", "parquet"):
        assert isinstance(outcomes[name], Refused), "both say where they end"
    if suffix in ("ndjson", "csv") and isinstance(outcomes[name], Loaded):
        there = database.stored(name)
        for row in good[: unhurt(data, hurt, suffix, style.end)]:
            assert as_stored(name, row) in there


def unhurt(data: bytes, hurt: bytes, suffix: str, end: str) -> int:
    """How many rows of a text file end before the first byte that differs."""
    pairs = enumerate(zip(data, hurt, strict=False))
    same = data[: next((place for place, (one, other) in pairs if one != other), min(len(data), len(hurt)))]
    if suffix == "ndjson":
        return same.count(end.encode())
    text = same.decode("utf-8-sig", errors="surrogateescape")
    return max(len(list(csv.reader(io.StringIO(text, newline="")))) - 2, 0)


# Values that nobody would think of

DEEP = (*("[" * depth + "]" * depth for depth in (50, 300, 900)), '{"a":' * 450 + "1" + "}" * 450)
ODDITIES = (
    *("null", "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "-0", "-0.0", "0.0", "1e18", "1e19", "7.0"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 400, "true", "false"),
    *('""', '" "', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u2028"', '"7"', '"true"', '"null"'),
    *('"0000-00-00"', '"10000-01-01"', '"2024-02-30"', '"2024-W01-1"', '"20240101T000000"', '"0001-01-01"'),
    *('"9999-12-31T23:59:59.999999999Z"', '"2024-01-01T24:00:00"', '"2024-01-01T00:00:00+99:99"'),
    *(
        '"0001-01-01T00:00:00+23:59"',
        '"infinity"',
        '"-infinity"',
        '"now"',
        '"2024-01-01 BC"',
        "1704067200000",
    ),
    *("[]", "{}", "[null]", '[""]', '["a", null]', '["\\u0000"]', "[[]]", '{"a": NaN}', '{"a": 1e400}'),
    *(
        '{"\\u0000": 1}',
        '{"a": 1, "a": 2}',
        '"{\\"a\\": 1}"',
        '"[1e400]"',
        '"NaN"',
        '"{"',
        '"\\\\N"',
        '"\\\\."',
    ),
    *DEEP,
)


@settings(FUZZ, max_examples=50)
@given(
    name=st.sampled_from(HURT),
    suffix=st.sampled_from(TEXTS),
    odd=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8), st.sampled_from(ODDITIES)), max_size=6),
    style=STYLES,
)
@example(
    name="chat",
    suffix="json",
    odd=[(0, 3, f'"{"x" * 10_000_000}"'), (1, 3, f"[{'1,' * 10**6}1]")],
    style=Style(),
)
@example(
    name="edge", suffix="csv", odd=[(0, 3, "y" * 10_000_000), (1, 7, "z" * 10_000_000 + "\0")], style=Style()
)
def test_a_value_that_nobody_would_think_of_is_stored_or_set_aside(
    database: Database,
    folder: Path,
    sound: Sound,
    name: str,
    suffix: str,
    odd: list[tuple[int, int, str]],
    style: Style,
) -> None:
    table, good = SOURCE_TABLES[name], sound[name][:5]
    rows = [dict(row) for row in good]
    for row, column, value in odd:
        rows[row][table.columns[column % len(table.columns)].name] = Raw(value)
    database.empty(name)
    data = written(suffix, table, rows, style)
    outcome = loaded(database, folder, {f"{name}.{suffix}": data})[name]
    if isinstance(outcome, Refused):
        assert "nested too deeply" in outcome.reason
    else:
        assert outcome.read == len(rows)
        there = database.stored(name)
        assert all(as_stored(name, row) in there for row in good[3:]), "the other rows are unharmed"
    assert_accounted(database, outcome)


# Shapes of files


SHAPES: Mapping[str, tuple[bytes, str | tuple[int, int]]] = {
    "object.json": (b'{"id": "When"}', "a JSON array of rows was expected"),
    "empty.json": (b"", "a JSON array of rows was expected"),
    "none.json": (b"[]", (0, 0)),
    "deep.json": (b"[" * 100_000, "nested too deeply"),
    "text.json": (b'["When"]', "without the column id"),
    "utf-16.json": ('[{"id": "When"}]'.encode("utf-16"), "a JSON array of rows was expected"),
    "lines.json": (b'{"id": "When"}\n{"id": "If"}\n', "a JSON array of rows was expected"),
    "latin-1.json": ('[{"id": "é"}, {"id": "When"}]'.encode("latin-1"), (2, 1)),
    "empty.ndjson": (b"", (0, 0)),
    "array.ndjson": (b'[{"id": "When"}]', "without the column id"),
    "utf-16.ndjson": ('{"id": "When"}\n'.encode("utf-16"), "without the column id"),
    "old-mac.ndjson": (b'{"id": "When"}\r{"id": "If"}\r{"id": 5}', (3, 1)),
    "marks.ndjson": (b'\xef\xbb\xbf{"id": "When"}\n\xef\xbb\xbf{"id": "If"}\n', (2, 0)),
    "empty.csv": (b"", "the file is empty"),
    "mark.csv": (b"\xef\xbb\xbf", "the file is empty"),
    "twice.csv": (b"id,id\nWhen,If\n", "a column stands twice in the header"),
    "open.csv": (b'id\nWhen\n"If\nWhere\n', "broken CSV: unexpected end of data"),
    "utf-16.csv": ("id\nWhen\n".encode("utf-16"), "without the column id"),
    "old-mac.csv": (b"id\rWhen\rIf\r", (2, 0)),
    "nul.csv": (b"id\nWhen\0\nIf\n", (2, 1)),
    "ragged.csv": (b"id,mood\nWhen\nIf,1\nIf,1,2\n", (3, 2)),
    "empty.parquet": (b"", "Parquet file size is 0 bytes"),
    "json.parquet": (b'[{"id": "When"}]' * 9, "Parquet magic bytes not found"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_of_another_shape_is_read_or_refused_for_what_it_is(
    database: Database, folder: Path, shape: str
) -> None:
    data, expected = SHAPES[shape]
    database.empty("context")
    outcome = loaded(database, folder, {f"context.{shape.rpartition('.')[2]}": data})["context"]
    assert_accounted(database, outcome)
    if isinstance(expected, str):
        assert isinstance(outcome, Refused)
        assert expected in outcome.reason
    else:
        assert isinstance(outcome, Loaded)
        assert (outcome.read, len(outcome.set_aside)) == expected


# The command


@pytest.mark.parametrize(("seed", "words"), [(1, ()), (2, ("--json",)), (3, ("--strict",))])
def test_the_command_ends_in_words_whatever_the_files_hold(
    dft: Dft, sound: Sound, tmp_path: Path, seed: int, words: Sequence[str]
) -> None:
    rng = np.random.default_rng(seed)
    for name, rows in sound.items():
        suffix = FORMATS[rng.integers(len(FORMATS))]
        data = written(suffix, SOURCE_TABLES[name], rows, Style())
        damage = DAMAGES[rng.integers(len(DAMAGES))]
        (tmp_path / f"{name}.{suffix}").write_bytes(damage(data, rng) if data and name != "vote" else data)
    done = dft("load", tmp_path, *words)
    assert done.returncode == 1, "some file was refused"
    assert "Traceback" not in done.stdout + done.stderr
    refused = [path.name for path in sorted(tmp_path.iterdir()) if f"{path.name}: " in done.stdout]
    assert refused
    if words == ("--json",):
        told = json.loads(done.stdout)
        assert len(told["loaded"]) + len(told["refused"]) == len(sound)
        for one in told["loaded"]:
            assert one["read"] == one["new"] + one["changed"] + one["unchanged"] + one["set_aside"]
        (vote,) = [one for one in told["loaded"] if one["table"] == "vote"]
        assert vote["new"] == len(sound["vote"])
        assert all(one["file"] in done.stderr for one in told["refused"])
