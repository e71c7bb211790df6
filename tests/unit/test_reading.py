"""Table files as records: the array streamer against `json.loads`, and what each format refuses."""

import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.raw import reading
from dft_pipeline.raw.reading import RefusedFile, Unheld, Unreadable, records

LONG = reading.CHUNK

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**22), 10**22)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)
# What may stand between the parts of a text: nothing, or more white space than a window is wide.
SEPARATORS = st.sampled_from(
    [(",", ":"), (", ", ": "), ("\n\t,\r\n", " :\t"), (f"{' ' * 30},", f"{' ' * 30}:")]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def read(path: Path, content: bytes | str, chunk: int = LONG) -> list[reading.Record]:
    """The file's records, with so many characters read at a time."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with patch.object(reading, "CHUNK", chunk):
        return list(records(path))


def read_or_refused(path: Path, content: bytes, chunk: int = LONG) -> list[reading.Record] | str:
    """The file's records, or why it is refused; any other exception passes."""
    try:
        return read(path, content, chunk)
    except RefusedFile as refused:
        return str(refused)


def refusal(path: Path, content: bytes | str, chunk: int = LONG) -> str:
    """Why the file is refused, after its name."""
    with pytest.raises(RefusedFile) as refused:
        read(path, content, chunk)
    name, _, reason = str(refused.value).partition(": ")
    assert name == path.name
    return reason


def loaded(text: str) -> Any:
    """The oracle: the standard library's reading; numbers of more than 20 digits are all the same."""
    return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= 20 else 1 << 64)


# JSON arrays


@given(
    rows=st.lists(OBJECTS, max_size=5),
    separators=SEPARATORS,
    ascii_only=st.booleans(),
    chunk=st.integers(1, 40),
)
def test_an_array_of_objects_is_read_as_json_loads_does(
    folder: Path, rows: list[Any], separators: tuple[str, str], ascii_only: bool, chunk: int
) -> None:
    text = json.dumps(rows, ensure_ascii=ascii_only, separators=separators)
    assert read(folder / "edge.json", text, chunk) == loaded(text)


@given(
    rows=st.lists(VALUES.filter(lambda value: not isinstance(value, float)), max_size=5),
    chunk=st.integers(1, 40),
)
def test_a_row_that_is_no_object_stays_in_its_place(folder: Path, rows: list[Any], chunk: int) -> None:
    text = json.dumps(rows)
    found = read(folder / "edge.json", text, chunk)
    assert [isinstance(record, Unreadable) for record in found] == [not isinstance(row, dict) for row in rows]
    assert [r for r in found if not isinstance(r, Unreadable)] == [
        r for r in loaded(text) if isinstance(r, dict)
    ]


@pytest.mark.parametrize(
    ("row", "kind"),
    [("[1]", "a list"), ('"x"', "a text"), ("true", "a truth value"), ("7", "a number"), ("null", "null")],
)
def test_a_row_that_is_no_object_says_what_it_is(folder: Path, row: str, kind: str) -> None:
    found = read(folder / "edge.json", f'[{{"a": 1}}, {row}, {{"a": 2}}]')
    assert found == [{"a": 1}, Unreadable(f"a row is an object, not {kind}"), {"a": 2}]


@pytest.mark.parametrize("chunk", range(1, 8))
def test_bare_numbers_and_words_are_whole_wherever_a_chunk_ends(folder: Path, chunk: int) -> None:
    kinds = ["a number", "a truth value", "a number", "null", "a text"]
    found = read(folder / "edge.json", '[123456, false, -7, null, "words"]', chunk)
    assert found == [Unreadable(f"a row is an object, not {kind}") for kind in kinds]


NUMBERS = ("0", "-12", "1.5", "-0.25", "1e5", "1E-5", "-1.25e+10", "123456789.000001")


@pytest.mark.parametrize("chunk", range(1, 12))
def test_numbers_at_the_border_of_a_chunk_are_whole(folder: Path, chunk: int) -> None:
    text = "[" + ",".join(f'{{"a":[{number}],"b":{number}}}' for number in NUMBERS) + "]"
    assert read(folder / "edge.json", text, chunk) == json.loads(text)


