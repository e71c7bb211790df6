"""Which strategy the settings mean, given what the app has assigned."""

import polars as pl
import pytest

from dft_pipeline.policies import snapshot_settings
from dft_pipeline.values.strategies import strategy

ASSIGNED, NOT_ASSIGNED = ([None, 7], [None, None])


@pytest.mark.parametrize(
    ("asked", "has_model", "canonical", "expected"),
    [
        (None, False, ASSIGNED, "given"),
        (None, True, ASSIGNED, "given"),
        (None, False, NOT_ASSIGNED, "offline"),
        (None, True, NOT_ASSIGNED, "model"),
        (None, False, [], "offline"),
        ("given", False, NOT_ASSIGNED, "given"),
        ("offline", True, ASSIGNED, "offline"),
        ("model", True, ASSIGNED, "model"),
    ],
)
def test_an_assignment_goes_first_unless_another_way_is_asked_for(
    asked: str | None, has_model: bool, canonical: list[int | None], expected: str
) -> None:
    theirs = pl.DataFrame({"canonical_card_id": canonical}, schema={"canonical_card_id": pl.Int64})
    apps = pl.DataFrame({"canonical_card_id": [7]}).with_columns(card_kind=pl.lit("canonical"))
    cards = pl.concat([theirs.with_columns(card_kind=pl.lit("card")), apps])
    assert strategy(snapshot_settings(dedup=asked, has_model=has_model), cards) == expected


def test_a_model_that_is_not_there_is_not_asked() -> None:
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        snapshot_settings(dedup="model")
    with pytest.raises(ValueError, match="given, offline, model"):
        snapshot_settings(dedup="magic")
