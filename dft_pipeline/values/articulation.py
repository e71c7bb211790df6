"""From chats to cards: what each chat's transcript showed, how well it is written, and whose words it has."""

from typing import Any

import polars as pl

from dft_pipeline.tables import TABLES, VALUE_TEXTS
from dft_pipeline.values.guidelines import failed_guidelines, quality
from dft_pipeline.values.leading import leading_share
from dft_pipeline.values.transcripts import Transcript, read_transcript

CARD_SHOWN, PENDING, UNFINISHED, UNREADABLE = "card_shown", "pending", "unfinished", "unreadable"
WRITTEN, REFUSED = "written", "refused"  # what was pending, once a language model was asked
NO_CARD = (None,) * len(VALUE_TEXTS)
TABLE = TABLES["articulated_cards"]
# What is read of a transcript alone.
READ = pl.Schema(
    {
        name: TABLE.schema[name]
        for name in (
            "status",
            "shown_count",
            "is_submitted",
            "turns",
            "leading_share",
            "transcript_problem",
            *VALUE_TEXTS,
        )
    }
)
# What comes of asking a language model, where it was asked.
ASKED = pl.Schema(
    {
        name: TABLE.schema[name]
        for name in ("written_card_id", "criterion_turns", "written_by", "refusal_reason")
    }
)
STORED = pl.col("card_id").is_not_null()


def articulated_cards(chats: pl.DataFrame, cards: pl.DataFrame) -> pl.DataFrame:
    """Table `articulated_cards` of the app's `chat` and `valuesCard` rows that take part; nobody is asked."""
    read = pl.DataFrame(map(_row, map(read_transcript, chats["transcript"])), READ, orient="row")
    shown = chats.select("participant_id", chat_id="id", case_id="caseId").hstack(read)
    compared = shown.join(_stored(cards), on="chat_id", how="left").with_columns(drift=_drift())
    unasked = [pl.lit(None, dtype).alias(name) for name, dtype in ASKED.items()]
    return rated(compared.with_columns(unasked))


def rated(chats: pl.DataFrame) -> pl.DataFrame:
    """Table `articulated_cards`, given all of its columns but what follows from the cards' texts."""
    failed = failed_guidelines()
    return TABLE.conform(chats.with_columns(failed_guidelines=failed, quality=quality(failed)))


def pending_chats(
    articulated: pl.DataFrame, chats: pl.DataFrame, statuses: tuple[str, ...] = (PENDING,)
) -> pl.DataFrame:
    """The chats that wait for a card, with their transcripts: chat_id, participant_id, case_id, transcript.

    A chat whose card the app has stored waits for none. Sorted.
    """
    waiting = articulated.filter(pl.col("status").is_in(statuses), ~STORED)
    said = chats.select("transcript", chat_id="id")
    columns = ("chat_id", "participant_id", "case_id", "transcript")
    return waiting.join(said, on="chat_id").select(columns).sort("chat_id")


def _row(transcript: Transcript) -> tuple[Any, ...]:
    """The columns of READ."""
    card = transcript.last and transcript.last.card
    return (
        _status(transcript),
        len(transcript.shown),
        transcript.is_submitted,
        transcript.turns,
        leading_share(transcript),
        transcript.problem,
        *(card or NO_CARD),
    )


def _status(transcript: Transcript) -> str:
    if transcript.last and transcript.last.card:
        return CARD_SHOWN
    if transcript.problem and not transcript.messages:
        return UNREADABLE
    return PENDING if transcript.is_called_for or transcript.is_submitted else UNFINISHED


def _stored(cards: pl.DataFrame) -> pl.DataFrame:
    """The card that the app stored for each chat, the latest of several: chat_id, card_id, its texts."""
    latest = cards.sort("updatedAt", "createdAt", "id").unique("chatId", keep="last")
    return latest.select(
        chat_id="chatId",
        card_id="id",
        stored_title="title",
        stored_instructions_short="instructionsShort",
        stored_instructions_detailed="instructionsDetailed",
        stored_criteria="evaluationCriteria",
    )


def _drift() -> pl.Expr:
    differs = (
        pl.when(_trimmed(name).ne_missing(_trimmed(f"stored_{name}"))).then(pl.lit(name))
        for name in VALUE_TEXTS
    )
    is_both = STORED & pl.col("title").is_not_null()
    return pl.when(is_both).then(pl.concat_list(differs).list.drop_nulls())


def _trimmed(name: str) -> pl.Expr:
    column = pl.col(name)
    if name.endswith("criteria"):
        return column.list.eval(pl.element().str.strip_chars())
    return column.str.strip_chars()
