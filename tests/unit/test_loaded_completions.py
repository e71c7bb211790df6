"""Loaded completions: how a row is named, which prompt it answers, what it says, and which take no part."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_world import another, world

from dft_pipeline.policies import ParticipantPolicy
from dft_pipeline.raw.checking import named
from dft_pipeline.raw.reading import Cell, Unreadable
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values.admission import set_aside
from dft_pipeline.values.loaded_completions import answer, answered, known_prompts

COMPLETION = SOURCE_TABLES["completion"]
PROMPTS = known_prompts(
    pl.DataFrame({"id": ["c"], "question": ["Why?"]}),
    pl.DataFrame({"prompt_id": ["a#1", "b", "d"], "prompt": ["Twice?", "Twice?", "Once?"]}),
)


def broken(**changes: object) -> list[tuple[str, str]]:
    """Column and rule under which a completion so changed is set aside."""
    asked = {
        "case": [another("case", question="Why so?", id="c1"), another("case", question="Twice?", id="c2")],
        "furtherPrompt": [another("furtherPrompt", id="twice", text="Twice?")],
        "completion": [another("completion", **changes)],
    }
    found = set_aside(world(**asked), ParticipantPolicy())
    assert set(found["table"]) <= {"completion"}
    return found.select("column", "rule").rows()


def said(*messages: tuple[str, Any]) -> str:
    return json.dumps([{"role": role, "content": content} for role, content in messages])


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"promptId": None, "prompt": "Why so?"}, []),
        ({"promptId": None, "prompt": "Why so? "}, [("prompt", "unknown_prompt")]),
        ({"promptId": None, "prompt": "Twice?"}, [("prompt", "ambiguous_prompt")]),
        ({"promptId": "nowhere"}, [("promptId", "unknown_prompt")]),
        ({"promptId": None}, [("promptId", "id_or_prompt")]),
        ({"prompt": "Why so?"}, [("promptId", "id_or_prompt")]),
        ({"text": " \n"}, [("text", "blank_answer")]),
        ({"text": None}, [("text", "text_or_messages")]),
        ({"text": None, "messages": said(("user", "Why?"), ("assistant", "So."))}, []),
        ({"text": None, "messages": said(("assistant", " "))}, [("messages", "blank_answer")]),
        (
            {"text": None, "messages": said(("assistant", "So."), ("user", "Hm."))},
            [("messages", "bad_messages")],
        ),
        ({"text": None, "messages": said(("assistant", None))}, [("messages", "bad_messages")]),
        ({"text": None, "messages": '["So."]'}, [("messages", "bad_messages")]),
        ({"text": None, "messages": "[]"}, [("messages", "bad_messages")]),
        ({"text": None, "messages": "[" * 100_000}, [("messages", "bad_messages")]),
    ],
)
def test_which_completions_take_part(changes: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert broken(**changes) == found


def test_the_last_word_is_the_answer() -> None:
    assert answer(said(("assistant", "No."), ("user", "Why?"), ("assistant", "Yes."))) == "Yes."
    assert answer(said(("assistant", "half \ud83d"))) is None


def test_prompts_are_found_by_id_and_by_text() -> None:
    columns = dict.fromkeys(("id", "promptId", "prompt", "text", "messages"), pl.String)
    rows = [
        ("1", "a#1", None, "A text.", None),
        ("2", None, "Why?", None, said(("assistant", "As messages."))),
        ("3", None, "Once?", "Another.", None),
    ]
    found = answered(pl.DataFrame(rows, columns, orient="row"), PROMPTS)
    assert found.select("id", "prompt_id", "text").rows() == [
        ("1", "a#1", "A text."),
        ("2", "c", "As messages."),
        ("3", "d", "Another."),
    ]


# How rows are named


def name_of(record: dict[str, Any]) -> Any:
    found = named(COMPLETION, record)
    assert not isinstance(found, Unreadable)
    return found["id"]


@given(st.text(), st.booleans())
def test_the_same_row_has_the_same_name_in_every_format(text: str, synthetic: bool) -> None:
    in_json = {"text": text, "isSynthetic": synthetic, "model": None, "later": "unknown"}
    in_csv = {"isSynthetic": Cell(str(synthetic).lower()), "text": Cell(text)}
    assert name_of(in_json) == name_of(in_csv) == name_of({"text": text, "isSynthetic": synthetic})
    assert name_of(in_json) != name_of({**in_json, "model": "m"})
    assert len(name_of(in_json)) == 32


def test_what_has_an_id_or_is_no_record_stays_as_it_is() -> None:
    for record in ({"id": "mine", "text": "a"}, {"id": None, "text": "a"}, Unreadable("a list")):
        assert named(COMPLETION, record) is record
    other = {"text": "a"}
    assert named(SOURCE_TABLES["furtherPrompt"], other) is other
