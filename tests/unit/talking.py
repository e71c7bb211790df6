"""Made-up transcripts, messages and cards, as the app writes them."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import strategies as some
from hypothesis import strategies as st

from dft_pipeline.values.transcripts import Card

Json = dict[str, Any]

TOOL = "show_values_card"
CARD = Card("Calm First", "Be calm.", "Be calm with the user.", ("MOMENTS of calm", "WORDS that slow down"))
CHATS = pl.Schema({"id": pl.String, **some.CHATS})
CARDS = pl.Schema(
    {
        "id": pl.Int64,
        "title": pl.String,
        "instructionsShort": pl.String,
        "instructionsDetailed": pl.String,
        "evaluationCriteria": pl.List(pl.String),
        "chatId": pl.String,
        "createdAt": some.CHATS["createdAt"],
        "updatedAt": some.CHATS["updatedAt"],
    }
)

DEEP = "[" * 100_000

UNREADABLE: list[tuple[str | None, str]] = [
    (None, "no_transcript"),
    ("", "no_transcript"),
    (" \n", "no_transcript"),
    ("[{", "not_json"),
    ('[{"role": "user", "content": "Hi"}', "not_json"),
    ("[" + "1" * 5_000 + "]", "not_json"),  # a number of more digits than are read
    (DEEP, "too_deep"),
    ("{}", "no_list"),
    ("null", "no_list"),
    ('"user"', "no_list"),
    ("[1, null]", "bad_message"),
    ('[{"content": "Hi"}]', "bad_message"),
    ('[{"role": ["user"], "content": "Hi"}]', "bad_message"),
    ('[{"role": "user", "content": {"text": "Hi"}}]', "bad_message"),
]


SCALARS = st.sampled_from((None, True, 0, -1.5, "", "user", "\ud83d", "\0 é"))
JSON = SCALARS | st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(SCALARS.map(str), inner, max_size=2)
)
FIELDS = ("role", "content", "name", "function_call", "title", "evaluation_criteria")
ALMOST = st.dictionaries(
    st.sampled_from(FIELDS), st.sampled_from(("user", "function", TOOL, "<A card (")) | JSON, max_size=4
)


def says(role: str, content: str | None) -> Json:
    return {"role": role, "content": content}


def calls(function: str) -> Json:
    return {**says("assistant", None), "function_call": {"name": function, "arguments": "{}"}}


def result(content: str | None, function: str = TOOL) -> Json:
    return {**says("function", content), "name": function}


def content(card: Card, **changes: Any) -> str:
    """A card as JSON; of the changes, what is None is left out."""
    fields = {**card._asdict(), **changes}
    fields["evaluation_criteria"] = fields.pop("criteria")
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def transcript(*messages: Any) -> str:
    return json.dumps(messages)


def chats(transcripts: Sequence[str | None]) -> pl.DataFrame:
    """A chat for each transcript, `c0`, `c1` ..., each by somebody else."""
    rows = [
        {
            "id": f"c{number}",
            "participant_id": f"{number:032x}",
            "caseId": "weed",
            "transcript": text,
            "createdAt": some.START,
            "updatedAt": some.START,
        }
        for number, text in enumerate(transcripts)
    ]
    return pl.DataFrame(rows, schema=CHATS)


def stored(*changes: Json) -> pl.DataFrame:
    """A row of `valuesCard` for each, CARD of the chat `c0` but for what is changed."""
    title, short, detailed, criteria = CARD
    row = {
        "id": 1,
        "title": title,
        "instructionsShort": short,
        "instructionsDetailed": detailed,
        "evaluationCriteria": list(criteria),
        "chatId": "c0",
        "createdAt": some.START,
        "updatedAt": some.START,
    }
    return pl.DataFrame([row | change for change in changes], schema=CARDS)
