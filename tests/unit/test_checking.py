"""Every rule of a single value: planted once per column, and random junk that must never get through."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dft_pipeline.raw.checking import INT64, SHOWN, Fault, check, key_of
from dft_pipeline.raw.reading import TOO_LARGE, Cell, Unheld, Unreadable
from dft_pipeline.raw.tables import SOURCE_TABLES, ColumnType, SourceColumn, SourceTable

RULES = {
    "nul_byte",
    "bad_unicode",
    "out_of_range",
    "wrong_type",
    "missing_key",
    "duplicate_key",
    "unknown_enum",
    "bad_time",
}
GOOD: Mapping[ColumnType, Any] = {
    "integer": 5,
    "text": "When in doubt",
    "texts": ["CARE for others", ""],
    "time": "2023-10-17T23:59:59.999Z",
    "boolean": False,
    "json": [{"role": "user", "content": None}],
}
PARSED: Mapping[ColumnType, Any] = GOOD | {
    "time": datetime(2023, 10, 17, 23, 59, 59, 999_000),
    "json": '[{"role":"user","content":null}]',
}
# One value per way to break a column of each type, and the rule that names it.
VIOLATIONS: Mapping[ColumnType, tuple[tuple[Any, str], ...]] = {
    "integer": (
        ("abc", "wrong_type"),
        ("7", "wrong_type"),
        (7.5, "wrong_type"),
        (float("inf"), "wrong_type"),
        (True, "wrong_type"),
        ([7], "wrong_type"),
        (2**63, "out_of_range"),
        (-(2**63) - 1, "out_of_range"),
        (1e300, "out_of_range"),
        (TOO_LARGE, "out_of_range"),
        (Cell("7.5"), "wrong_type"),
        (Cell(".0"), "wrong_type"),
        (Cell("7.0.0"), "wrong_type"),
        (Cell("1e3"), "wrong_type"),
        (Cell("--7"), "wrong_type"),
        (Cell("1_000"), "wrong_type"),
        (Cell("٣"), "wrong_type"),
        (Cell("9" * 5_000), "out_of_range"),
    ),
    "text": (
        (7, "wrong_type"),
        (["x"], "wrong_type"),
        ({"x": 1}, "wrong_type"),
        ("a\0b", "nul_byte"),
        ("a\udcffb", "bad_unicode"),
        ("\ud83d", "bad_unicode"),
    ),
    "texts": (
        ("x", "wrong_type"),
        (["x", None], "wrong_type"),
        (["x", ["y"]], "wrong_type"),
        ({"x": "y"}, "wrong_type"),
        (["x", "a\0b"], "nul_byte"),
        (["x", "\udcff"], "bad_unicode"),
        (Cell("x, y"), "wrong_type"),
        (Cell('"x"'), "wrong_type"),
        (Cell("[" * 100_000), "wrong_type"),
        (Cell(f"[{'9' * 5_000}]"), "wrong_type"),
        (Cell('["\\u0000"]'), "nul_byte"),
        (Cell('["\\ud83d"]'), "bad_unicode"),
    ),
    "time": (
        ("yesterday", "bad_time"),
        ("", "bad_time"),
        ("2023-02-29T00:00:00Z", "bad_time"),
        ("2023-10-17T25:00:00Z", "bad_time"),
        ("10000-01-01T00:00:00Z", "bad_time"),
        ("0001-01-01T00:00:00+14:00", "bad_time"),
        ("9999-12-31T23:59:59-01:00", "bad_time"),
        ("infinity", "bad_time"),
        (1_697_500_800_000, "bad_time"),
        (date(2023, 10, 17), "bad_time"),
        (["2023-10-17"], "bad_time"),
        ("2023-10-17\0", "nul_byte"),
        ("2023-10-17\udcff", "bad_unicode"),
    ),
    "boolean": (
        ("true", "wrong_type"),
        (1, "wrong_type"),
        ([True], "wrong_type"),
        (Cell("yes"), "wrong_type"),
        (Cell("1"), "wrong_type"),
    ),
    "json": (
        ("no JSON", "wrong_type"),
        ("[" * 100_000, "wrong_type"),
        ('{"a": NaN}', "wrong_type"),
        ("1e999", "wrong_type"),
        ([float("nan")], "wrong_type"),
        ([b"bytes"], "wrong_type"),
        ([{"content": "a\0b"}], "nul_byte"),
        ([{"a\0b": 1}], "nul_byte"),
        ('[{"content": "a\\u0000b"}]', "nul_byte"),
        ([["\udcff"]], "bad_unicode"),
        ('["\\ud83d"]', "bad_unicode"),
    ),
}
COLUMNS = [(table, column) for table in SOURCE_TABLES.values() for column in table.columns]
VALUES_CARD, EDGE, CHAT, USER = (SOURCE_TABLES[name] for name in ("valuesCard", "edge", "chat", "user"))


def good(table: SourceTable) -> dict[str, Any]:
    """A record of the table in which every column has a value."""
    return {
        column.name: column.allowed[0] if column.allowed else GOOD[column.type] for column in table.columns
    }


def parsed(table: SourceTable) -> tuple[Any, ...]:
    """What `good` becomes."""
    return tuple(column.allowed[0] if column.allowed else PARSED[column.type] for column in table.columns)


def is_row(checked: object) -> bool:
    return isinstance(checked, tuple) and not isinstance(checked, Fault)


@pytest.mark.parametrize("table", SOURCE_TABLES.values(), ids=lambda table: table.name)
def test_a_good_record_becomes_a_row_in_the_order_of_the_columns(table: SourceTable) -> None:
    shuffled = dict(reversed(good(table).items())) | {"unknown": object()}
    assert check(table, shuffled) == parsed(table)


@pytest.mark.parametrize(
    ("table", "column"), COLUMNS, ids=[f"{table.name}-{column.name}" for table, column in COLUMNS]
)
def test_a_broken_value_is_named_by_its_column_and_rule(table: SourceTable, column: SourceColumn) -> None:
    for value, rule in VIOLATIONS[column.type]:
        checked = check(table, good(table) | {column.name: value})
        assert isinstance(checked, Fault), value
        assert (checked.column, checked.rule) == (column.name, rule), value
        assert (checked.value is None) == column.is_withheld, value


@pytest.mark.parametrize(
    ("table", "column"), COLUMNS, ids=[f"{table.name}-{column.name}" for table, column in COLUMNS]
)
def test_a_value_that_is_not_there(table: SourceTable, column: SourceColumn) -> None:
    absent = {name: value for name, value in good(table).items() if name != column.name}
    place = table.columns.index(column)
    for record in (absent, absent | {column.name: None}, absent | {column.name: float("nan")}):
        checked = check(table, record)
        if column.nullable:
            assert checked == (*parsed(table)[:place], None, *parsed(table)[place + 1 :])
        else:
            rule = "bad_time" if column.type == "time" else "wrong_type"
            assert isinstance(checked, Fault)
            assert checked[:2] == (column.name, "missing_key" if column.name in table.key else rule)


def test_a_fault_of_the_key_is_named_first_and_then_the_columns_in_order() -> None:
    broken = good(EDGE) | {"createdAt": "x", "relationship": "maybe", "toId": None}
    assert check(EDGE, broken) == Fault("toId", "missing_key", None)
    assert check(EDGE, broken | {"toId": 1}) == Fault("relationship", "unknown_enum", "maybe")


@pytest.mark.parametrize("value", ["maybe", "", "Upgrade", "upgrade ", Cell("none")])
def test_an_answer_that_does_not_exist(value: str) -> None:
    assert check(EDGE, good(EDGE) | {"relationship": value}) == Fault("relationship", "unknown_enum", value)


@pytest.mark.parametrize("value", ["upgrade", "no_upgrade", "not_sure"])
def test_every_answer_that_exists(value: str) -> None:
    checked = check(EDGE, good(EDGE) | {"relationship": value})
    assert is_row(checked)
    assert checked[6] == value


@pytest.mark.parametrize(("letter", "fits"), [("x", 1_000), ("é", 500), ("😀", 250)])
def test_a_key_is_as_long_as_an_index_can_hold_in_bytes(letter: str, fits: int) -> None:
    context = SOURCE_TABLES["context"]
    assert check(context, {"id": letter * fits}) == (letter * fits,)
    assert check(context, {"id": letter * (fits + 1)}) == Fault("id", "out_of_range", letter * SHOWN)
    assert is_row(check(EDGE, good(EDGE) | {"comment": letter * 10_000_000})), "only keys are short"


def test_what_is_no_record_is_set_aside_in_words() -> None:
    assert check(EDGE, Unreadable("a row is an object, not a list")) == Fault(
        None, "wrong_type", "a row is an object, not a list"
    )


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (-(2**63), -(2**63)),
        (2**63 - 1, 2**63 - 1),
        (3.0, 3),
        (-0.0, 0),
        (Cell(" -12 "), -12),
        (Cell("-3.00"), -3),
        (Cell("0012"), 12),
    ],
)
def test_whole_numbers(found: object, value: int) -> None:
    checked = check(EDGE, good(EDGE) | {"fromId": found})
    assert is_row(checked)
    assert (checked[1], type(checked[1])) == (value, int)


def test_a_whole_number_with_a_decimal_point_is_one_in_a_cell_too() -> None:
    table = SOURCE_TABLES["demographic"]
    assert check(table, good(table) | {"age": Cell("30.0")}) == check(table, good(table) | {"age": 30.0})


@pytest.mark.parametrize(
    ("found", "hour"),
    [
        ("2023-10-17T02:00:00.000Z", 2),
        ("2023-10-17T02:00:00", 2),
        ("2023-10-17 02:00:00+00", 2),
        (" 2023-10-17T02:00:00+02:00 ", 0),
        (Cell("2023-10-16T22:00:00-05:00"), 3),
        ("2023-10-17", 0),
        (datetime(2023, 10, 17, 2), 2),
        (datetime(2023, 10, 17, 2, tzinfo=timezone(timedelta(hours=-3))), 5),
    ],
)
def test_times_are_utc_and_one_without_an_offset_is_taken_for_it(found: object, hour: int) -> None:
    checked = check(EDGE, good(EDGE) | {"updatedAt": found})
    assert is_row(checked)
    assert (checked[-1], checked[-1].tzinfo) == (datetime(2023, 10, 17, hour), None)


@pytest.mark.parametrize(("found", "value"), [(Cell("true"), True), (Cell("False"), False), (True, True)])
def test_truth_values(found: object, value: bool) -> None:
    checked = check(USER, good(USER) | {"isAdmin": found})
    assert is_row(checked)
    assert checked[6] is value


@pytest.mark.parametrize("found", [["a,b", 'c"d', ""], []])
def test_a_list_in_a_cell_is_json(found: list[str]) -> None:
    as_cell = check(VALUES_CARD, good(VALUES_CARD) | {"evaluationCriteria": Cell(json.dumps(found))})
    assert as_cell == check(VALUES_CARD, good(VALUES_CARD) | {"evaluationCriteria": found})
    assert is_row(as_cell)
    assert as_cell[4] == found


@pytest.mark.parametrize("found", [[{"role": "user", "content": "é 😀", "n": 1.5}], [], {"a": None}])
def test_json_is_the_same_as_a_value_as_a_text_and_in_a_cell(found: object) -> None:
    text = json.dumps(found, indent=2)
    rows = [check(CHAT, good(CHAT) | {"transcript": one}) for one in (found, text, Cell(text))]
    assert all(is_row(row) for row in rows)
    assert [json.loads(row[3]) for row in rows] == [found] * 3
    assert len(set(rows)) == 1


def test_a_cell_leaves_as_a_plain_text() -> None:
    checked = check(SOURCE_TABLES["context"], {"id": Cell("When")})
    assert checked == ("When",)
    assert type(checked[0]) is str


# The key of a broken record


@pytest.mark.parametrize(
    ("record", "key"),
    [
        ({"userId": 1, "fromId": Cell("2.0"), "toId": 3.0}, {"userId": 1, "fromId": 2, "toId": 3}),
        (
            {"userId": "someone@example.org", "fromId": 2, "toId": True},
            {"userId": None, "fromId": 2, "toId": None},
        ),
        ({"userId": "x", "fromId": TOO_LARGE}, None),
        (Unreadable("a row is an object, not null"), None),
    ],
)
def test_a_key_is_what_the_database_would_have(record: Any, key: object) -> None:
    assert key_of(EDGE, record) == key


# What a fault shows of the value


@pytest.mark.parametrize(
    "value", ["someone@example.org\0", "\udcffsomeone", ["someone@example.org"], 1234567]
)
@pytest.mark.parametrize("column", ["id", "email", "name", "prolificId"])
def test_what_could_tell_who_somebody_is_stays_out_of_the_fault(column: str, value: object) -> None:
    broken = str(value) if column == "id" else value
    checked = check(USER, good(USER) | {column: broken})
    assert isinstance(checked, Fault)
    assert (checked.column, checked.value) == (column, None)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("title", "\0" + "x" * 10_000_000),
        ("title", "é" * 10_000_000 + "\0"),
        ("title", ["x" * 10_000_000]),
        ("title", "\udcff" * 1_000),
        ("evaluationCriteria", {"x": list(range(100_000))}),
        ("createdAt", "y" * 10_000_000),
        ("canonicalCardId", "z" * 1_000),
    ],
)
def test_a_huge_value_is_shortened(column: str, value: object) -> None:
    checked = check(VALUES_CARD, good(VALUES_CARD) | {column: value})
    assert isinstance(checked, Fault)
    assert checked.column == column
    assert checked.value is not None
    assert len(checked.value) == SHOWN


@pytest.mark.parametrize(
    ("value", "rule", "shown"),
    [
        ("a\0b", "nul_byte", "a\\x00b"),
        ("a\udcffb", "bad_unicode", "a\\udcffb"),
        ("a\x1b[31m\nb\0", "nul_byte", "a\\x1b[31m\\nb\\x00"),
        ([1], "wrong_type", "[1]"),
        (7, "wrong_type", "7"),
        (True, "wrong_type", "True"),
    ],
)
def test_a_value_is_shown_in_print(value: object, rule: str, shown: str) -> None:
    assert check(VALUES_CARD, good(VALUES_CARD) | {"title": value}) == Fault("title", rule, shown)


# Anything at all

ANY_TEXT = st.text(st.characters(), max_size=5) | st.sampled_from(
    ["\0", "\ud800", "upgrade", "2024-01-01T00:00:00Z", "[]", "{}", "0001-01-01T00:00:00+23:59", "1e999"]
)
ZONES = st.none() | st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | ANY_TEXT
    | ANY_TEXT.map(Cell)
    | st.binary(max_size=3)
    | st.datetimes(timezones=ZONES)
    | st.dates()
    | st.decimals()
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
TYPES: Mapping[ColumnType, type] = {
    "integer": int,
    "text": str,
    "texts": list,
    "time": datetime,
    "boolean": bool,
    "json": str,
}


def is_sound(column: SourceColumn, value: object) -> bool:
    """Whether PostgreSQL can hold the value in this column."""
    if value is None:
        return column.nullable
    if type(value) is not TYPES[column.type]:
        return False
    if isinstance(value, int):
        return value in INT64 and (column.low is None or column.low <= value <= (column.high or 0))
    if isinstance(value, datetime):
        return value.tzinfo is None
    texts = value if isinstance(value, list) else [value]
    clean = all("\0" not in text and text.encode() is not None for text in texts)
    if column.type == "json":
        return clean and "\\u0000" not in json.dumps(json.loads(str(value)))
    return clean and (not column.allowed or value in column.allowed)


@st.composite
def junk_records(draw: st.DrawFn) -> tuple[SourceTable, dict[str, Any]]:
    """A good record of some table in which some values are replaced by anything at all."""
    table = draw(st.sampled_from(list(SOURCE_TABLES.values())))
    names = st.sampled_from([*(column.name for column in table.columns), "unknown"])
    return table, good(table) | draw(st.dictionaries(names, JUNK, max_size=3))


@given(junk_records())
@example((CHAT, good(CHAT) | {"transcript": {"a": Decimal(1)}}))
@example((EDGE, {}))
def test_junk_is_a_sound_row_or_a_fault_with_a_known_rule(given: tuple[SourceTable, dict[str, Any]]) -> None:
    table, record = given
    checked = check(table, record)
    if isinstance(checked, Fault):
        assert checked.rule in RULES - {"duplicate_key"}
        assert checked.column in table.by_name
        assert checked.value is None or (len(checked.value) <= SHOWN and checked.value.isprintable())
    else:
        assert len(checked) == len(table.columns)
        assert all(is_sound(column, value) for column, value in zip(table.columns, checked, strict=True))


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("column", ["transcript", "caseId", "userId", "createdAt", "id"])
def test_a_value_that_is_nested_too_deeply_is_of_the_wrong_type(column: str) -> None:
    fault = check(CHAT, good(CHAT) | {column: nested(5_000)})
    assert isinstance(fault, Fault)
    assert (fault.column, fault.rule) == (column, "bad_time" if column == "createdAt" else "wrong_type")


def test_json_is_checked_in_pairs_too() -> None:
    fault = check(CHAT, good(CHAT) | {"transcript": [("role", "a\0")]})
    assert isinstance(fault, Fault)
    assert (fault.column, fault.rule) == ("transcript", "nul_byte")


def test_a_number_in_json_that_is_not_held_whole_is_out_of_range() -> None:
    fault = check(CHAT, good(CHAT) | {"transcript": [{"a": TOO_LARGE}]})
    assert isinstance(fault, Fault)
    assert (fault.column, fault.rule) == ("transcript", "out_of_range")


@pytest.mark.parametrize("column", ["createdAt", "caseId", "transcript", "userId"])
def test_what_python_cannot_hold_breaks_the_rule_of_its_column(column: str) -> None:
    fault = check(CHAT, good(CHAT) | {column: Unheld()})
    assert isinstance(fault, Fault)
    assert (fault.column, fault.rule) == (column, "bad_time" if column == "createdAt" else "wrong_type")
