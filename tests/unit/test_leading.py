"""Whose words a card has: by hand, and against a reading word by word."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking import CARD, content, result, says, transcript

from dft_pipeline.values.leading import STOP_WORDS, content_words, leading_share
from dft_pipeline.values.transcripts import read_transcript


def led(criteria: list[str], *messages: dict[str, Any]) -> float | None:
    """The share, where the card comes after the messages."""
    return leading_share(read_transcript(transcript(*messages, result(content(CARD, criteria=criteria)))))


@pytest.mark.parametrize(
    ("criteria", "said", "share"),
    [
        (["STEPS today", "FEARS"], [("assistant", "Steps?"), ("user", "Steps and fears.")], 1 / 2),
        (["STEPS"], [("user", "steps"), ("assistant", "Steps!")], 0.0),
        (["STEPS"], [("assistant", "One step: footsteps"), ("user", "STEPS")], 0.0),
        (["STEPS", "STEPS, steps"], [("assistant", "“steps”")], 1.0),
        (["STEPS that they take"], [("assistant", "That they")], None),  # words of grammar
        (["STEPS"], [("system", "steps"), ("function", "steps")], None),
        (["ÜBERMUT d’été"], [("assistant", "übermut"), ("user", "l'été")], 1 / 2),
        (["I, A, 7"], [("assistant", "I a 7")], None),  # no words
        ([], [("assistant", "Hm")], None),
    ],
)
def test_by_hand(criteria: list[str], said: list[tuple[str, str]], share: float | None) -> None:
    assert led(criteria, *(says(role, text) for role, text in said)) == share


def test_what_is_said_after_the_card_does_not_count() -> None:
    shown = result(content(CARD, criteria=["STEPS today"]))
    found = read_transcript(transcript(says("user", "steps"), shown, says("assistant", "today")))
    assert leading_share(found) == 0.0


@pytest.mark.parametrize("name", CARD._fields)
def test_the_cards_before_the_last_are_the_assistants(name: str) -> None:
    """All of their text; not the names of their fields."""
    nothing = {**dict.fromkeys(CARD._fields, ""), "criteria": []}
    earlier = nothing | {name: ["fears"] if name == "criteria" else "fears"}
    found = led(["FEARS", "TITLE", "STEPS"], says("user", "Steps"), result(content(CARD, **earlier)))
    assert found == 1 / 2


def test_without_a_card_that_can_be_read_there_is_no_share() -> None:
    talk = (says("assistant", "calm moments"), result(content(CARD)))
    assert leading_share(read_transcript(transcript(*talk))) == 1.0
    assert leading_share(read_transcript(transcript(*talk[:1]))) is None
    assert leading_share(read_transcript(transcript(*talk, result("{")))) is None


def test_stop_words_are_words_as_they_are_found() -> None:
    assert all(re.fullmatch("[a-z]{2,}", word) for word in STOP_WORDS)
    assert content_words("We'll see: don't they say SHE'S there?") == {"see", "say"}


WORDS = ("steps", "fears", "calm", "the", "user")
TEXT = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
ROLES = ("user", "assistant", "system")


@given(st.lists(st.tuples(st.sampled_from(ROLES), TEXT), max_size=6), st.lists(TEXT, min_size=1, max_size=3))
def test_word_by_word(said: list[tuple[str, str]], criteria: list[str]) -> None:
    first = {}
    for word in {"steps", "fears", "calm", "user"} & set(" ".join(criteria).split()):
        by = [role for role, text in said if role != "system" and word in text.split()]
        first |= {word: by[0]} if by else {}
    share = list(first.values()).count("assistant") / len(first) if first else None
    assert led([one.upper() for one in criteria], *(says(*one) for one in said)) == share
