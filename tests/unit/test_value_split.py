"""A value's own side, wherever it stands, and of several the one furthest from training."""

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings

from dft_pipeline.dataset.prompt_contexts import side
from dft_pipeline.dataset.rows import reward_rows, rubric_rows
from dft_pipeline.dataset.value_pairs import value_pairs
from dft_pipeline.dataset.value_split import with_value_split
from dft_pipeline.policies import Aggregation

ORDER = ("train", "validation", "test")
ON = {name: next(number for number in range(99) if side(str(number)) == name) for name in ORDER}


@pytest.mark.parametrize(
    ("one", "other", "furthest"),
    [
        ("train", "train", "train"),
        ("train", "validation", "validation"),
        ("validation", "test", "test"),
        ("test", "train", "test"),
        (None, "validation", "validation"),
        (None, None, "train"),
    ],
)
def test_of_two_values_the_side_furthest_from_training(
    one: str | None, other: str | None, furthest: str
) -> None:
    schema = {"one": pl.Int64, "other": pl.Int64}
    rows = pl.DataFrame([(ON.get(one or ""), ON.get(other or ""))], schema, orient="row")
    assert with_value_split(rows, "one", "other")["value_split"].to_list() == [furthest]
    assert with_value_split(rows.clear(), "one", "other").schema["value_split"] == pl.String


@settings(max_examples=6)
@given(some.publics())
def test_every_row_has_the_side_of_its_values(public: some.Public) -> None:
    snapshot = some.snapshot(public, some.EASY)
    rows = reward_rows(snapshot, "easy", Aggregation(min_participants=1, min_share=0.1))
    for table in (rows, rubric_rows(rows)):
        expected = [side(str(value)) for value in table["value_id"]]
        assert table["value_split"].to_list() == expected
    for pair in value_pairs(snapshot).to_dicts():
        sides = [side(str(pair[f"{end}_value_id"])) for end in ("less_wise", "wiser")]
        assert pair["value_split"] == max(sides, key=ORDER.index)
