"""The table of chats and their cards: one row a chat whatever stands in it, compared with what was stored."""

import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import strategies as some
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from talking import (
    ALMOST,
    CARD,
    JSON,
    TOOL,
    UNREADABLE,
    calls,
    chats,
    content,
    result,
    says,
    stored,
    transcript,
)

from dft_pipeline.simulate import simulate
from dft_pipeline.table_gates import measured_table
from dft_pipeline.values.articulation import articulated_cards, pending_chats
from dft_pipeline.values.gates import measured_articulation

SHOWN = transcript(says("user", "Calm."), result(content(CARD)))
CALLED = transcript(says("user", "Calm."), calls(TOOL))
ODD = transcript(7, result(content(CARD)))
BEGUN = transcript(says("assistant", "Hm?"))
TEXTS = ("title", "instructions_short", "instructions_detailed", "criteria")


def row(text: str | None, *cards: dict[str, Any]) -> dict[str, Any]:
    """The only chat's row."""
    return articulated_cards(chats([text]), stored(*cards)).row(0, named=True)


def test_a_chat_that_showed_its_card() -> None:
    assert row(SHOWN, {"id": 7}) == {
        "chat_id": "c0",
        "participant_id": "0" * 32,
        "case_id": "weed",
        "status": "card_shown",
        "card_id": 7,
        "title": "Calm First",
        "instructions_short": "Be calm.",
        "instructions_detailed": "Be calm with the user.",
        "criteria": ["MOMENTS of calm", "WORDS that slow down"],
        "shown_count": 1,
        "is_submitted": False,
        "drift": [],
        "quality": 1.0,
        "failed_guidelines": [],
        "leading_share": 0.0,
        "turns": 1,
        "transcript_problem": None,
        "written_card_id": None,
        "criterion_turns": None,
        "written_by": None,
        "refusal_reason": None,
    }


@pytest.mark.parametrize(
    ("text", "status", "problem"),
    [(CALLED, "pending", None), (BEGUN, "unfinished", None), ("[]", "unfinished", None)]
    + [(text, "unreadable", problem) for text, problem in UNREADABLE],
    ids=lambda given: str(given)[:20],
)
def test_a_chat_without_a_card_is_a_row_with_its_reason(
    text: str | None, status: str, problem: str | None
) -> None:
    found = row(text, {})
    assert (found["status"], found["transcript_problem"], found["card_id"]) == (status, problem, 1)
    of_a_card = (*TEXTS, "drift", "quality", "failed_guidelines", "leading_share")
    assert {name: found[name] for name in of_a_card} == dict.fromkeys(of_a_card)


@pytest.mark.parametrize(
    ("change", "drift"),
    [
        ({"title": "Calm Last"}, ["title"]),
        ({"instructionsShort": "Be calm"}, ["instructions_short"]),
        ({"instructionsDetailed": ""}, ["instructions_detailed"]),
        ({"evaluationCriteria": ["WORDS that slow down", "MOMENTS of calm"]}, ["criteria"]),
        ({"evaluationCriteria": ["MOMENTS of calm"]}, ["criteria"]),
        ({"evaluationCriteria": ["MOMENTS of calm", "WORDS that", "slow down"]}, ["criteria"]),
        ({"title": " Calm First\n", "evaluationCriteria": ["MOMENTS of calm ", "WORDS that slow down"]}, []),
        ({"title": "x", "evaluationCriteria": ["x"]}, ["title", "criteria"]),
        ({"chatId": "c9"}, None),
        ({"chatId": None}, None),
    ],
)
def test_drift(change: dict[str, Any], drift: list[str] | None) -> None:
    assert row(SHOWN, change)["drift"] == drift


def test_of_several_stored_cards_the_latest_is_compared() -> None:
    later = {"updatedAt": some.START + timedelta(days=1), "title": "Later"}
    found = row(SHOWN, {"id": 1}, {"id": 2, **later}, {"id": 3})
    assert (found["card_id"], found["drift"]) == (2, ["title"])
    assert row(SHOWN, {"id": 1}, {"id": 2, "title": "Later"})["card_id"] == 2


