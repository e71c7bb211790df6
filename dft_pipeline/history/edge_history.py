"""The days on which each edge held, and why it ended, over the snapshots that are kept."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import polars as pl

from dft_pipeline.tables import PAIR_KEY

NOT_JUDGED = (
    "not_judged"  # why an edge ended whose pair nobody has judged any more, as values merged or people left
)
SCHEMA = pl.Schema(
    {
        "scope": pl.String,
        "source_value_id": pl.Int64,
        "wiser_value_id": pl.Int64,
        "first_day": pl.Date,
        "last_day": pl.Date,
        "ended_on": pl.Date,
        "ended_by": pl.String,
    }
)


class Night(NamedTuple):
    """A snapshot's day, its edges (PAIR_KEY) and its rejected pairs (PAIR_KEY, rejection_reason)."""

    day: date
    edges: pl.DataFrame
    rejected: pl.DataFrame


def edge_history(nights: Iterable[Night]) -> pl.DataFrame:
    """A row per edge and unbroken span of kept snapshots in which it held, in the columns of SCHEMA; sorted.

    `nights` come in order of their days. `ended_on` is the first of them without it, null where it still
    holds, `ended_by` the rule that rejected it there.
    """
    parts = [SCHEMA.to_frame()]
    open_spans = SCHEMA.to_frame()
    for night in nights:
        ended, open_spans = _after(open_spans, night)
        parts.append(ended)
    return pl.concat([*parts, open_spans]).sort(*PAIR_KEY, "first_day")


def _after(spans: pl.DataFrame, night: Night) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The spans that a night ends, and those that are open after it."""
    held = night.edges.select(PAIR_KEY)
    ended = (
        spans.join(held, on=PAIR_KEY, how="anti")
        .drop("ended_by")
        .join(night.rejected.select(*PAIR_KEY, ended_by="rejection_reason"), on=PAIR_KEY, how="left")
        .with_columns(ended_on=pl.lit(night.day), ended_by=pl.col("ended_by").fill_null(NOT_JUDGED))
    )
    going_on = spans.join(held, on=PAIR_KEY, how="semi")
    begun = held.join(spans, on=PAIR_KEY, how="anti").with_columns(
        first_day=pl.lit(night.day), ended_on=pl.lit(None, pl.Date), ended_by=pl.lit(None, pl.String)
    )
    there = pl.concat([going_on.drop("last_day"), begun], how="diagonal")
    return ended.select(SCHEMA.names()), there.with_columns(last_day=pl.lit(night.day)).select(SCHEMA.names())
