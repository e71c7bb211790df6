"""A value's id comes from the cards in it alone, so that votes stay attached and backfills change nothing."""

import polars as pl

from dft_pipeline.values.card_texts import FIRST, IS_PARTICIPANTS

OWN_IDS = 1_000_000_000  # values without a canonical card are numbered from here on


def with_value_ids(grouped: pl.DataFrame) -> pl.DataFrame:
    """Adds `value_id` to cards with a `group`: the lowest canonical card's id in it.

    Where there is none, OWN_IDS + the id of its earliest card (by created_at, then id); one that a model
    wrote only where there is no other.
    """
    own = pl.when(IS_PARTICIPANTS).then(OWN_IDS).otherwise(0) + pl.col("card_id")
    return grouped.with_columns(value_id=own.sort_by(*FIRST).first().over("group"))
