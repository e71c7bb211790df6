"""Which strategy the settings mean, given what the app has assigned."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from dft_pipeline.policies import OFFLINE_WORDLLAMA, snapshot_settings
from dft_pipeline.values import canonical
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.embeddings import card_embeddings, looked_up
from dft_pipeline.values.strategies import Means, overnight, strategy
from tests.unit.small_world import CARD, NOON, world

LATER = {**CARD, "id": 900, "createdAt": NOON + timedelta(days=1)}
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


def test_a_canonical_card_of_a_later_day_is_no_event_of_the_day() -> None:
    """The small world is of one noon; the app has written another canonical card the day after."""
    cards = world()["valuesCard"], world(canonicalValuesCard=[LATER])["canonicalValuesCard"]
    every = all_cards(*cards)
    means = Means(looked_up(card_embeddings([], np.zeros((0, 2), np.float32), "m")), OFFLINE_WORDLLAMA)
    became = canonical.card_values(every)
    on = {
        day: set(overnight("given", every, became, NOON.date() + timedelta(days=day), means)["value_id"])
        for day in (0, 1)
    }
    assert LATER["id"] in on[1]
    assert LATER["id"] not in on[0]
    assert on[0] == {1, 2, 3}


def test_a_model_that_is_not_there_is_not_asked() -> None:
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        snapshot_settings(dedup="model")
    with pytest.raises(ValueError, match="given, offline, model"):
        snapshot_settings(dedup="magic")
