"""Which value each card became, by the app's own deduplication (`given`): every canonical card is a value."""

import polars as pl

from dft_pipeline.tables import TABLES

GIVEN = "given"


def card_values(cards: pl.DataFrame, canonical_cards: pl.DataFrame) -> pl.DataFrame:
    """Table `card_values` of the app's `valuesCard` and `canonicalValuesCard` rows.

    A participant's card without a canonical card, or with one that is not there, has no value.
    """
    canonical = canonical_cards.select(card_id="id", value_id="id", card_kind=pl.lit("canonical"))
    theirs = cards.join(canonical_cards, left_on="canonicalCardId", right_on="id", how="semi").select(
        card_id="id", value_id="canonicalCardId", card_kind=pl.lit("card")
    )
    both = pl.concat([canonical, theirs]).with_columns(
        similarity=pl.lit(None), decided_by=pl.lit(GIVEN), motivation=pl.lit(None)
    )
    return TABLES["card_values"].conform(both)


def canonical_values(canonical_cards: pl.DataFrame, card_values: pl.DataFrame) -> pl.DataFrame:
    """Table `canonical_values`; a value has the text of its canonical card."""
    counts = card_values.group_by("value_id").agg(card_count=(pl.col("card_kind") == "card").sum())
    values = canonical_cards.select(
        value_id="id",
        title="title",
        instructions_short="instructionsShort",
        instructions_detailed="instructionsDetailed",
        criteria="evaluationCriteria",
        representative_card_id="id",
        representative_card_kind=pl.lit("canonical"),
        created_at="createdAt",
        updated_at="updatedAt",
    )
    return TABLES["canonical_values"].conform(values.join(counts, on="value_id"))
