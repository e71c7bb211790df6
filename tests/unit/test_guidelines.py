"""Each guideline for cards: a card that keeps all of them, and what breaks each one alone."""

from typing import Any

import polars as pl
import pytest

from dft_pipeline.tables import VALUE_TEXTS
from dft_pipeline.values.guidelines import GUIDELINES, failed_guidelines, quality

GOOD: dict[str, Any] = {
    "title": "Slow Bridges",
    "instructions_short": "Take one step.",
    "instructions_detailed": "Find one step that the user can take.",
    "criteria": ["STEPS they can take", "FEARS that shrink"],
}
SCHEMA = {name: column.dtype for name, column in VALUE_TEXTS.items()}


def failed(*cards: dict[str, Any] | None) -> pl.DataFrame:
    rows = [dict.fromkeys(GOOD) if card is None else GOOD | card for card in cards]
    failing = failed_guidelines()
    return pl.DataFrame(rows, SCHEMA).select(failed=failing, quality=quality(failing))


BREAKING: list[tuple[str, dict[str, Any]]] = [
    ("criteria_2_to_10", {"criteria": ["STEPS"]}),
    ("criteria_2_to_10", {"criteria": []}),
    ("criteria_2_to_10", {"criteria": ["STEPS"] * 11}),
    ("criteria_begin_capitalised", {"criteria": ["STEPS", "steps they take"]}),
    ("criteria_begin_capitalised", {"criteria": ["A step", "STEPS"]}),
    ("criteria_begin_capitalised", {"criteria": ["STEPS", " "]}),
    ("impersonal", {"criteria": ["STEPS", "FEARS of my son"]}),
    ("impersonal", {"instructions_short": "Ask him."}),
    ("impersonal", {"instructions_detailed": "Ask the user what she needs."}),
    ("refers_to_the_user", {"instructions_detailed": "Find one step that someone can take."}),
    ("refers_to_the_user", {"instructions_detailed": "Tell the users."}),
    ("refers_to_the_user", {"instructions_detailed": "Soothe user after user."}),
    ("title_2_to_5_words", {"title": "Bridges"}),
    ("title_2_to_5_words", {"title": " "}),
    ("title_2_to_5_words", {"title": "A Bridge That Is Too Long"}),
]
KEEPING: list[dict[str, Any]] = [
    {},
    {"criteria": ["STEPS"] * 10},
    {"criteria": [" STEPS", "PEOPLE'S fears"]},
    {"criteria": ["STEPS of the user", "FEARS"], "instructions_detailed": "Be slow."},
    {"instructions_short": "The user's step.", "instructions_detailed": "Be slow."},
    {"criteria": ["HERO worship of theirs", "ITS history"]},
    {"title": "\tA Bridge  That Is Long "},
]  # fmt: skip


@pytest.mark.parametrize(("guideline", "change"), BREAKING)
def test_a_guideline_that_is_not_kept(guideline: str, change: dict[str, Any]) -> None:
    assert failed(change).rows() == [([guideline], 1 - 1 / 5)]


@pytest.mark.parametrize("change", KEEPING)
def test_all_guidelines_are_kept(change: dict[str, Any]) -> None:
    assert failed(change).rows() == [([], 1.0)]


def test_every_guideline_is_tried() -> None:
    assert {guideline for guideline, _ in BREAKING} == set(GUIDELINES)


def test_a_card_may_fail_them_all_and_none_fails_nothing() -> None:
    worst = {
        "title": "X",
        "instructions_short": "I",
        "instructions_detailed": "",
        "criteria": ["x"],
    }
    rows = failed(worst, None, {}).rows()
    assert rows == [(sorted(GUIDELINES), 0.0), (None, None), ([], 1.0)]