@pytest.mark.parametrize("number", ["1.5", "1e5", "1e+5"])
def test_a_bare_number_at_the_border_of_a_chunk_is_one_unreadable_row(folder: Path, number: str) -> None:
    for chunk in range(1, 8):
        found = read(folder / "edge.json", f"[{number}]", chunk)
        assert found == [Unreadable("a row is an object, not a number")]


@pytest.mark.parametrize("chunk", range(1, 14))
def test_escapes_at_the_border_of_a_chunk_are_whole(folder: Path, chunk: int) -> None:
    text = r'[{"a\n\"": "\\\" \u00e9 \ud83d\ude00 \ud83d \/"}, {"\u0000": "\u20ac\t"}]'
    assert read(folder / "edge.json", text, chunk) == json.loads(text)


@pytest.mark.parametrize("shift", range(5))
def test_characters_of_several_bytes_are_whole_wherever_the_bytes_are_cut(folder: Path, shift: int) -> None:
    rows = [{"a": "é€😀" * 5_000}, {"ключ": "值"}]
    text = " " * shift + json.dumps(rows, ensure_ascii=False)
    assert read(folder / "edge.json", text, 100) == rows


EARLY_END = "broken JSON: .*|a comma or the end of the array was expected"
WHOLE = (
    '[{"a": "é\\u00e9\\ud83d\\ude00", "b": [1, -2.5e3, null, true]},\n {"c": {"d": ""}, "€": "😀"}]'.encode()
)


@pytest.mark.parametrize("chunk", [1, 3, LONG])
def test_an_array_that_ends_early_is_refused_wherever_it_ends(folder: Path, chunk: int) -> None:
    assert len(read(folder / "edge.json", WHOLE, chunk)) == 2
    for length in range(len(WHOLE)):
        reason = refusal(folder / "edge.json", WHOLE[:length], chunk)
        expected = "a JSON array of rows was expected" if length == 0 else EARLY_END
        assert re.fullmatch(f"({expected}), at character [0-9]+", reason), reason


NO_ARRAYS = (
    ("", "a JSON array of rows was expected", 1),
    (" \n\t ", "a JSON array of rows was expected", 5),
    ('{"rows": [{"a": 1}]}', "a JSON array of rows was expected", 1),
    ('"text"', "a JSON array of rows was expected", 1),
    ("null", "a JSON array of rows was expected", 1),
    ("[] x", "nothing may follow the array", 4),
    ('[{"a": 1}]\n[{"a": 2}]', "nothing may follow the array", 12),
    ('[{"a": 1} {"a": 2}]', "a comma or the end of the array was expected", 11),
    ('[{"a": 1},]', "broken JSON: Expecting value", 11),
    ("[,]", "broken JSON: Expecting value", 2),
    ('[{"a": 1]', "broken JSON: Expecting ',' delimiter", 9),
    ('[{"a": 1}, {"a": 2}, oops', "broken JSON: Expecting value", 22),
    ('[{"a": "x\ny"}]', "broken JSON: Invalid control character at", 10),
    (r'[{"a": "\x41"}]', "broken JSON: Invalid \\escape", 9),
    ("[{'a': 1}]", "broken JSON: Expecting property name enclosed in double quotes", 3),
)


@pytest.mark.parametrize(("content", "reason", "place"), NO_ARRAYS)
@pytest.mark.parametrize("chunk", [1, 4, LONG])
def test_what_is_no_array_of_rows_is_refused(
    folder: Path, content: str, reason: str, place: int, chunk: int
) -> None:
    assert refusal(folder / "edge.json", content, chunk).startswith(f"{reason}, at character ")


def test_a_refusal_says_the_place_from_the_start_of_the_file(folder: Path) -> None:
    for chunk in (1, 4, LONG):
        for content, reason, place in NO_ARRAYS:
            assert refusal(folder / "edge.json", content, chunk) == f"{reason}, at character {place}"


