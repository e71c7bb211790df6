"""How far a model as judge agrees with people: kappa of yes and no, weighted kappa and alpha of 1 to 5.

Sources: Cohen (1960, 1968); the interval of kappa by the large-sample variance of Fleiss, Cohen and Everitt
(1969); Krippendorff, "Content Analysis" (2004), for alpha with the ordinal metric.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.policies import Training
from dft_pipeline.raw.tables import FULLY, NOT_AT_ALL
from dft_pipeline.tables import TABLES
from dft_pipeline.training.scores import MODEL

Matrix = NDArray[np.float64]

Z_95 = 1.96  # standard errors on each side of a 95 % interval
ITEM = ("completion_id", "value_id", "criterion_index")
CRITERION = ("value_id", "criterion_index")


class Kappa(NamedTuple):
    """Cohen's kappa with its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


NO_KAPPA = Kappa(None, None, None)


def judge_agreement(criterion_scores: pl.DataFrame, settings: Training) -> pl.DataFrame:
    """Table `judge_agreement`: of each judge a row of all criteria, and one of each that people rated too."""
    items = _items(criterion_scores)
    table = TABLES["judge_agreement"]
    rows = []
    for (judge,), of_judge in items.group_by("judge", maintain_order=True):
        of_all = _figures(of_judge)
        rows.append({"judge": judge, **of_all, "is_trusted": trusted(of_all, settings)})
        rated = of_judge.filter(pl.col("yes").is_not_null())
        for (value_id, index), part in rated.group_by(CRITERION, maintain_order=True):
            named = {"judge": judge, "value_id": value_id, "criterion_index": index}
            rows.append({**named, **_figures(part)})
    return table.conform(pl.DataFrame(rows, table.schema))


def trusted(agreement: Mapping[str, Any], settings: Training) -> bool:
    """Whether a judge with such a row of `judge_agreement` is trusted to score in people's place."""
    items, kappa = agreement["items"], agreement["kappa"]
    return kappa is not None and items >= settings.min_items and kappa >= settings.min_kappa


def kappa(table: Matrix) -> Kappa:
    """Of a square table of counts: rows by the one rater, columns by the other."""
    n = table.sum()
    if n == 0:
        return NO_KAPPA
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    agreed, by_chance = float(np.trace(p)), float(rows @ columns)
    if by_chance >= 1:
        return NO_KAPPA
    found = (agreed - by_chance) / (1 - by_chance)
    error = Z_95 * math.sqrt(max(_variance(p, rows, columns), 0.0) / n)
    return Kappa(found, max(found - error, -1.0), min(found + error, 1.0))


def _variance(p: Matrix, rows: Matrix, columns: Matrix) -> float:
    """n times the variance: Fleiss, Cohen and Everitt (1969), their formula for kappa other than 0."""
    agreed, by_chance = np.trace(p), rows @ columns
    on = np.diag(p) * ((1 - by_chance) - (rows + columns) * (1 - agreed)) ** 2
    off = p * (columns[:, None] + rows[None, :]) ** 2
    np.fill_diagonal(off, 0)
    rest = (agreed * by_chance - 2 * by_chance + agreed) ** 2
    return float((on.sum() + (1 - agreed) ** 2 * off.sum() - rest) / (1 - by_chance) ** 4)


def weighted_kappa(table: Matrix) -> float | None:
    """Kappa with quadratic weights; None where nothing is to be expected by chance."""
    n = table.sum()
    places = np.arange(len(table))
    distance = (places[:, None] - places[None, :]) ** 2
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) * distance
    return None if expected.sum() == 0 else float(1 - n * (table * distance).sum() / expected.sum())


def ordinal_alpha(table: Matrix) -> float | None:
    """Krippendorff's alpha, ordinal, of two raters without gaps; None where all their scores are the same."""
    coincidences = table + table.T
    totals = coincidences.sum(axis=1)
    n = totals.sum()
    distance = _ordinal_distance(totals)
    expected = (np.outer(totals, totals) * distance).sum()
    return None if expected == 0 else float(1 - (n - 1) * (coincidences * distance).sum() / expected)


def _ordinal_distance(totals: Matrix) -> Matrix:
    """The squared number of scores between two, half of those at either end among them."""
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2, np.float64)


def _items(criterion_scores: pl.DataFrame) -> pl.DataFrame:
    """What a judge scored, with people's side of it: judge, is_met, score; yes (share), median, or null."""
    is_model = pl.col("rater_role") == MODEL
    people = (
        criterion_scores.filter(~is_model)
        .group_by(ITEM)
        .agg(yes=pl.col("is_met").mean(), median=pl.col("score").median())
    )
    judged = criterion_scores.filter(is_model).select(*ITEM, "is_met", "score", judge="rater")
    return judged.join(people, on=ITEM, how="left").sort("judge", *CRITERION, "completion_id")


def _figures(items: pl.DataFrame) -> dict[str, float | int | None]:
    """The table's columns from `items` on, but for the last."""
    rated = items.drop_nulls("yes")
    voted = rated.filter(pl.col("yes") != 0.5).with_columns(said=pl.col("yes") > 0.5)
    both = _counts(voted["is_met"].cast(pl.Int64), voted["said"].cast(pl.Int64), 2)
    scored = rated.drop_nulls(["score", "median"])
    whole = scored.filter(pl.col("median") == pl.col("median").round())
    steps = FULLY - NOT_AT_ALL + 1
    scores = _counts(whole["score"] - NOT_AT_ALL, whole["median"].cast(pl.Int64) - NOT_AT_ALL, steps)
    found, agreed = kappa(both), int(np.trace(both))
    return {
        "items": len(voted),
        "ties": len(rated) - len(voted),
        "agreed": agreed,
        "percent": agreed / len(voted) if len(voted) else None,
        "kappa": found.value,
        "kappa_low": found.low,
        "kappa_high": found.high,
        "scored_items": len(whole),
        "scored_ties": len(scored) - len(whole),
        "weighted_kappa": weighted_kappa(scores),
        "alpha": ordinal_alpha(scores),
    }


def _counts(one: pl.Series, other: pl.Series, size: int) -> Matrix:
    """How often each pair of codes from 0 on stands together, size × size."""
    table = np.zeros((size, size))
    np.add.at(table, (one.to_numpy(), other.to_numpy()), 1)
    return table