def test_pending_chats_wait_for_a_card() -> None:
    given = chats([SHOWN, CALLED, CALLED, BEGUN, "{"])
    found = articulated_cards(given, stored({"chatId": "c2"}))
    assert pending_chats(found, given).rows() == [("c1", f"{1:032x}", "weed", CALLED)]
    with_begun = pending_chats(found, given, ("pending", "unfinished"))
    assert with_begun["chat_id"].to_list() == ["c1", "c3"]


def test_the_gate_counts_transcripts_that_cannot_be_read() -> None:
    nothing = stored()
    assert measured_articulation(articulated_cards(chats([SHOWN]), nothing)).value == 0
    measured = measured_articulation(articulated_cards(chats(["{", SHOWN, ODD, "["]), nothing))
    assert (measured.value, measured.rows) == (3, ("c0", "c2", "c3"))
    assert measured.seen == "bad_message 1, not_json 2"


def test_no_chats_are_no_rows() -> None:
    assert articulated_cards(chats([]), stored()).is_empty()


@given(st.lists(st.lists(ALMOST | JSON, max_size=4).map(json.dumps) | st.text(max_size=9), max_size=4))
def test_any_transcripts_keep_the_contract(texts: list[str]) -> None:
    half = transcript(says("user", "\ud83d"), result(content(CARD, title="\0")))
    found = articulated_cards(chats([*texts, half]), stored({}))
    assert found["chat_id"].to_list() == [f"c{number}" for number in range(len(texts) + 1)]
    assert [measured.value for measured in measured_table("articulated_cards", found)] == [0, 0]


def simulated(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The chats and the cards of a synthetic deliberation, broken rows left out."""
    made = simulate(60, seed)
    talks = pl.DataFrame(
        [
            {"id": chat["id"], "participant_id": f"{chat['userId']:032x}", "caseId": chat["caseId"]}
            | {"transcript": json.dumps(chat["transcript"])}
            for chat in made.tables["chat"]
            if chat["copiedFromId"] is None
        ]
    )
    broken = sum(row.table == "valuesCard" for row in made.truth.broken_rows)
    rows = made.tables["valuesCard"]
    return talks, pl.DataFrame(rows[: len(rows) - broken], infer_schema_length=None)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_planted_cards_are_found(seed: int) -> None:
    talks, cards = simulated(seed)
    found = articulated_cards(talks, cards)
    waiting = pending_chats(found, talks)["chat_id"].to_list()
    assert waiting == sorted(simulate(60, seed).truth.pending_chats)
    shown = found.filter(status="card_shown")
    assert set(found["status"]) == {"card_shown", "unfinished", "pending"}
    wanted = cards.select(
        "chatId", "id", "title", "instructionsShort", "instructionsDetailed", "evaluationCriteria"
    )
    assert shown.select("chat_id", "card_id", *TEXTS).rows() == wanted.sort("chatId").rows()
    assert shown["drift"].to_list() == [[]] * len(cards)
    assert shown["is_submitted"].all()
    assert set(shown["shown_count"]) == {1, 2}


def test_a_text_that_the_app_replaced_is_drift() -> None:
    talks, cards = simulated(3)
    is_other = pl.col("id") % 3 == 0
    replaced = cards.with_columns(
        pl.when(is_other).then(pl.lit("Canonical")).otherwise("title").alias("title")
    )
    found = articulated_cards(talks, replaced).drop_nulls("card_id")
    drifted = found.filter(pl.col("drift") == ["title"])["card_id"].sort()
    assert drifted.to_list() == cards.filter(is_other)["id"].sort().to_list() != []
    assert found["drift"].list.len().sum() == len(drifted)


def test_the_order_of_rows_changes_nothing() -> None:
    talks, cards = simulated(1)
    mixed = articulated_cards(some.shuffled(talks, 5), some.shuffled(cards, 6))
    assert_frame_equal(mixed, articulated_cards(talks, cards))
