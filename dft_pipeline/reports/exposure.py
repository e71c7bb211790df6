"""Which values people met, and where: a value that nobody was shown cannot have been found wise."""

import polars as pl

from dft_pipeline.tables import TABLES


def exposure(canonical_values: pl.DataFrame, votes: pl.DataFrame, judgments: pl.DataFrame) -> pl.DataFrame:
    """Table `exposure`."""
    met = votes.group_by("value_id", "case_id").agg(
        shown=(~pl.col("is_vote")).sum(), votes=pl.col("is_vote").sum()
    )
    ends = _ends(judgments)
    in_cases = ends.explode("case_ids", keep_nulls=False, empty_as_null=False).rename({"case_ids": "case_id"})
    anywhere = ends.select("value_id", "judged", case_id=pl.lit(None, pl.String))
    judged = pl.concat([in_cases.select(anywhere.columns), anywhere]).group_by("value_id", "case_id").sum()
    # A left join keeps the values without a row in `met`, their case null.
    rows = canonical_values.select("value_id").join(met, on="value_id", how="left")
    counted = rows.join(judged, on=["value_id", "case_id"], how="left", nulls_equal=True)
    counts = counted.with_columns(pl.col("shown", "votes", "judged").fill_null(0))
    never = pl.col("shown").sum().over("value_id") == 0
    return TABLES["exposure"].conform(counts.with_columns(is_never_shown=never))


def _ends(judgments: pl.DataFrame) -> pl.DataFrame:
    """value_id, case_ids, judged: how many judgments of a context have the value at either end."""
    by_context = pl.concat(
        judgments.group_by("context_id", value_id=end).agg(pl.col("case_ids").first(), judged=pl.len())
        for end in ("source_value_id", "wiser_value_id")
    )
    return by_context.select("value_id", "case_ids", "judged")
