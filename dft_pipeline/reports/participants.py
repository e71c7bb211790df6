"""What each participant did. Who they are stays out: see `participant_behaviour`."""

import json
from typing import NamedTuple

import polars as pl

from dft_pipeline.tables import TABLES

ENOUGH_TO_STRAIGHT_LINE = 3  # judgments; with fewer, always the same answer is no pattern
ANSWERS = ("upgrade", "no_upgrade", "not_sure")
MICROSECONDS = 60_000_000  # in a minute


class Doings(NamedTuple):
    """What people did up to the day: the app's `chat` rows, and the tables of what counts."""

    chats: pl.DataFrame
    articulations: pl.DataFrame
    votes: pl.DataFrame
    judgments: pl.DataFrame


def participant_behaviour(registered: pl.DataFrame, doings: Doings) -> pl.DataFrame:
    """Table `participant_behaviour`. `registered` has the participant_id of each row of the user table.

    The participant's group is left out: with it, whatever is withheld of a small group could be counted.
    """
    own_chats = doings.chats.filter(pl.col("copiedFromId").is_null())
    parts = [
        _chats(own_chats),
        _counts(doings.articulations, cards=pl.len()),
        _counts(doings.votes, votes=pl.col("is_vote").sum(), shown=(~pl.col("is_vote")).sum()),
        _judgments(doings.judgments),
        _off_case(doings, own_chats),
        registered.select(pl.col("participant_id").unique(), is_registered=True),
    ]
    people = pl.concat([part.select("participant_id") for part in parts]).unique()
    for part in parts:
        people = people.join(part, on="participant_id", how="left")
    table = TABLES["participant_behaviour"]
    # Who has no row in a part did none of it; what may be null says something else by it.
    none = (
        pl.col(name).fill_null(pl.lit(0).cast(column.dtype))
        for name, column in table.columns.items()
        if not column.nullable and name != "participant_id"
    )
    return table.conform(people.with_columns(none))


def user_turns(transcript: str | None) -> int:
    """How many messages of a chat are the user's; 0 for what is no list of messages."""
    try:
        messages = json.loads(transcript or "[]")
    except (ValueError, RecursionError):
        return 0
    if not isinstance(messages, list):
        return 0
    return sum(isinstance(message, dict) and message.get("role") == "user" for message in messages)


def _counts(rows: pl.DataFrame, **counts: pl.Expr) -> pl.DataFrame:
    return rows.group_by("participant_id").agg(**counts)


def _chats(own_chats: pl.DataFrame) -> pl.DataFrame:
    turns = pl.Series("turns", map(user_turns, own_chats["transcript"]), pl.Int64)
    minutes = (pl.col("updatedAt") - pl.col("createdAt")).dt.total_microseconds() / MICROSECONDS
    return _counts(
        own_chats.with_columns(turns),
        chats=pl.len(),
        turns=pl.col("turns").sum(),
        minutes=minutes.clip(lower_bound=0).sort().sum(),  # sorted: the same bytes in any order of rows
    )


def _judgments(judgments: pl.DataFrame) -> pl.DataFrame:
    said = pl.col("relationship")
    is_same = said.n_unique() == 1
    return _counts(
        judgments,
        judgments=pl.len(),
        **{answer: (said == answer).sum() for answer in ANSWERS},
        is_straight_lining=pl.when(pl.len() >= ENOUGH_TO_STRAIGHT_LINE).then(is_same),
        case_judgments=(pl.col("case_ids").list.len() > 0).sum(),
    )


def _off_case(doings: Doings, own_chats: pl.DataFrame) -> pl.DataFrame:
    """participant_id, off_case_judgments: a row for each participant with an own case."""
    of_chats = own_chats.select("participant_id", case_id="caseId")
    own = pl.concat([of_chats, doings.votes.select("participant_id", "case_id")]).drop_nulls().unique()
    placed = doings.judgments.select("participant_id", case_id="case_ids").filter(
        pl.col("case_id").list.len() > 0
    )
    cases = placed.with_row_index("judgment").explode("case_id")
    on_case = cases.join(own, on=["participant_id", "case_id"], how="semi").unique("judgment")
    counts = (
        _counts(placed, placed=pl.len())
        .join(_counts(on_case, on_case=pl.len()), on="participant_id", how="left")
        .select("participant_id", off=pl.col("placed") - pl.col("on_case").fill_null(0))
    )
    people = own.select("participant_id").unique().join(counts, on="participant_id", how="left")
    return people.select("participant_id", off_case_judgments=pl.col("off").fill_null(0))
