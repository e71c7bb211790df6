"""Labelled pairs from a file: what counts, and why the rest does not."""

import io
from pathlib import Path

import polars as pl
import pytest

from dft_pipeline.raw.reading import RefusedFile
from dft_pipeline.values.labels import TABLE, Aside, Labels, read_labels

HEADER = ",".join(TABLE.by_name)
EVERY = pl.DataFrame(
    {
        "card_kind": ["canonical", "canonical", "card", "card", "card"],
        "card_id": [1, 2, 1, 2, 3],
        "text_hash": ["a", "b", "c", "d", "c"],
    }
)


def _read(folder: Path, *lines: str, header: str = HEADER) -> Labels:
    file = folder / "labels.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return read_labels(file, EVERY)


def test_pairs_that_count_stand_with_the_texts_of_their_cards(tmp_path: Path) -> None:
    found = _read(
        tmp_path, "card,1,card,2,same", "canonical,2,card,1,different", "canonical,1,canonical,2,same"
    )
    assert found.pairs.rows() == [(1, "c", "d", True), (2, "b", "c", False), (3, "a", "b", True)]
    assert (found.file, found.read, found.unsure, found.set_aside) == ("labels.csv", 3, 0, [])


@pytest.mark.parametrize(
    ("row", "column", "rule", "value"),
    [
        ("cad,1,card,2,same", "card_kind", "unknown_enum", "cad"),
        ("card,1,card,2,maybe", "verdict", "unknown_enum", "maybe"),
        ("card,1,card,2,", "verdict", "wrong_type", None),
        ("card,one,card,2,same", "card_id", "wrong_type", "one"),
        ("card,1,card,,same", "other_card_id", "missing_key", None),
        ("card,1,card,2", None, "wrong_type", "4 cells under 5 columns"),
        ("card,7,card,2,same", "card_id", "unknown_card", "card 7"),
        ("card,1,canonical,3,same", "other_card_id", "unknown_card", "canonical 3"),
        ("card,1,card,1,same", "other_card_id", "with_itself", "card 1"),
        ("card,1,card,3,different", "verdict", "same_text", "different"),
        ("card,2,canonical,1,same", "other_card_id", "pair_twice", "card 2, canonical 1"),
        ("canonical,1,card,2,different", "other_card_id", "pair_twice", "canonical 1, card 2"),
    ],
)
def test_a_row_that_does_not_count_is_named(
    tmp_path: Path, row: str, column: str | None, rule: str, value: str | None
) -> None:
    good = "canonical,1,card,2,unsure"
    found = _read(tmp_path, good, row)
    assert found.set_aside == [Aside(2, column, rule, value)]
    assert (found.unsure, found.pairs.is_empty(), found.reasons) == (1, True, {rule: 1})


def test_the_counts_add_up(tmp_path: Path) -> None:
    rows = ("card,1,card,2,same", "card,2,card,1,unsure", "card,2,canonical,1,unsure", "card,9,card,1,same")
    found = _read(tmp_path, *rows)
    assert len(found.pairs) + found.unsure + len(found.set_aside) == found.read == 4
    assert found.reasons == {"pair_twice": 1, "unknown_card": 1}


def test_every_format_of_table_files_is_read(tmp_path: Path) -> None:
    rows = ("card,1,card,2,same", "canonical,1,card,2,unsure")
    expected = _read(tmp_path, *rows).pairs
    frame = pl.read_csv(io.StringIO("\n".join([HEADER, *rows])))
    frame.write_parquet(tmp_path / "labels.parquet")
    frame.write_ndjson(tmp_path / "labels.ndjson")
    (tmp_path / "labels.json").write_text(frame.write_json())
    for name in ("labels.parquet", "labels.ndjson", "labels.json"):
        found = read_labels(tmp_path / name, EVERY)
        assert found.pairs.equals(expected)
        assert (found.file, found.unsure) == (name, 1)


def test_a_further_column_is_told(tmp_path: Path) -> None:
    found = _read(tmp_path, "card,1,card,2,same,who knows", header=f"{HEADER},comment")
    assert (found.unknown_columns, len(found.pairs)) == (["comment"], 1)


def test_a_file_without_a_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match=r"labels.csv: without the column other_card_id, verdict$"):
        _read(tmp_path, "card,1,card", header="card_kind,card_id,other_card_kind")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match=r"labels.xlsx: its name ends in none of .json, .ndjson"):
        read_labels(tmp_path / "labels.xlsx", EVERY)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('[{"card_kind": ')
    with pytest.raises(RefusedFile, match=r"labels.json: broken JSON"):
        read_labels(tmp_path / "labels.json", EVERY)
