"""What participants wrote beside their cards, left out of a snapshot that is to be published without it."""

import polars as pl

FREE_TEXTS = ("story", "comment", "explanation")  # the columns of snapshot tables that hold such texts
# The columns of source tables whose offending values are such texts, in rows that were set aside.
SOURCE_TEXTS = (*FREE_TEXTS, "text", "prompt", "transcript", "evaluation")


def without_texts(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of a snapshot table with null in place of such texts, and of what is cut from them."""
    nothing = [pl.lit(None, pl.String).alias(name) for name in FREE_TEXTS if name in table.columns]
    if {"column", "rule", "value"} <= set(table.columns):
        is_text = pl.col("column").is_in(SOURCE_TEXTS).fill_null(False)
        nothing.append(pl.when(~is_text).then("value").alias("value"))
    return table.with_columns(nothing)
