"""Whose rows leave with a participant: their own, those of their cards, and copies of their chats.

What belongs here: what is somebody's in the app's tables and in what a language model was told. How it is
deleted stands in `resources`.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import polars as pl

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values.answers import CardText, CriterionText
from dft_pipeline.values.pseudonyms import DIGITS
from dft_pipeline.values.transcripts import read_transcript
from dft_pipeline.values.writing import finished_chat

WITHDRAWN = "withdrawn"  # the rule under which loading sets their rows aside
# Tables whose rows are somebody's, by the column that says so: a user's id, or a chat's.
OF_USERS = {name: one.participant_column for name, one in SOURCE_TABLES.items() if one.participant_column}
OF_CHATS = {"chat": "id", "valuesCard": "chatId"}
_NAMED = pl.col("key").str.json_path_match("$.participant_id")
TEXTS = ("title", "instructionsShort", "instructionsDetailed", "evaluationCriteria")


class Gone(NamedTuple):
    """Who is gone: users by their ids, and chats, theirs and the copies of theirs."""

    users: frozenset[int] = frozenset()
    chats: frozenset[str] = frozenset()


def chat_name(chat_id: str, key: bytes) -> str:
    """A chat under a keyed name, which tells nobody without the key which chat it is."""
    return hmac.new(key, b"chat\0" + chat_id.encode(), hashlib.sha256).hexdigest()[:DIGITS]


def with_copies(chats: pl.DataFrame, users: Collection[int], known: Iterable[str]) -> frozenset[str]:
    """The chats (id, userId, copiedFromId) that are users', those known to be, and the copies of both."""
    found = set(chats.filter(pl.col("userId").is_in(list(users)))["id"]) | set(known)
    while True:
        copies = set(chats.filter(pl.col("copiedFromId").is_in(list(found)))["id"]) - found
        if not copies:
            return frozenset(found)
        found |= copies


def is_gone(table: str, gone: Gone) -> pl.Expr:
    """Whether a raw row of a table is theirs."""
    whose = pl.lit(False)
    if table in OF_USERS:
        whose = whose | pl.col(OF_USERS[table]).is_in(list(gone.users))
    if table in OF_CHATS:
        whose = whose | pl.col(OF_CHATS[table]).is_in(list(gone.chats))
    return whose.fill_null(False)


def names(people: Collection[str]) -> pl.Expr:
    """Whether a row of `quarantine` names any of the people."""
    return _NAMED.is_in(list(people)).fill_null(False)


def unnamed(quarantine: pl.DataFrame, people: Collection[str]) -> pl.DataFrame:
    """What loading set aside, without rows that name the people.

    A row of people's tables that names nobody may be theirs: it stays, without the offending value.
    """
    is_open = _NAMED.is_null() & pl.col("table").is_in([*OF_USERS, *OF_CHATS])
    return quarantine.filter(~names(people)).with_columns(value=pl.when(~is_open).then("value"))


def told(cards: Iterable[tuple[Any, ...]], transcripts: Iterable[str]) -> frozenset[str]:
    """What a language model was told of cards (their texts, each criterion) and chats, each as JSON."""
    shown = [CardText.model_validate(dict(zip(CardText.model_fields, card, strict=True))) for card in cards]
    chats = (finished_chat(read_transcript(text)) for text in transcripts)
    criteria = (CriterionText(criterion=one) for card in shown for one in card.evaluation_criteria)
    return frozenset(_json(one.model_dump(mode="json")) for one in (*shown, *chats, *criteria))


def was_told(question: str, words: Collection[str]) -> bool:
    """Whether a question to a language model, as JSON, holds any of the words that `told` gives."""
    return any(_json(part) in words for part in _parts(json.loads(question)))


def _parts(content: Any) -> Iterator[Any]:
    yield content
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    for part in inner:
        yield from _parts(part)


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True)