def test_rows_before_the_trouble_come_first(folder: Path) -> None:
    (folder / "edge.json").write_text('[{"a": 1}, {"a": 2}, oops')
    stream = records(folder / "edge.json")
    assert [next(stream), next(stream)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(RefusedFile, match="broken JSON: Expecting value"):
        next(stream)


@pytest.mark.parametrize("content", ["[" * 100_000, '[{"a":' + "[" * 100_000 + "]" * 100_000 + "}]"])
def test_deep_nesting_refuses_the_file(folder: Path, content: str) -> None:
    assert refusal(folder / "edge.json", content) == "nested too deeply"
    assert refusal(folder / "edge.ndjson", content.replace('[{"a"', '{"a"')) == "nested too deeply"


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
def test_a_number_of_5000_digits_stays_one_that_is_too_large(folder: Path, suffix: str) -> None:
    content = f'[{{"id": {"9" * 5_000}}}]'
    (record,) = read(folder / f"edge.{suffix}", content if suffix == "json" else content[1:-1])
    assert not isinstance(record, Unreadable)
    assert record["id"] > 2**63


def test_a_long_array_is_read_a_chunk_at_a_time(folder: Path) -> None:
    path, told = folder / "edge.json", list[int]()
    path.write_text(json.dumps([{"a": "x" * 90}] * 1_000))
    with patch.object(reading, "CHUNK", 1_000):
        stream = records(path, told.append)
        next(stream)
        assert told
        assert told[-1] < path.stat().st_size / 2
        assert sum(1 for _ in stream) == 999
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


# All text formats


@pytest.mark.parametrize(
    ("suffix", "content"), [("json", '[{"a": "b"}]'), ("ndjson", '{"a": "b"}\n'), ("csv", "a\nb\n")]
)
def test_a_byte_order_mark_is_no_content(folder: Path, suffix: str, content: str) -> None:
    for chunk in (1, LONG):
        assert read(folder / f"edge.{suffix}", b"\xef\xbb\xbf" + content.encode(), chunk) == [{"a": "b"}]


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("json", b'[{"a": "b"}, {"a": "\xff\xc3"}, {"a": "c"}]'),
        ("ndjson", b'{"a": "b"}\n{"a": "\xff\xc3"}\n{"a": "c"}'),
        ("csv", b"a\nb\n\xff\xc3\nc\n"),
    ],
)
def test_bytes_that_are_no_utf_8_stay_in_their_row(folder: Path, suffix: str, content: bytes) -> None:
    assert read(folder / f"edge.{suffix}", content) == [{"a": "b"}, {"a": "\udcff\udcc3"}, {"a": "c"}]


@pytest.mark.parametrize("suffix", ["json", "ndjson", "jsonl", "csv", "parquet"])
def test_random_bytes_give_records_or_a_refusal(folder: Path, suffix: str) -> None:
    path = folder / f"edge.{suffix}"
    pieces = st.sampled_from(
        [b"[", b"]", b"{", b"}", b'"', b",", b":", b"\n", b"1", b"\0", b"\xff", b"PAR1", b"\\"]
    )

    @given(
        content=st.binary(max_size=30) | st.lists(pieces, max_size=30).map(b"".join), chunk=st.integers(1, 9)
    )
    def holds(content: bytes, chunk: int) -> None:
        found = read_or_refused(path, content, chunk)
        if isinstance(found, str):
            assert found.startswith(f"{path.name}: ")
        else:
            assert all(isinstance(record, (dict, Unreadable)) for record in found)

    holds()


@pytest.mark.parametrize("suffix", ["json", "ndjson", "csv", "parquet"])
def test_a_folder_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"edge.{suffix}"
    path.mkdir()
    with pytest.raises(RefusedFile, match=rf"^edge\.{suffix}: .*[Ii]s a directory$"):
        list(records(path))


# NDJSON


@given(
    rows=st.lists(OBJECTS, max_size=5), ascii_only=st.booleans(), end=st.sampled_from(["\n", "\r\n", "\n\n"])
)
def test_lines_are_read_as_json_loads_does(folder: Path, rows: list[Any], ascii_only: bool, end: str) -> None:
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
    assert read(folder / "edge.ndjson", end.join(lines)) == [loaded(line) for line in lines]
    assert read(folder / "edge.jsonl", end.join(lines) + end) == [loaded(line) for line in lines]


