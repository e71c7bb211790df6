"""What participants answered in the closing survey, in all and by group."""

from collections.abc import Iterator, Mapping

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values import reading
from dft_pipeline.values.small_cells import apart_enough, each_by_group

ALL = "all"
HIGH = 4  # of five: from here on an answer is agreement
FIGURES = ("answered", "high", "total")
PARTS = {
    "answered": pl.lit(1, pl.Int64),
    "high": (pl.col("answer") >= HIGH).cast(pl.Int64),
    "total": pl.col("answer").cast(pl.Int64),
}


def survey_by_group(survey_answers: pl.DataFrame, groups: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Table `survey_by_group`. `groups` has by field participant_id and group."""
    people = survey_answers.drop_nulls("answer").with_columns(**PARTS)
    everybody = people.group_by("question").agg(pl.col(FIGURES).sum())
    found = [_rows(everybody.with_columns(group=pl.lit(ALL)), ALL)]
    found += [_rows(sums, field) for field, known in groups.items() for sums in _seen(people, known)]
    return TABLES["survey_by_group"].conform(pl.concat(found))


def _seen(people: pl.DataFrame, groups: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What may be seen of each question, first by its text."""
    named = people.join(groups, on="participant_id", how="left")
    named = named.with_columns(pl.col("group").fill_null(reading.UNKNOWN))
    each = list(each_by_group(named, ("question",), FIGURES))
    kept = apart_enough((), [part for _, part in each])
    return (sums for (sums, _), keep in zip(each, kept, strict=True) if keep)


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
