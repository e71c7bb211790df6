"""Further prompts: which user turns are asked about, and which prompts and labels take no part, and why."""

import json

import polars as pl
import pytest
from small_world import ANN, another, world

from dft_pipeline.policies import ParticipantPolicy
from dft_pipeline.values.admission import set_aside
from dft_pipeline.values.further_prompts import TURNS, user_turns

PROMPTS = pl.Schema({"id": pl.String, "text": pl.String, "messages": pl.String})


def said(*words: tuple[str, str | None]) -> str:
    return json.dumps([{"role": role, "content": content} for role, content in words])


TALK = said(("system", "Be kind."), ("user", "One?"), ("assistant", None), ("user", "Two?"))


def broken(**changes: object) -> list[tuple[str, str]]:
    """Column and rule under which a prompt so changed is set aside."""
    found = set_aside(world(furtherPrompt=[another("furtherPrompt", **changes)]), ParticipantPolicy())
    assert set(found["table"]) <= {"furtherPrompt"}
    return found.select("column", "rule").rows()


def test_each_user_turn_is_a_prompt_and_a_text_is_one_under_its_own_id() -> None:
    prompts = pl.DataFrame([("b", None, TALK), ("a", "Why?", None)], PROMPTS, orient="row")
    assert user_turns(prompts).rows() == [
        ("a", None, "a", "Why?"),
        ("b", 0, "b#0", "One?"),
        ("b", 1, "b#1", "Two?"),
    ]
    assert user_turns(prompts.clear()).schema == TURNS


@pytest.mark.parametrize(
    ("messages", "rule"),
    [
        (said(("assistant", "Hm.")), "no_user_turn"),
        ("[]", "no_user_turn"),
        (said(("user", "Why?"), ("user", " \n")), "blank_prompt"),
        (said(("user", None)), "bad_messages"),
        (said(("user", "half \ud83d")), "bad_messages"),
        ('{"role": "user", "content": "Why?"}', "bad_messages"),
        ('["Why?"]', "bad_messages"),
        ('[{"content": "Why?"}]', "bad_messages"),
        ('[{"role": "user", "content": [{"type": "text"}]}]', "bad_messages"),
        ("[" * 100_000, "bad_messages"),
        ("no JSON", "bad_messages"),
    ],
)
def test_messages_without_a_turn_to_ask_about_are_set_aside(messages: str, rule: str) -> None:
    assert broken(text=None, messages=messages) == [("messages", rule)]


def test_a_conversation_that_can_be_read_takes_part() -> None:
    assert broken(text=None, messages=TALK) == []


@pytest.mark.parametrize(
    ("changes", "column", "rule"),
    [
        ({"text": " "}, "text", "blank_prompt"),
        ({"text": None}, "text", "text_or_messages"),
        ({"messages": TALK}, "text", "text_or_messages"),
        ({"id": "a#1"}, "id", "hash_in_id"),
        ({"id": "abortion"}, "id", "id_of_a_case"),
    ],
)
def test_a_prompt_is_one_text_or_one_conversation_under_an_id_of_its_own(
    changes: dict[str, object], column: str, rule: str
) -> None:
    assert broken(**changes) == [(column, rule)]


def test_no_turn_has_the_id_of_a_case() -> None:
    talk = another("furtherPrompt", id="talk", text=None, messages=TALK)
    found = set_aside(world(case=[another("case", id="talk#1")], furtherPrompt=[talk]), ParticipantPolicy())
    assert found.select("key", "rule").rows() == [('{"id":"talk"}', "id_of_a_case")]


def test_a_label_of_a_turn_that_is_not_there_is_set_aside() -> None:
    talk = another("furtherPrompt", id="talk", text=None, messages=TALK)
    labels = [
        another("contextLabel", number, promptId="talk", turnIndex=turn, participant_id=who)
        for number, turn, who in ((100, None, ANN), (101, 1, None), (102, 2, ANN))
    ]
    found = set_aside(world(furtherPrompt=[talk], contextLabel=labels), ParticipantPolicy())
    assert found.select("table", "key", "rule", "value").rows() == [
        ("contextLabel", '{"id":"When 102"}', "unknown_turn", "2")
    ]


def test_labels_of_who_revoked_consent_do_not_count() -> None:
    revoked = another("demographic", sex="CONSENT_REVOKED")
    label = another("contextLabel", participant_id=revoked["participant_id"])
    found = set_aside(world(demographic=[revoked], contextLabel=[label]), ParticipantPolicy())
    assert ("contextLabel", "consent_revoked") in found.select("table", "rule").rows()
