"""What scores add up to: how well a completion executes each value that is wise for its prompt; the reward.

executed(o, v) = share of v's criteria met; reward(p, o) = Σ_v weight(p, v) · executed(o, v).
"""

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.training.scores import MODEL

PEOPLE = "people"
OF_VALUE = ("completion_id", "value_id")
# Weights that sum to 1 but for rounding make rewards that may pass 1 by as little.
WITHIN = (0.0, 1.0)


def completion_scores(
    completions: pl.DataFrame,
    criterion_scores: pl.DataFrame,
    rubric_rows: pl.DataFrame,
    reward_rows: pl.DataFrame,
) -> pl.DataFrame:
    """Table `completion_scores`, of the completions that take part, scored or not."""
    takes_part = completions.filter(pl.col("set_aside_for").is_null())
    rows = (
        takes_part.select("completion_id", "prompt_id", "split", "fold")
        .join(_values(rubric_rows, reward_rows), on="prompt_id")
        .join(_met(criterion_scores), on=OF_VALUE, how="left")
        .with_columns(pl.col("criteria_scored", "criteria_met").fill_null(0))
        .sort(OF_VALUE)
    )
    is_whole = pl.col("criteria_scored") == pl.col("criteria")
    executed = rows.with_columns(executed=pl.when(is_whole).then(pl.col("criteria_met") / pl.col("criteria")))
    return TABLES["completion_scores"].conform(executed.with_columns(reward=_reward()))


def _reward() -> pl.Expr:
    """Null unless all values of the completion are executed."""
    added = (pl.col("weight") * pl.col("executed")).sum().clip(*WITHIN)
    return pl.when(pl.col("executed").is_not_null().all()).then(added).over("completion_id")


def _values(rubric_rows: pl.DataFrame, reward_rows: pl.DataFrame) -> pl.DataFrame:
    """prompt_id and value_id with weight, criteria, row_ids, and share and context_score of the best row."""
    weights = rubric_rows.sort("criterion_index").group_by("prompt_id", "value_id", maintain_order=True)
    best = (
        reward_rows.with_columns(best=pl.col("context_score") * pl.col("share"))
        .sort("best", "row_id", descending=[True, False])
        .unique(["prompt_id", "value_id"], keep="first", maintain_order=True)
        .select("prompt_id", "value_id", "share", "context_score")
    )
    return weights.agg(
        weight=pl.col("weight").sum().clip(*WITHIN),
        criteria=pl.len().cast(pl.Int64),
        row_ids=pl.col("row_ids").first(),
    ).join(best, on=["prompt_id", "value_id"])


def _met(criterion_scores: pl.DataFrame) -> pl.DataFrame:
    """OF_VALUE with criteria_scored, criteria_met, scored_by: of people where there are any, never mixed."""
    is_model = pl.col("rater_role") == MODEL
    has_people = is_model.not_().any().over(OF_VALUE)
    counted = criterion_scores.filter(is_model != has_people)
    by = pl.when(is_model).then(pl.lit(MODEL)).otherwise(pl.lit(PEOPLE))
    criteria = (
        counted.with_columns(scored_by=by)
        .sort(*OF_VALUE, "criterion_index")
        .group_by(*OF_VALUE, "scored_by", "criterion_index", maintain_order=True)
        .agg(yes=pl.col("is_met").mean())
    )
    return criteria.group_by(*OF_VALUE, "scored_by", maintain_order=True).agg(
        criteria_scored=pl.len().cast(pl.Int64), criteria_met=pl.col("yes").sum()
    )