def test_a_broken_line_is_one_unreadable_record(folder: Path) -> None:
    found = read(folder / "edge.ndjson", '{"a": 1}\n{"a": \n[2]\n{"a": 3} 4\n{"a": 5}')
    assert found == [
        {"a": 1},
        Unreadable("broken JSON: Expecting value, at character 6 of the line"),
        Unreadable("a row is an object, not a list"),
        Unreadable("broken JSON: Extra data, at character 10 of the line"),
        {"a": 5},
    ]


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n\r"])
def test_a_line_ends_as_any_program_ends_it(folder: Path, end: str) -> None:
    assert read(folder / "edge.ndjson", f'{{"a": "\u2028"}}{end}{{"a": 2}}') == [{"a": "\u2028"}, {"a": 2}]


def test_empty_lines_are_no_records(folder: Path) -> None:
    assert read(folder / "edge.ndjson", "") == []
    assert read(folder / "edge.ndjson", '\n \n{"a": 1}\n\t\n') == [{"a": 1}]


# CSV


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_cells_are_texts_and_an_empty_one_is_null(folder: Path, end: str) -> None:
    lines = ["id,evaluationCriteria,title", '1,"[""CARE, of a"", ""b""]",', "2,[],x"]
    found = read(folder / "valuesCard.csv", end.join(lines) + end)
    assert found == [
        {"id": "1", "evaluationCriteria": '["CARE, of a", "b"]', "title": None},
        {"id": "2", "evaluationCriteria": "[]", "title": "x"},
    ]


def test_a_quoted_cell_keeps_its_line_ends_commas_and_quotes(folder: Path) -> None:
    content = 'a,b\r\n"one\ntwo\r\nthree, ""four""",x\r\n'
    assert read(folder / "edge.csv", content) == [{"a": 'one\ntwo\r\nthree, "four"', "b": "x"}]


def test_a_wrong_number_of_cells_is_one_unreadable_record(folder: Path) -> None:
    found = read(folder / "edge.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert found == [
        {"a": "1", "b": "2"},
        Unreadable("1 cells under 2 columns"),
        Unreadable("3 cells under 2 columns"),
        {"a": "7", "b": "8"},
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty; a line with the columns' names was expected"),
        ("a,b,a\n1,2,3\n", "a column stands twice in the header"),
        ('a,b\n1,"2\n3,4\n', "broken CSV: unexpected end of data, at line 3"),
        ('a,b\n1,"2"3\n', "broken CSV: ',' expected after '\"', at line 2"),
    ],
)
def test_csv_that_cannot_be_cut_into_cells_is_refused(folder: Path, content: str, reason: str) -> None:
    assert refusal(folder / "edge.csv", content) == reason


def test_csv_of_a_header_alone_has_no_records(folder: Path) -> None:
    assert read(folder / "edge.csv", "a,b\n") == []


def test_a_cell_of_ten_megabytes_is_whole(folder: Path) -> None:
    ((record),) = read(folder / "edge.csv", f"a,b\n1,{'x' * 10_000_000}\n")
    assert not isinstance(record, Unreadable)
    assert len(record["b"]) == 10_000_000


@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8), min_size=2, max_size=2
        ),
        max_size=5,
    )
)
def test_csv_is_read_back_as_the_standard_library_writes_it(folder: Path, rows: list[list[str]]) -> None:
    import csv

    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b"], *rows])
    expected = [{"a": one or None, "b": other or None} for one, other in rows]
    assert read(folder / "edge.csv", text.getvalue()) == expected


