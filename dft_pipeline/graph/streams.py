"""Seeded chance: a generator of its own for every resample and every shuffle, whatever order they come in.

And whom a draw belongs to: the same person in every home, whatever key their pseudonym comes from.
"""

import numpy as np
import polars as pl

RESAMPLES, SHUFFLES = 0, 1  # what a stream is for


def stream(seed: int, purpose: int, number: int) -> np.random.Generator:
    """The generator of the `number`th draw for a purpose; the same arguments give the same draws."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose, number))))


def people(judgments: pl.DataFrame) -> pl.DataFrame:
    """Everybody who judged, in the order of their first judgment: person (their place), participant_id."""
    first = pl.col("created_at", "source_value_id", "wiser_value_id").min()
    begun = judgments.group_by("participant_id").agg(first, answers=pl.len())
    # Only of people who did the same at the same moment the pseudonym decides.
    ordered = begun.sort("created_at", "source_value_id", "wiser_value_id", "answers", "participant_id")
    return ordered.select("participant_id").with_row_index("person")


def everybody(judgments: pl.DataFrame, votes: pl.DataFrame, articulations: pl.DataFrame) -> pl.DataFrame:
    """The same of everybody who did anything: first who judged, as in `people`, then by all that they did."""
    judges = people(judgments)
    act = pl.format("{} {}", "case_id", "value_id")
    voted = votes.select("participant_id", "created_at", act=pl.format("{} {}", act, "is_vote"))
    spoken = articulations.select(
        "participant_id", created_at=pl.lit(None, voted["created_at"].dtype), act=act
    )
    others = pl.concat([voted, spoken]).join(judges, on="participant_id", how="anti")
    begun = others.group_by("participant_id").agg(
        pl.col("created_at").min(), pl.col("act").sort().str.join(" ")
    )
    ordered = begun.sort("created_at", "act", "participant_id", nulls_last=True)
    return (
        pl.concat([judges["participant_id"], ordered["participant_id"]]).to_frame().with_row_index("person")
    )
