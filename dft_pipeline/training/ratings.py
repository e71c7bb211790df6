"""People's ratings and rankings of completions: which of them count, and by which rule the others do not."""

from typing import NamedTuple

import polars as pl

from dft_pipeline.raw.tables import AUTHOR
from dft_pipeline.tables import TABLES

NAMED = {
    "completionId": "completion_id",
    "valueId": "value_id",
    "participant_id": "rater",
    "role": "rater_role",
}


class Snapshot(NamedTuple):
    """What ratings name: the day's tables `completions`, `rubric_rows` and `articulations`."""

    completions: pl.DataFrame
    rubric_rows: pl.DataFrame
    articulations: pl.DataFrame


class Sorted(NamedTuple):
    """Ratings or rankings that count, with prompt_id, and rows of `ratings_left_out`."""

    kept: pl.DataFrame
    left_out: pl.DataFrame


def sorted_ratings(ratings: pl.DataFrame, snapshot: Snapshot) -> Sorted:
    """Admitted rows of `criterionRating`; those that count have one row per criterion_index."""
    named = ratings.rename({**NAMED, "isMet": "is_met"})
    known = snapshot.rubric_rows.select("prompt_id", "value_id", "criterion", is_criterion=True)
    marked = _marked(named, snapshot).join(
        known.unique(), on=["prompt_id", "value_id", "criterion"], how="left"
    )
    found = _sorted("rating", marked, pl.col("is_criterion").is_null())
    places = snapshot.rubric_rows.select("prompt_id", "value_id", "criterion", "criterion_index")
    return found._replace(kept=found.kept.join(places, on=["prompt_id", "value_id", "criterion"]))


def sorted_rankings(rankings: pl.DataFrame, snapshot: Snapshot) -> Sorted:
    """Admitted rows of `completionRanking`."""
    named = rankings.rename(NAMED).with_columns(criterion=pl.lit(None, pl.String))
    return _sorted("ranking", _marked(named, snapshot), pl.lit(False))


def completion_rankings(found: Sorted) -> pl.DataFrame:
    """Table `completion_rankings`."""
    return TABLES["completion_rankings"].conform(found.kept)


def ratings_left_out(*found: Sorted) -> pl.DataFrame:
    """Table `ratings_left_out`."""
    return TABLES["ratings_left_out"].conform(pl.concat([one.left_out for one in found]))


def _marked(rows: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """The rows with what the snapshot knows of what they name; null where it knows nothing."""
    completions = snapshot.completions.select("completion_id", "prompt_id", "set_aside_for")
    values = snapshot.rubric_rows.select("prompt_id", "value_id", is_value=True).unique()
    authors = snapshot.articulations.select("value_id", rater="participant_id", is_author=True).unique()
    return (
        rows.join(completions, on="completion_id", how="left")
        .join(values, on=["prompt_id", "value_id"], how="left")
        .join(authors, on=["value_id", "rater"], how="left")
    )


def _sorted(kind: str, marked: pl.DataFrame, is_unknown_criterion: pl.Expr) -> Sorted:
    rules = {
        "unknown_completion": pl.col("prompt_id").is_null(),
        "set_aside_completion": pl.col("set_aside_for").is_not_null(),
        "unknown_value": pl.col("is_value").is_null(),
        "unknown_criterion": is_unknown_criterion,
        "not_the_author": (pl.col("rater_role") == AUTHOR) & pl.col("is_author").is_null(),
    }
    first = pl.coalesce(pl.when(breaks).then(pl.lit(name)) for name, breaks in rules.items())
    ruled = marked.with_columns(rule=first, kind=pl.lit(kind))
    left_out = ruled.drop_nulls("rule").select(TABLES["ratings_left_out"].columns.keys())
    return Sorted(ruled.filter(pl.col("rule").is_null()), left_out)
