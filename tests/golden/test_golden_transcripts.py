"""Transcripts of every kind, small enough to read, and what is to be read of each."""

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from dft_pipeline.values.articulation import articulated_cards
from dft_pipeline.values.transcripts import Card, Shown, read_transcript
from dft_pipeline.values.writing import finished_chat

FOLDER = Path(__file__).parent / "transcripts"
BRIDGES = Card(
    "Slow Bridges",
    "Help the user take one step.",
    "Help the user find one step that they can take today.",
    ("STEPS the user can take today", "FEARS that shrink when spoken"),
)
TRIALS = Card(
    "Trial Runs",
    "Suggest a trial.",
    "Suggest a trial that the user can end.",
    ("TRIALS that the user can end",),
)
FAMILY = Card(
    "Family First",
    "Ask about the family.",
    "Ask the user who depends on them.",
    ("PEOPLE who depend on the user", "BURDENS they would share"),
)
SILENCE = Card(
    "No Silence",
    "Ask what is not said.",
    "Ask the user what stays unsaid.",
    ("SILENCE that burdens a family", "PEOPLE who could listen"),
)

TEXTS = ("title", "instructionsShort", "instructionsDetailed", "chatId", "createdAt", "updatedAt")
NO_CARDS = pl.DataFrame(
    schema={**dict.fromkeys(TEXTS, pl.String), "id": pl.Int64, "evaluationCriteria": pl.List(pl.String)}
)


class Read(NamedTuple):
    """What is to be read: messages, then columns of the table `articulated_cards`."""

    messages: int
    shown: tuple[Shown, ...]
    status: str
    is_submitted: bool
    turns: int
    leading_share: float | None = None
    transcript_problem: str | None = None


EXPECTED = {
    # Before the card, the user says first: take, steps, shrink; the assistant: fears. Nobody says: user,
    # spoken. Today comes after it.
    "plain": Read(12, (Shown(5, BRIDGES),), "card_shown", True, 3, 1 / 4),
    # Trials stands in what the system says, which is nobody's.
    "older": Read(6, (Shown(4, TRIALS),), "card_shown", False, 1),
    # The user says first: family, silence; the assistant, in the first card: people, burdens.
    "several": Read(13, (Shown(3, FAMILY), Shown(8, SILENCE)), "card_shown", True, 3, 2 / 4),
    "user-first": Read(5, (Shown(4, BRIDGES),), "card_shown", False, 2),
    "unfinished": Read(3, (), "unfinished", False, 1),
    "criticised": Read(5, (), "pending", False, 1),
    "submitted-without-card": Read(4, (), "pending", True, 1),
    "last-card-broken": Read(
        7, (Shown(2, BRIDGES), Shown(6, None)), "pending", False, 2, transcript_problem="card_not_json"
    ),
    "criteria-no-list": Read(
        3, (Shown(2, None),), "pending", False, 1, transcript_problem="card_incomplete"
    ),
    # Four messages cannot be read; a message of the user without content is one all the same.
    "odd-messages": Read(5, (Shown(4, BRIDGES),), "card_shown", False, 2, 0.0, "bad_message"),
}  # fmt: skip


def test_every_transcript_is_expected_to_be_something() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_read_of_a_transcript(name: str) -> None:
    found = read_transcript((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    wanted = EXPECTED[name]
    assert (len(found.messages), found.shown) == (wanted.messages, wanted.shown)
    assert (found.turns, found.is_submitted) == (wanted.turns, wanted.is_submitted)
    assert found.problem == wanted.transcript_problem


def test_the_transcripts_as_a_table() -> None:
    chats = pl.DataFrame(
        [
            {
                "id": name,
                "participant_id": "a" * 32,
                "caseId": "job",
                "transcript": (FOLDER / f"{name}.json").read_text(encoding="utf-8"),
            }
            for name in EXPECTED
        ]
    )
    rows = {row["chat_id"]: row for row in articulated_cards(chats, NO_CARDS).to_dicts()}
    assert {name: _as_read(row) for name, row in rows.items()} == {
        name: _as_read({**wanted._asdict(), **_card(wanted)}) for name, wanted in EXPECTED.items()
    }


def _card(wanted: Read) -> dict[str, Any]:
    last = wanted.shown[-1].card if wanted.shown else None
    return {
        "title": last and last.title,
        "criteria": last and list(last.criteria),
        "shown_count": len(wanted.shown),
    }


def _as_read(row: dict[str, Any]) -> dict[str, Any]:
    names = ("status", "title", "criteria", "shown_count", "is_submitted", "turns", "leading_share")
    return {name: row[name] for name in (*names, "transcript_problem")}


# What a model is asked of the chats that wait for a card: (index, role, text).
ASKED = {
    "criticised": [
        (0, "assistant", "Should Ida quit her job?"),
        (1, "user", "Yes."),
        (4, "assistant", "What would you notice, in her place?"),
    ],
    "submitted-without-card": [(0, "assistant", "Should Ida quit her job?"), (1, "user", "Yes. Done.")],
    # The card that was shown first is the assistant's; what counts is what the user said of it.
    "last-card-broken": [(0, "user", "She should take small steps."), (4, "user", "Smaller!")],
    "criteria-no-list": [(0, "user", "She should take small steps.")],
}


def test_every_chat_that_waits_is_asked_about() -> None:
    assert set(ASKED) == {name for name, wanted in EXPECTED.items() if wanted.status == "pending"}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_of_a_chat_that_waits(name: str) -> None:
    chat = finished_chat(read_transcript((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
    assert [(turn.index, turn.role, turn.text) for turn in chat.turns] == ASKED[name]
