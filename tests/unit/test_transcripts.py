"""Whatever stands in a transcript, it is read as far as it can be, and what cannot be has a name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking import ALMOST, CARD, DEEP, JSON, TOOL, UNREADABLE, calls, content, result, says, transcript

from dft_pipeline.values.transcripts import Card, Shown, read_transcript


@pytest.mark.parametrize(("text", "problem"), UNREADABLE, ids=lambda given: str(given)[:20])
def test_of_what_is_no_transcript_nothing_is_read_but_why(text: str | None, problem: str) -> None:
    found = read_transcript(text)
    assert (found.messages, found.shown, found.problem) == ((), (), problem)
    assert (found.turns, found.last, found.is_called_for, found.is_submitted) == (0, None, False, False)


def test_an_empty_transcript_is_no_problem() -> None:
    assert read_transcript("[]").problem is None


@pytest.mark.parametrize(
    ("shown", "problem"),
    [
        (None, "card_not_json"),
        ("", "card_not_json"),
        ("A card", "card_not_json"),
        (content(CARD)[:-1], "card_not_json"),
        (DEEP, "card_not_json"),
        ("[]", "card_incomplete"),
        ("7", "card_incomplete"),
        (content(CARD, title=None), "card_incomplete"),
        (content(CARD, instructions_short=None), "card_incomplete"),
        (content(CARD, instructions_detailed=7), "card_incomplete"),
        (content(CARD, criteria=None), "card_incomplete"),
        (content(CARD, criteria="CARE"), "card_incomplete"),
        (content(CARD, criteria={"CARE": 1}), "card_incomplete"),
        (content(CARD, criteria=["CARE", None]), "card_incomplete"),
        (content(CARD, title="half \ud83d"), "card_incomplete"),  # cannot be written as UTF-8
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_read_counts_as_shown(shown: str | None, problem: str) -> None:
    earlier = (says("user", "Hi"), result(content(CARD)))
    found = read_transcript(transcript(*earlier, result(shown)))
    assert found.shown == (Shown(1, CARD), Shown(2, None))
    assert found.last == Shown(2, None)
    assert found.problem == problem


@pytest.mark.parametrize(
    "not_shown",
    [
        result("<A card (Calm First) was shown to the user>"),
        result('  <A card was articulated, but: "{}"'),
        result(content(CARD), function="submit_values_card"),
        {"role": "function", "content": content(CARD)},
        {"role": "function", "name": [TOOL], "content": content(CARD)},
        {"role": "user", "name": TOOL, "content": content(CARD)},
        {"role": "assistant", "content": content(CARD), "function_call": {"name": TOOL}},
    ],
)
def test_what_shows_no_card(not_shown: dict[str, Any]) -> None:
    found = read_transcript(transcript(not_shown))
    assert (len(found.messages), found.shown, found.problem) == (1, (), None)


@pytest.mark.parametrize("call", [None, "show", 7, [], {}, {"name": None}, {"name": ["submit_values_card"]}])
def test_a_call_of_no_function_is_none(call: object) -> None:
    found = read_transcript(transcript({**says("assistant", "Hm"), "function_call": call}))
    assert (found.problem, found.is_called_for, found.is_submitted) == (None, False, False)
    assert found.messages[0].function is None


@pytest.mark.parametrize(
    "message", [says("user", "Hi") | {"name": TOOL}, {"role": "function", "name": [TOOL], "content": "x"}]
)
def test_a_name_is_a_functions_where_it_is_a_result_and_text(message: dict[str, Any]) -> None:
    assert read_transcript(transcript(message)).messages[0].function is None


def test_calls_and_results_tell_what_was_done() -> None:
    for function, told in ((TOOL, (True, False)), ("articulate_values_card", (True, False))):
        found = read_transcript(transcript(calls(function)))
        assert (found.is_called_for, found.is_submitted) == told
    for message in (calls("submit_values_card"), result("<done>", function="submit_values_card")):
        assert read_transcript(transcript(message)).is_submitted


def test_the_first_problem_is_named() -> None:
    both = (result("no card"), 7)
    assert read_transcript(transcript(*both)).problem == "card_not_json"
    assert read_transcript(transcript(*both[::-1])).problem == "bad_message"


@given(st.lists(ALMOST | JSON, max_size=6), st.integers(0, 400))
def test_any_json_and_any_part_of_it_is_read(found: list[Any], length: int) -> None:
    text = json.dumps(found)
    read = read_transcript(text)
    bad = [message for message in found if not _is_message(message)]
    assert len(read.messages) == len(found) - len(bad)
    assert read.problem is not None or not bad
    cut = read_transcript(text[:length])
    assert cut == read or cut.problem is not None


def _is_message(found: Any) -> bool:
    match found:
        case {"role": str()}:
            return isinstance(found.get("content", ""), str | None)
        case _:
            return False


WORD = st.text("aé \n<", max_size=4)
A_CARD = st.builds(Card, WORD, WORD, WORD, st.lists(WORD, max_size=3).map(tuple))
STEPS = st.one_of(st.sampled_from(("user", "assistant", "system", "note", "call")), A_CARD)
MESSAGES = {"note": result("<A card (x) was shown>"), "call": calls(TOOL)}


@given(st.lists(STEPS, max_size=8))
def test_cards_are_read_as_they_were_shown(steps: list[Any]) -> None:
    messages = [
        result(content(step)) if isinstance(step, Card) else MESSAGES.get(step, says(step, "Hm"))
        for step in steps
    ]
    found = read_transcript(transcript(*messages))
    assert found.shown == tuple(Shown(at, step) for at, step in enumerate(steps) if isinstance(step, Card))
    assert (found.turns, found.problem) == (steps.count("user"), None)
