"""Whose rows leave with a participant, and what of what was kept is about them."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.values.setting_aside import NONE
from dft_pipeline.values.withdrawal import (
    Gone,
    chat_name,
    is_gone,
    names,
    told,
    unnamed,
    was_told,
    with_copies,
)

CHATS = pl.Schema({"id": pl.String, "userId": pl.Int64, "copiedFromId": pl.String})
IDS = st.sampled_from("abcdef")


def chats(*rows: tuple[str, int, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, CHATS, orient="row")


@given(st.dictionaries(IDS, st.tuples(st.integers(1, 3), st.none() | IDS)), st.integers(1, 3), st.sets(IDS))
def test_copies_are_followed_however_they_stand(
    of: dict[str, tuple[int, str | None]], user: int, known: set[str]
) -> None:
    def is_theirs(chat: str | None, seen: frozenset[str]) -> bool:
        if chat is None or chat in seen:
            return False
        whose, copied = of.get(chat, (0, None))
        return chat in known or whose == user or is_theirs(copied, seen | {chat})

    rows = chats(*((chat, whose, copied) for chat, (whose, copied) in of.items()))
    expected = {chat for chat in of if is_theirs(chat, frozenset())} | known
    assert with_copies(rows, {user}, known) == expected


def test_rows_are_a_users_or_their_chats() -> None:
    gone = Gone(frozenset([1]), frozenset(["a"]))
    edges = pl.DataFrame({"userId": [1, 2, None]})
    assert edges.select(is_gone("edge", gone)).to_series().to_list() == [True, False, False]
    cards = pl.DataFrame({"id": [1, 2, 3], "chatId": ["a", "b", None]})
    assert cards.select(is_gone("valuesCard", gone)).to_series().to_list() == [True, False, False]
    cases = pl.DataFrame({"id": ["a"]})
    assert cases.filter(is_gone("case", gone)).is_empty()


def test_a_chats_name_needs_the_key() -> None:
    assert chat_name("a", b"key") == chat_name("a", b"key")
    assert len({chat_name("a", b"key"), chat_name("b", b"key"), chat_name("a", b"other")}) == 3


@pytest.mark.parametrize(
    ("table", "key", "left"),
    [
        ("edge", '{"participant_id":"me","fromId":1}', None),
        ("edge", '{"participant_id":"you","fromId":1}', "what was wrong"),
        ("vote", '{"id":1}', "no value"),
        ("chat", None, "no value"),
        ("case", '{"id":"a"}', "what was wrong"),
    ],
)
def test_what_loading_set_aside_names_nobody_and_says_nothing_that_may_be_theirs(
    table: str, key: str | None, left: str | None
) -> None:
    row = {
        "table": table,
        "key": key,
        "column": "x",
        "rule": "wrong_type",
        "value": "what was wrong",
        "source": "x",
    }
    rows = pl.DataFrame([row], NONE.schema)
    kept = unnamed(rows, {"me"})
    assert rows.select(names({"me"})).to_series().to_list() == [left is None]
    assert kept["value"].to_list() == ([] if left is None else [None if left == "no value" else left])


def test_a_question_is_about_them_where_it_holds_their_card_or_their_whole_chat() -> None:
    card = ("Title", "short", "long", ["ONE thing", "OTHER thing"])
    transcript = json.dumps([{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"}])
    words = told([card], [transcript])
    fields = ("title", "instructions_short", "instructions_detailed", "evaluation_criteria")
    theirs = dict(zip(fields, card, strict=True))
    turns = [
        {"index": 0, "role": "user", "text": "Hello"},
        {"index": 1, "role": "assistant", "text": "Yes?"},
    ]
    judged = {"prompt": "Why?", "answer": "So.", "criteria": {"1": {"criterion": "ONE thing"}}}
    for about in ({"first": theirs, "second": {**theirs, "title": "X"}}, theirs, {"turns": turns}, judged):
        assert was_told(json.dumps(about), words), about
    for other in (
        {**theirs, "title": "X"},
        {"turns": turns[:1]},
        {"text": "Hello"},
        {"text": "ONE thing"},
        [],
        None,
    ):
        assert not was_told(json.dumps(other), words), other
