"""The tally: how often each ordered pair of values was judged, and how, in every scope.

One implementation in narwhals expressions, so that the same code runs on Polars on one machine and
on DuckDB or a cluster's engine. Each step returns a lazy frame of the engine it was given.
"""

from functools import reduce
from operator import add
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

Frame = nw.LazyFrame[Any]

PAIR = ("source_value_id", "wiser_value_id")
ANSWERS = {"upgrade": "marked_wiser", "no_upgrade": "marked_not_wiser", "not_sure": "marked_unsure"}
COUNTS = ("marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure", "judgments_both_ways")


def answers_by_context(judgments: IntoFrame) -> Frame:
    """How a pair was answered in a context: PAIR, context_id and the three forward marks.

    The one pass over all judgments; whatever follows is as small as the number of judged pairs.
    """
    marks = {
        mark: (nw.col("relationship") == answer).cast(nw.Int64).sum() for answer, mark in ANSWERS.items()
    }
    grouped = nw.from_native(judgments).lazy().group_by(*PAIR, "context_id").agg(**marks)
    # DuckDB sums into a wider type; counts are 64 bits everywhere here.
    return grouped.with_columns(nw.col(mark).cast(nw.Int64) for mark in ANSWERS.values())


def in_scopes(answers: Frame, scopes: IntoFrame) -> Frame:
    """The same rows, once for every scope in which the context's judgments count."""
    return answers.join(nw.from_native(scopes).lazy(), on="context_id", how="inner")


def tally(scoped: Frame) -> Frame:
    """The counts of every ordered pair with a judgment either way, per scope: scope, PAIR, COUNTS."""
    summed = nw.concat([_forward(scoped), _reverse(scoped)], how="vertical")
    totals = summed.group_by("scope", *PAIR).agg(*(nw.col(count).sum() for count in COUNTS))
    return totals.with_columns(nw.col(count).cast(nw.Int64) for count in COUNTS)


def contexts_of_pairs(scoped: Frame) -> Frame:
    """The contexts of a pair's judgments, either way: scope, PAIR, context_id; rows may repeat."""
    swapped = scoped.select("scope", _turned(0), _turned(1), "context_id")
    return nw.concat([scoped.select("scope", *PAIR, "context_id"), swapped], how="vertical")


def _forward(scoped: Frame) -> Frame:
    answers = reduce(add, (nw.col(mark) for mark in ANSWERS.values()))
    return scoped.select("scope", *PAIR, *_marks(marked_less_wise=_zero()), judgments_both_ways=answers)


def _reverse(scoped: Frame) -> Frame:
    answers = reduce(add, (nw.col(mark) for mark in ANSWERS.values()))
    marks = _marks(
        marked_wiser=_zero(),
        marked_not_wiser=_zero(),
        marked_less_wise=nw.col("marked_wiser"),
        marked_unsure=_zero(),
    )
    return scoped.select("scope", _turned(0), _turned(1), *marks, judgments_both_ways=answers)


def _marks(**replaced: nw.Expr) -> list[nw.Expr]:
    return [replaced.get(count, nw.col(count)).alias(count) for count in COUNTS[:4]]


def _turned(end: int) -> nw.Expr:
    return nw.col(PAIR[1 - end]).alias(PAIR[end])


def _zero() -> nw.Expr:
    return nw.lit(0).cast(nw.Int64)
