"""How few more people would take an edge away: the fewest added answers after which its rules reject it.

Which answers go furthest is known for each rule: those that see the upgrade the other way round against
contested_direction and weak_agreement, `no_upgrade` against no_majority, and those that even the counts out
against no_consensus; too_few_wiser no answer can bring about. So of all mixes three are asked about.
"""

from collections.abc import Iterator

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.graph.consensus import with_rates, with_verdict
from dft_pipeline.graph.tally import COUNTS
from dft_pipeline.policies import FOUR_MARKS, ConsensusPolicy

AT_ONCE = 8  # numbers of added people that are asked about together

Ints = NDArray[np.int64]


def votes_to_flip(tallies: pl.DataFrame, policy: ConsensusPolicy, most: int) -> pl.Series:
    """The fewest added people, of an answer each, after which the rules reject a pair; null beyond `most`.

    `tallies` has COUNTS of pairs that no rule rejects, a row each.
    """
    distinct = tallies.select(COUNTS).unique(maintain_order=True)
    left, found = distinct.with_row_index("pair"), []
    for first in range(1, most + 1, AT_ONCE):
        if left.is_empty():
            break
        numbers = range(first, min(first + AT_ONCE, most + 1))
        tried = pl.concat(mix for added in numbers for mix in _mixes(left, added, policy))
        found.append(_rejected(tried, policy).group_by("pair").agg(votes_to_flip=pl.col("added").min()))
        left = left.join(found[-1], on="pair", how="anti", maintain_order="left")
    flips = pl.concat([pl.DataFrame(schema={"pair": pl.UInt32, "votes_to_flip": pl.Int64}), *found])
    known = distinct.with_row_index("pair").join(flips, on="pair", how="left")
    return tallies.select(COUNTS).join(known, on=COUNTS, how="left", maintain_order="left")["votes_to_flip"]


def _mixes(pairs: pl.DataFrame, added: int, policy: ConsensusPolicy) -> Iterator[pl.DataFrame]:
    """The pairs' counts after so many people were added, in each of the ways that may go furthest."""
    asked = pairs.with_columns(pl.col("judgments_both_ways") + added, added=pl.lit(added, pl.Int64))
    yield asked.with_columns(pl.col("marked_less_wise") + added)
    yield asked.with_columns(pl.col("marked_not_wiser") + added)
    if marks := [mark for mark in FOUR_MARKS if mark in policy.entropy_counts]:
        evened = _evened(pairs.select(marks).to_numpy(), added)
        yield asked.with_columns(
            pl.Series(mark, column) for mark, column in zip(marks, evened.T, strict=True)
        )


def _evened(counts: Ints, added: int) -> Ints:
    """Each row's counts with so many more, always one more of the smallest: what raises entropy most."""
    order = np.argsort(counts, axis=1, kind="stable")
    ranked = np.take_along_axis(counts, order, axis=1)
    place = np.arange(counts.shape[1])
    total = np.cumsum(ranked, axis=1) + added
    # As many of the smallest are levelled as what is added can lift to the largest of them.
    levelled = (total >= ranked * (place + 1)).sum(axis=1, keepdims=True)
    level, rest = np.divmod(np.take_along_axis(total, levelled - 1, axis=1), levelled)
    filled = np.where(place < levelled, level + (place < rest), ranked)
    evened = np.empty_like(counts)
    np.put_along_axis(evened, order, filled, axis=1)
    return evened


def _rejected(counts: pl.DataFrame, policy: ConsensusPolicy) -> pl.DataFrame:
    judged = with_verdict(with_rates(nw.from_native(counts.lazy()), policy), policy)
    rejected: pl.LazyFrame = judged.to_native().filter(pl.col("rejection_reason").is_not_null())
    return rejected.collect()
