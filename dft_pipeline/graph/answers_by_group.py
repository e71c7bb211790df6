"""What people said of pairs of values, as figures that groups can be seen in.

What belongs here: the figures of a pair, once, for the two tables that show them: `contested` and
`group_answers`. What may be seen of them is asked in `small_cells`.
"""

from collections.abc import Sequence

import polars as pl

from dft_pipeline.graph.tally import ANSWERS, PAIR
from dft_pipeline.values.reading import group_named

ENDS = ("low", "high")  # of a pair in any order, its smaller value first
WAYS = ("upward", "downward")  # asked low → high, asked high → low
JUDGED = "judged"  # either way: by how many a group is large enough
EITHER_WAY = (JUDGED, *ANSWERS)
ONE_WAY = (*WAYS, *(f"{way}_{answer}" for answer in ANSWERS for way in WAYS))
# In the order in which they are wanted most: of a pair by itself, and where both ways are told of together.
FIGURES = (JUDGED, *ONE_WAY)
BESIDE = (*EITHER_WAY, *ONE_WAY)


def ends() -> list[pl.Expr]:
    return [pl.min_horizontal(PAIR).alias("low"), pl.max_horizontal(PAIR).alias("high")]


def grouped(people: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """With each participant's group; `groups` has participant_id and group."""
    known = people.join(groups, on="participant_id", how="left")
    return known.with_columns(group_named(pl.col("group")))


def people_behind(judgments: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The key, participant_id and the participant's part in BESIDE; `judgments` has the key as well."""
    upward = pl.col(PAIR[0]) < pl.col(PAIR[1])
    ways = dict(zip(WAYS, (upward, ~upward), strict=True))
    said = {answer: pl.col("relationship") == answer for answer in ANSWERS}
    each = {
        f"{way}_{answer}": is_way & is_so for way, is_way in ways.items() for answer, is_so in said.items()
    }
    counts = {name: holds.sum().cast(pl.Int64) for name, holds in (ways | said | each).items()}
    return judgments.group_by(*key, "participant_id").agg(pl.lit(1, pl.Int64).alias(JUDGED), **counts)
