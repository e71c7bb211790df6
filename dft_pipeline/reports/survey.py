"""What participants answered in the closing survey, in all and by group."""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.graph.answers_by_group import grouped
from dft_pipeline.tables import TABLES
from dft_pipeline.values.small_cells import Known, each_by_group

ALL = "all"
HIGH = 4  # of five: from here on an answer is agreement
FIGURES = ("answered", "high", "total")
PARTS = {
    "answered": pl.lit(1, pl.Int64),
    "high": (pl.col("answer") >= HIGH).cast(pl.Int64),
    "total": pl.col("answer").cast(pl.Int64),
}


def survey_by_group(
    survey_answers: pl.DataFrame, groups: Mapping[str, pl.DataFrame], known: Mapping[str, Known]
) -> pl.DataFrame:
    """Table `survey_by_group`, beside what is `known`. `groups` has by field participant_id and group."""
    people = survey_answers.drop_nulls("answer").with_columns(**PARTS)
    everybody = people.group_by("question").agg(pl.col(FIGURES).sum())
    found = [_rows(everybody.with_columns(group=pl.lit(ALL)), ALL)]
    found += [_rows(_seen(people, own, known[field]), field) for field, own in groups.items()]
    return TABLES["survey_by_group"].conform(pl.concat(found))


def _seen(people: pl.DataFrame, groups: pl.DataFrame, known: Known) -> pl.DataFrame:
    """What may be seen of each question, first by its text."""
    each = each_by_group(grouped(people, groups), ("question",), FIGURES)
    return each.only(known.admit(each.parts))


def _rows(sums: pl.DataFrame, field: str) -> pl.DataFrame:
    answered = pl.col("answered")
    return sums.select(
        "question",
        pl.lit(field).alias("field"),
        "group",
        "answered",
        mean=pl.col("total") / answered,
        high_share=pl.col("high") / answered,
    )
