"""What became of values from one day to the next, by comparing which cards they are made of."""

import polars as pl

from dft_pipeline.tables import TABLES

CARD = ("card_kind", "card_id")


def value_events(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Table `value_events` of two tables `card_values`, of a day and of the day before it."""
    moves = (
        before.select(*CARD, then="value_id")
        .join(after.select(*CARD, now="value_id"), on=CARD, how="full", coalesce=True)
        .group_by("then", "now")
        .agg(cards=pl.len())
    )
    were, are = before["value_id"].unique().implode(), after["value_id"].unique().implode()
    arrived, gone, stayed = pl.col("then").is_null(), pl.col("now").is_null(), pl.col("then") == pl.col("now")
    parts = [
        moves.filter(arrived, pl.col("now").is_in(were)).select(
            _event("grew"), value_id="now", cards="cards"
        ),
        _created(moves, were),
        moves.filter(~arrived, ~gone, ~stayed, ~pl.col("then").is_in(are)).select(
            _event("merged"), value_id="now", other_value_id="then", cards="cards"
        ),
        moves.filter(~arrived, ~gone, ~stayed, pl.col("then").is_in(are)).select(
            _event("split"), value_id="then", other_value_id="now", cards="cards"
        ),
        moves.filter(gone).select(
            pl.when(pl.col("then").is_in(are))
            .then(pl.lit("shrank"))
            .otherwise(pl.lit("retired"))
            .alias("event"),
            value_id="then",
            cards="cards",
        ),
    ]
    table = TABLES["value_events"]
    return table.conform(pl.concat([table.schema.to_frame(), *parts], how="diagonal_relaxed"))


def _created(moves: pl.DataFrame, were: pl.Series) -> pl.DataFrame:
    """Values that were not there, with the cards that were not there either."""
    fresh = moves.filter(pl.col("now").is_not_null(), ~pl.col("now").is_in(were))
    counts = fresh.group_by("now").agg(cards=pl.col("cards").filter(pl.col("then").is_null()).sum())
    return counts.select(_event("created"), value_id="now", cards="cards")


def _event(name: str) -> pl.Expr:
    return pl.lit(name).alias("event")
