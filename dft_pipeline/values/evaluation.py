"""How well one grouping of cards agrees with another, and which threshold agrees best."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

WHO = ("card_kind", "card_id")


class Agreement(NamedTuple):
    """How two groupings agree on which pairs of cards are together; None where nothing is to divide by.

    `adjusted_rand`: the Rand index, 0 by chance and 1 for the same groups (Hubert and Arabie, 1985); None
    where both put all cards together, or all apart, which leaves nothing to chance. Counts are of pairs of
    cards that are together, in either grouping and in both.
    """

    cards: int
    precision: float | None
    recall: float | None
    f1: float | None
    adjusted_rand: float | None
    in_found: int
    in_truth: int
    in_both: int


def agreement(found: pl.DataFrame, truth: pl.DataFrame) -> Agreement:
    """Compares two groupings (card_kind, card_id, value_id) over the cards that both have."""
    both = found.select(*WHO, found="value_id").join(truth.select(*WHO, true="value_id"), on=WHO)
    together, in_found, in_truth = (
        _pairs_within(both.group_by(by).len()["len"]) for by in (["found", "true"], ["found"], ["true"])
    )
    adjusted_rand = _adjusted_rand(together, in_found, in_truth, len(both))
    return Agreement(
        len(both), *rates(together, in_found, in_truth), adjusted_rand, in_found, in_truth, together
    )


def by_threshold(
    similarity: NDArray[np.float64],
    is_same: NDArray[np.bool_],
    thresholds: Sequence[float],
    others_same: int = 0,
) -> pl.DataFrame:
    """How well "similar enough" tells the pairs that are the same: threshold, precision, recall, f1.

    `others_same`: pairs that are the same, but too little similar to be among those given.
    """
    rows = []
    for threshold in thresholds:
        above = similarity >= threshold
        told = rates(int(is_same[above].sum()), int(above.sum()), int(is_same.sum()) + others_same)
        rows.append((threshold, *told))
    return _calibration(rows)


def by_grouping(
    group: Callable[[float], pl.DataFrame], truth: pl.DataFrame, thresholds: Sequence[float]
) -> pl.DataFrame:
    """The same of the groups that come of each threshold: threshold, precision, recall, f1."""
    scores = [agreement(group(threshold), truth) for threshold in thresholds]
    return _calibration(
        [
            (threshold, score.precision, score.recall, score.f1)
            for threshold, score in zip(thresholds, scores, strict=True)
        ]
    )


def rates(both: int, found: int, true: int) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and f1 of `found` things, of which `both` are among the `true` ones."""
    return (
        both / found if found else None,
        both / true if true else None,
        2 * both / (found + true) if found + true else None,
    )


def best_threshold(calibration: pl.DataFrame) -> float:
    """The threshold with the highest f1, of several the highest. Raises ValueError where none has any."""
    known = calibration.drop_nulls("f1").sort("f1", "threshold")
    if known.is_empty():
        raise ValueError("no threshold has an f1: no two cards are the same, and none are said to be")
    return float(known["threshold"][-1])


def _calibration(rows: Sequence[tuple[float | None, ...]]) -> pl.DataFrame:
    columns = ("threshold", "precision", "recall", "f1")
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.Float64), orient="row").sort("threshold")


def _pairs_within(sizes: pl.Series) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.to_list())


def _adjusted_rand(both: int, found: int, true: int, cards: int) -> float | None:
    pairs = cards * (cards - 1) // 2
    expected = found * true / pairs if pairs else 0.0
    most = (found + true) / 2
    return (both - expected) / (most - expected) if most > expected else None
