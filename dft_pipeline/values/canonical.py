"""Which value each card became, by the app's own deduplication (`given`): every canonical card is a value."""

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import CANONICAL, IS_PARTICIPANTS

GIVEN = "given"


def card_values(every: pl.DataFrame) -> pl.DataFrame:
    """Table `card_values` of the cards of `card_texts.all_cards`.

    A participant's card without a canonical card, or with one that is not there, has no value; so those that
    a model wrote have none.
    """
    assigned = every.join(_canonical(every), left_on="canonical_card_id", right_on="card_id", how="semi")
    decided = assigned.with_columns(
        value_id="canonical_card_id",
        similarity=pl.lit(None),
        decided_by=pl.lit(GIVEN),
        motivation=pl.lit(None),
    )
    return TABLES["card_values"].conform(decided)


def canonical_values(every: pl.DataFrame, card_values: pl.DataFrame) -> pl.DataFrame:
    """Table `canonical_values`; a value has the text of its canonical card."""
    values = _canonical(every).with_columns(
        value_id="card_id", representative_card_id="card_id", representative_card_kind="card_kind"
    )
    counts = card_values.group_by("value_id").agg(card_count=IS_PARTICIPANTS.sum())
    return TABLES["canonical_values"].conform(values.join(counts, on="value_id"))


def _canonical(every: pl.DataFrame) -> pl.DataFrame:
    return every.filter(pl.col("card_kind") == CANONICAL)
