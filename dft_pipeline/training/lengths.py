"""How far being preferred goes with being longer, and which pairs to leave out so that it does not.

Of a pair, d = log(characters of chosen) − log(characters of rejected). The correlation is that of being
chosen (1 or 0) with the log of the length over the 2n texts, both centred within each pair, which comes to

    r = Σ d / √(n · Σ d²)

1 where the chosen text is longer by the same factor in every pair, 0 where there is no leaning.
"""

import math
from bisect import bisect_left

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WHOLE = 2**32  # differences are summed in whole steps of 1/WHOLE, so that nothing is lost when pairs go
MATCHED = 0.5  # of the largest correlation that is let through: pairs that a reader filters vary around it


def differences(pairs: pl.DataFrame) -> Floats:
    """d of each pair, from `chosen_length` and `rejected_length`; an empty text counts as one character."""
    logs = (pl.col(name).clip(lower_bound=1).log() for name in ("chosen_length", "rejected_length"))
    chosen, rejected = pairs.select(*logs).to_numpy().T if len(pairs) else (np.empty(0), np.empty(0))
    apart: Floats = chosen - rejected
    return apart


def length_correlation(pairs: pl.DataFrame) -> float | None:
    """r of the pairs; None where no two texts of a pair differ in length."""
    return _correlation(len(pairs), *_sums(_in_steps(differences(pairs))))


def unlike(pairs: pl.DataFrame, largest: float) -> pl.Series:
    """Which pairs to leave out, in their order, so that |r| is at most `largest`.

    One after the other goes the pair whose d comes nearest to the sum of all: the furthest one, as long as
    no single one outweighs the rest. Equals by `pair_id`.
    """
    apart = differences(pairs)
    order = np.lexsort((pairs["pair_id"].to_numpy(), np.abs(apart)))
    out = np.zeros(len(pairs), np.bool_)
    out[order[_leaning(apart[order], largest)]] = True
    return pl.Series("unlike", out)


def _in_steps(apart: Floats) -> list[int]:
    return [round(one * WHOLE) for one in apart.tolist()]


def _leaning(sizes: Floats, largest: float) -> list[int]:
    """The places that go, of differences sorted by their size."""
    gone: list[int] = []
    apart = _in_steps(sizes)
    ways = [[place for place, one in enumerate(apart) if one * sign > 0] for sign in (-1, 1)]
    total, squares, differing = _sums(apart)
    while abs(_correlation(len(apart) - len(gone), total, squares, differing) or 0.0) > largest:
        way = ways[int(total > 0)]
        place = way.pop(_nearest(way, apart, abs(total)))
        gone.append(place)
        total, squares, differing = total - apart[place], squares - apart[place] ** 2, differing - 1
    return gone


def _nearest(way: list[int], apart: list[int], size: int) -> int:
    """Where in `way` the difference is that comes nearest to the size."""
    above = bisect_left(way, size, key=lambda place: abs(apart[place]))
    close = range(max(above - 1, 0), min(above + 1, len(way)))
    return min(close, key=lambda at: abs(abs(apart[way[at]]) - size))


def _sums(apart: list[int]) -> tuple[int, int, int]:
    return sum(apart), sum(one * one for one in apart), sum(one != 0 for one in apart)


def _correlation(count: int, total: int, squares: int, differing: int) -> float | None:
    return max(-1.0, min(1.0, total / math.sqrt(count * squares))) if differing else None
