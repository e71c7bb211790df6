"""What each participant did, against a plain reading of the same rows."""

import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dft_pipeline.reports.participants import Doings, participant_behaviour, user_turns
from dft_pipeline.tables import TABLES

TALK = '[{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "I \\"role\\": \\"user\\""}]'
TRANSCRIPTS = {
    TALK: 1,
    "[]": 0,
    "{}": 0,
    "[1, null]": 0,
    "[{": 0,
    "": 0,
    '[{"role": "user"}, {"role": "user"}]': 2,
}
CASES = st.lists(st.sampled_from(("abortion", "weed", "parenting")), max_size=2, unique=True).map(sorted)


def chat(person: str, case: str, transcript: str = TALK, minutes: float = 1) -> some.Row:
    return {
        "participant_id": person,
        "caseId": case,
        "transcript": transcript,
        "createdAt": some.START,
        "updatedAt": some.START + timedelta(minutes=minutes),
    }


@st.composite
def chats(draw: st.DrawFn) -> pl.DataFrame:
    rows = st.builds(
        chat,
        st.sampled_from(some.PEOPLE),
        st.sampled_from(some.CASES),
        st.sampled_from(sorted(TRANSCRIPTS)),
        st.sampled_from((-3, 0, 1.5, 7)),
    )
    return pl.DataFrame(draw(st.lists(rows, max_size=6)), schema=some.CHATS)


@st.composite
def doings(draw: st.DrawFn) -> Doings:
    judged = draw(some.judgments((3, 7, 20)))
    cases = pl.Series("case_ids", [draw(CASES) for _ in range(len(judged))], pl.List(pl.String))
    return Doings(draw(chats()), draw(some.articulations()), draw(some.votes()), judged.with_columns(cases))


def plain(registered: list[str], did: Doings) -> dict[str, some.Row]:
    """Every participant's row, read row by row."""
    own = did.chats.to_dicts()
    frames = (did.articulations, did.votes, did.judgments)
    people = {
        row["participant_id"] for rows in (own, *(frame.to_dicts() for frame in frames)) for row in rows
    }
    return {person: plain_row(person, registered, own, did) for person in people | set(registered)}


def plain_row(person: str, registered: list[str], own: list[some.Row], did: Doings) -> some.Row:
    theirs = [row for row in own if row["participant_id"] == person]
    votes = did.votes.filter(participant_id=person).to_dicts()
    judged = did.judgments.filter(participant_id=person).to_dicts()
    said = [row["relationship"] for row in judged]
    cases = {row["caseId"] for row in theirs} | {row["case_id"] for row in votes}
    placed = [row for row in judged if row["case_ids"]]
    lengths = [max((row["updatedAt"] - row["createdAt"]).total_seconds() / 60, 0) for row in theirs]
    return {
        "participant_id": person,
        "is_registered": person in registered,
        "chats": len(theirs),
        "cards": len(did.articulations.filter(participant_id=person)),
        "turns": sum(TRANSCRIPTS[row["transcript"]] for row in theirs),
        "minutes": sum(lengths),
        "shown": sum(not row["is_vote"] for row in votes),
        "votes": sum(row["is_vote"] for row in votes),
        "judgments": len(judged),
        **{answer: said.count(answer) for answer in ("upgrade", "no_upgrade", "not_sure")},
        "is_straight_lining": len(set(said)) == 1 if len(said) >= 3 else None,
        "case_judgments": len(placed),
        "off_case_judgments": sum(not cases & set(row["case_ids"]) for row in placed) if cases else None,
    }


def of(registered: list[str], did: Doings) -> pl.DataFrame:
    return participant_behaviour(
        pl.DataFrame({"participant_id": registered}, schema={"participant_id": pl.String}), did
    )


@given(st.lists(st.sampled_from(some.PEOPLE), max_size=4), doings())
def test_everybody_read_plainly(registered: list[str], did: Doings) -> None:
    rows = of(registered, did).to_dicts()
    assert {row["participant_id"]: row for row in rows} == plain(registered, did)
    assert len(rows) == len({row["participant_id"] for row in rows})


@settings(max_examples=10)
@given(st.lists(st.sampled_from(some.PEOPLE), max_size=4), doings(), st.integers(0, 9))
def test_the_order_of_rows_changes_nothing(registered: list[str], did: Doings, seed: int) -> None:
    mixed = Doings(*(some.shuffled(frame, seed) for frame in did))
    assert_frame_equal(of(registered[::-1], mixed), of(registered, did))


NOTHING = Doings(
    pl.DataFrame(schema=some.CHATS),
    *(pl.DataFrame(schema=TABLES[name].schema) for name in ("articulations", "votes", "judgments")),
)


def test_who_is_only_registered_did_nothing() -> None:
    assert of([], NOTHING).is_empty()
    row = of(["ann"], NOTHING).row(0, named=True)
    assert (row["is_registered"], row["chats"], row["minutes"], row["judgments"]) == (True, 0, 0.0, 0)
    assert (row["is_straight_lining"], row["off_case_judgments"]) == (None, None)


@pytest.mark.parametrize(
    ("own", "asked_in", "off"),
    [
        ([], [["weed"]], None),  # no own case is known
        (["weed"], [["weed"], ["abortion"], []], 1),  # a context without a case is neither
        (["weed"], [["abortion", "weed"], ["abortion", "parenting"]], 1),  # one of its cases is enough
        (["weed"], [], 0),
    ],
)
def test_judgments_off_ones_own_cases(own: list[str], asked_in: list[list[str]], off: int | None) -> None:
    votes = some.frame("votes", (some.vote("ann", 3, case, is_vote=False) for case in own))
    rows = [some.judgment("ann", 3, 7 + n, "upgrade") | {"case_ids": c} for n, c in enumerate(asked_in)]
    did = NOTHING._replace(votes=votes, judgments=some.frame("judgments", rows))
    assert of(["ann"], did)["off_case_judgments"].to_list() == [off]


@pytest.mark.parametrize(
    ("transcript", "turns"),
    [
        (None, 0),
        ("", 0),
        ("not JSON", 0),
        ("[" * 100_000, 0),
        ('{"role": "user"}', 0),
        ('"user"', 0),
        ("7", 0),
        ('[{"role": ["user"]}, {"content": "x"}, "user", null]', 0),
        (
            json.dumps(
                [{"role": "assistant", "content": '{"role": "user"}'}, {"role": "user", "content": None}]
            ),
            1,
        ),
    ],
)
def test_turns_of_what_is_no_list_are_none(transcript: Any, turns: int) -> None:
    assert user_turns(transcript) == turns
