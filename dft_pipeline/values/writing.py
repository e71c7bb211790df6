"""Cards that a language model writes from finished chats: what it is asked, and what comes of its answers."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import polars as pl

from dft_pipeline.tables import VALUE_TEXTS
from dft_pipeline.values.answers import FinishedChat, Turn, WrittenCard
from dft_pipeline.values.articulation import (
    ASKED,
    NO_CARD,
    READ,
    REFUSED,
    TABLE,
    WRITTEN,
    pending_chats,
    rated,
)
from dft_pipeline.values.leading import led_share
from dft_pipeline.values.transcripts import Transcript, read_transcript

# Of a SHA-256: 52 bits, so that an id, and a value's beyond it, is exact in a double as well (2^53), which is
# what JSON and many programs make of numbers.
ID_DIGITS = 13
ANSWER = pl.Schema(
    {
        "chat_id": TABLE.schema["chat_id"],
        "status": READ["status"],
        **{name: READ[name] for name in VALUE_TEXTS},
        "leading_share": READ["leading_share"],
        **ASKED,
    }
)


class Written(NamedTuple):
    """What a model answered, and its name and its prompt's version."""

    answer: WrittenCard
    by: str


# Chats by id in, answers by id out; a chat without an answer goes on waiting.
Write = Callable[[Mapping[str, FinishedChat]], Mapping[str, Written]]


def with_written(
    articulated: pl.DataFrame, chats: pl.DataFrame, cards: pl.DataFrame, write: Write
) -> pl.DataFrame:
    """Table `articulated_cards`, in which the chats that wait for a card have what `write` answered.

    `cards` are all rows of `valuesCard`: what was set aside, such as an invalid card, is not written anew.
    """
    waiting = pending_chats(articulated, chats.join(cards, left_on="id", right_on="chatId", how="anti"))
    waiting = waiting.select("chat_id", "transcript")
    said = {chat_id: read_transcript(text) for chat_id, text in waiting.iter_rows()}
    finished = {chat_id: finished_chat(transcript) for chat_id, transcript in said.items()}
    # Where the participant says nothing there is nothing to write down.
    asked = {chat_id: chat for chat_id, chat in finished.items() if _has_participant(chat)}
    rows = [_row(chat_id, said[chat_id], *answer) for chat_id, answer in write(asked).items()]
    answers = pl.DataFrame(rows, ANSWER, orient="row")
    return rated(articulated.update(answers, on="chat_id"))


def finished_chat(transcript: Transcript) -> FinishedChat:
    """What the participant and the assistant said, and nothing of what functions or the system did."""
    return FinishedChat(
        turns=[
            Turn(index=index, role="user" if message.role == "user" else "assistant", text=message.content)
            for index, message in enumerate(transcript.messages)
            if message.role in ("user", "assistant") and message.content and message.content.strip()
        ]
    )


def written_cards(articulated: pl.DataFrame, chats: pl.DataFrame) -> pl.DataFrame:
    """The written cards of table `articulated_cards`: card_id, chat_id, participant_id, case_id, the four
    text fields, created_at and updated_at, which are the chat's. Sorted.

    Raises ValueError where two chats have the same card_id.
    """
    cards = articulated.filter(status=WRITTEN).with_columns(card_id="written_card_id")
    _refuse_collision(cards)
    times = chats.select(chat_id="id", created_at="createdAt", updated_at="updatedAt")
    texts = ("card_id", "chat_id", "participant_id", "case_id", *VALUE_TEXTS)
    return cards.select(texts).join(times, on="chat_id").sort("card_id")


def written_card_id(chat_id: str) -> int:
    """The id of the card that is written from a chat: from the chat's id alone, below 2^52."""
    return int(hashlib.sha256(chat_id.encode()).hexdigest()[:ID_DIGITS], 16)


def _has_participant(chat: FinishedChat) -> bool:
    return any(turn.role == "user" for turn in chat.turns)


def _row(chat_id: str, transcript: Transcript, answer: WrittenCard, by: str) -> tuple[Any, ...]:
    """The columns of ANSWER."""
    if answer.card is None:
        reason = answer.refusal and answer.refusal.reason
        return (chat_id, REFUSED, *NO_CARD, None, None, None, by, reason)
    card = answer.card
    criteria = [one.criterion for one in card.evaluation_criteria]
    return (
        chat_id,
        WRITTEN,
        *(card.title, card.instructions_short, card.instructions_detailed, criteria),
        led_share(criteria, transcript),
        written_card_id(chat_id),
        [one.turns for one in card.evaluation_criteria],
        by,
        None,
    )


def _refuse_collision(cards: pl.DataFrame) -> None:
    twice = cards.filter(pl.col("card_id").is_duplicated()).sort("card_id", "chat_id")
    if len(twice):
        one, other = twice["chat_id"].head(2)
        raise ValueError(f"the cards written from the chats {one} and {other} have the same id")
