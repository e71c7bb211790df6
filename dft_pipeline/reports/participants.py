"""What each participant did. Who they are stays out: see `participant_behaviour`."""

from typing import NamedTuple

import polars as pl

from dft_pipeline.raw.tables import RELATIONSHIPS
from dft_pipeline.tables import TABLES
from dft_pipeline.values.participants import outside_own_cases
from dft_pipeline.values.transcripts import read_transcript

ENOUGH_TO_STRAIGHT_LINE = 3  # judgments; with fewer, always the same answer is no pattern
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
    parts = [
        _chats(doings.chats),
        _counts(doings.articulations, cards=pl.len()),
        _counts(doings.votes, votes=pl.col("is_vote").sum(), shown=(~pl.col("is_vote")).sum()),
        _judgments(doings.judgments),
        _off_case(doings),
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
    return read_transcript(transcript).turns


def _counts(rows: pl.DataFrame, **counts: pl.Expr) -> pl.DataFrame:
    return rows.group_by("participant_id").agg(**counts)


def _chats(chats: pl.DataFrame) -> pl.DataFrame:
    turns = pl.Series("turns", map(user_turns, chats["transcript"]), pl.Int64)
    lasted = (pl.col("updatedAt") - pl.col("createdAt")).dt.total_microseconds().clip(lower_bound=0)
    return _counts(
        chats.with_columns(turns),
        chats=pl.len(),
        turns=pl.col("turns").sum(),
        minutes=lasted.sum() / MICROSECONDS,  # summed whole: the same in any order of rows
    )


def _judgments(judgments: pl.DataFrame) -> pl.DataFrame:
    counted = _counts(
        judgments,
        judgments=pl.len(),
        **{answer: (pl.col("relationship") == answer).sum() for answer in RELATIONSHIPS},
        case_judgments=(pl.col("case_ids").list.len() > 0).sum(),
    )
    is_same = pl.max_horizontal(RELATIONSHIPS) == pl.col("judgments")
    enough = pl.when(pl.col("judgments") >= ENOUGH_TO_STRAIGHT_LINE)
    return counted.with_columns(is_straight_lining=enough.then(is_same))


def _off_case(doings: Doings) -> pl.DataFrame:
    """participant_id, off_case_judgments: a row for each participant with an own case."""
    of_chats = doings.chats.select("participant_id", case_id="caseId")
    own = pl.concat([of_chats, doings.votes.select("participant_id", "case_id")])
    is_off = outside_own_cases(doings.judgments.select("participant_id", "case_ids"), own)
    counts = _counts(doings.judgments.with_columns(is_off=is_off), off_case_judgments=pl.col("is_off").sum())
    return (
        own.select(pl.col("participant_id").unique())
        .join(counts, on="participant_id", how="left")
        .with_columns(pl.col("off_case_judgments").fill_null(0))
    )
