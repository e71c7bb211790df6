"""Which cards say the same, whatever the order and spacing of what they say."""

from datetime import timedelta
from hashlib import sha256

import polars as pl

from dft_pipeline.values.card_texts import all_cards, distinct_texts, text
from tests.unit.small_world import CARD, NOON, Row, world


def _card(number: int, *criteria: str, hours: int = 0, **more: object) -> Row:
    made = {
        "createdAt": NOON + timedelta(hours=hours),
        "canonicalCardId": None,
        "chatId": "c1",
        "quality": "ok",
    }
    return {"id": number, **CARD, "evaluationCriteria": list(criteria), **made, **more}


def _every(cards: list[Row], canonical: tuple[Row, ...] = ()) -> pl.DataFrame:
    raw = world(valuesCard=cards, canonicalValuesCard=list(canonical))
    theirs = [row["id"] for row in cards]
    apps = [row["id"] for row in canonical]
    return all_cards(
        raw["valuesCard"].filter(pl.col("id").is_in(theirs)),
        raw["canonicalValuesCard"].filter(pl.col("id").is_in(apps)),
    )


def test_the_text_is_the_criteria_trimmed_and_sorted_a_line_each() -> None:
    every = _every([_card(10, " WORDS of care", "CALM\n", "")])
    assert every.select(text()).item() == "CALM\nWORDS of care"
    assert every["text_hash"].item() == sha256(b"CALM\nWORDS of care").hexdigest()


def test_further_fields_stand_in_their_order() -> None:
    every = _every([_card(10, "B", "A", title=" Calm ")])
    assert every.select(text(("title", "criteria"))).item() == "Calm\nA\nB"


def test_the_same_criteria_are_one_text_whose_first_card_is_canonical_or_the_earliest() -> None:
    late, early = _card(10, "A", "B", hours=1), _card(11, "B ", "A")
    assert distinct_texts(_every([late, early])).select("card_kind", "card_id", "card_count").rows() == [
        ("card", 11, 2)
    ]
    apps = [{**CARD, "id": number, "evaluationCriteria": ["A", "B"]} for number in (60, 50)]
    texts = distinct_texts(_every([late, early], tuple(apps)))
    assert texts.select("card_kind", "card_id", "card_count").rows() == [("canonical", 50, 4)]


def test_cards_that_say_nothing_are_not_the_same_for_it() -> None:
    assert len(distinct_texts(_every([_card(10), _card(11, " ")]))) == 2


def test_no_card_at_all() -> None:
    assert distinct_texts(_every([])).is_empty()