# Parquet


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_parquet_rows_have_their_values(folder: Path) -> None:
    columns = {
        "id": [1, None],
        "title": ["é", None],
        "evaluationCriteria": [["A", "B"], []],
        "isAdmin": [True, None],
    }
    found = read(folder / "valuesCard.parquet", parquet(**columns))
    assert found == [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def test_parquet_is_read_in_order_across_batches(folder: Path) -> None:
    found = read(folder / "vote.parquet", parquet(id=range(10_000)))
    assert found == [{"id": number} for number in range(10_000)]


def broken_parquets() -> Iterator[bytes]:
    content = parquet(id=[1, 2, 3], title=["one", "two", "three"])
    yield from (b"", b"PAR1", b"no Parquet", content[4:], b"x" * len(content), content[:-4], content[:-9])
    yield from (content[:length] for length in range(0, len(content), 23))


def test_broken_parquet_is_refused_by_name(folder: Path) -> None:
    for content in broken_parquets():
        assert re.search("[Pp]arquet|thrift", refusal(folder / "vote.parquet", content)), content


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (10**12, pa.timestamp("s")),
        (-(10**12), pa.timestamp("s", "Europe/Berlin")),
        (2**61 + 1_700_000_000_000, pa.timestamp("ms")),
        (10**8, pa.date32()),
        (2**62, pa.duration("s")),
    ],
)
def test_a_time_that_python_cannot_hold_is_unheld_in_its_row_alone(
    folder: Path, value: int, dtype: pa.DataType
) -> None:
    times = pa.array([1, value, None], dtype)
    one, other, none = read(folder / "vote.parquet", parquet(id=[1, 2, 3], createdAt=times))
    assert not any(isinstance(record, Unreadable) for record in (one, other, none))
    assert [record["id"] for record in (one, other, none)] == [1, 2, 3]  # type: ignore[index]
    assert isinstance(other["createdAt"], Unheld)  # type: ignore[index]
    assert [isinstance(record["createdAt"], Unheld) for record in (one, none)] == [False, False]  # type: ignore[index]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "Nowhere/AtAll"])
def test_a_time_is_the_same_time_under_any_name_of_its_zone(folder: Path, zone: str | None) -> None:
    times = pa.array([1_704_067_200_000_000_001], pa.timestamp("ns", zone))
    (record,) = read(folder / "vote.parquet", parquet(createdAt=times))
    assert record["createdAt"].replace(tzinfo=None) == datetime(2024, 1, 1)  # type: ignore[index]


@pytest.mark.parametrize("dtype", [pa.string(), pa.large_string()])
def test_a_parquet_text_that_is_no_utf_8_stays_in_its_row(folder: Path, dtype: pa.DataType) -> None:
    binary = pa.binary() if dtype == pa.string() else pa.large_binary()
    texts = pa.array([b"a", b"\xff\xc3", None], binary).view(dtype)
    assert read(folder / "vote.parquet", parquet(a=texts)) == [{"a": "a"}, {"a": "\udcff\udcc3"}, {"a": None}]


def test_a_parquet_column_that_stands_twice_refuses_the_file(folder: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table([[1], [2]], ["id", "id"]), buffer)
    assert refusal(folder / "vote.parquet", buffer.getvalue()) == "broken Parquet: a column stands twice"


def test_parquet_rows_without_columns_are_rows(folder: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2]}).select([]), buffer)
    assert read(folder / "vote.parquet", buffer.getvalue()) in ([{}, {}], [])


def test_parquet_that_does_not_match_its_checksum_is_refused(folder: Path) -> None:
    buffer = io.BytesIO()
    options = {
        "write_page_checksum": True,
        "compression": "none",
        "use_dictionary": False,
        "write_statistics": False,
    }
    pq.write_table(pa.table({"title": ["Honesty" * 20]}), buffer, **options)
    damaged = buffer.getvalue().replace(b"Honesty", b"Honestx", 1)
    assert "CRC checksum verification failed" in refusal(folder / "vote.parquet", damaged)


def test_names_of_parquet_columns_that_are_no_utf_8_refuse_the_file(folder: Path) -> None:
    content = parquet(createdAt=[1]).replace(b"createdAt", b"created\xff\xff")
    (folder / "vote.parquet").write_bytes(content)
    for found in (reading.columns, lambda path: list(records(path))):
        with pytest.raises(RefusedFile, match=r"^vote\.parquet: .*utf-8"):
            found(folder / "vote.parquet")
