"""All pairs of vectors above a cosine, exactly, in memory that grows with the vectors and the pairs found.

Products of blocks are only a sieve: their last digits depend on where a row stands in a block. What passes
is computed again pair by pair, so that the same pairs are found whatever the order of the rows.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 1024, 4096  # of a block: 16 MB of products
SLACK = 1e-4  # more than products of float32 differ from exact ones
DIGITS = 6  # of a similarity
AT_ONCE = 1 << 21  # numbers that are multiplied again at once

Indices = NDArray[np.int64]


class Pairs(NamedTuple):
    """Pairs of rows, first < second, sorted, with the cosine of each."""

    first: Indices
    second: Indices
    similarity: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_] | Indices) -> "Pairs":
        return Pairs(self.first[chosen], self.second[chosen], self.similarity[chosen])


def neighbours(
    vectors: NDArray[np.float32], threshold: float, blocks: Sequence[Hashable] | None = None
) -> Pairs:
    """The pairs of rows with a cosine of at least `threshold`; rows have length 1, or 0.

    Only rows of the same block are compared; without `blocks` all are of one.
    """
    found = [Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for rows in _rows_by_block(len(vectors), blocks):
        together = vectors if blocks is None else vectors[rows]
        found += [
            Pairs(rows[part.first], rows[part.second], part.similarity)
            for part in _in_block(np.ascontiguousarray(together), threshold)
        ]
    first, second, similarity = zip(*found, strict=True)
    pairs = Pairs(np.concatenate(first), np.concatenate(second), np.concatenate(similarity))
    return pairs.where(np.lexsort((pairs.second, pairs.first)))


def cosines(vectors: NDArray[np.float32], first: Indices, second: Indices) -> NDArray[np.float64]:
    """The cosine of each pair of rows, rounded: the same on every machine, and whichever comes first."""
    parts = np.array_split(np.arange(len(first)), len(first) * vectors.shape[1] // AT_ONCE + 1)
    sums = [(vectors[first[part]].astype(np.float64) * vectors[second[part]]).sum(axis=1) for part in parts]
    rounded: NDArray[np.float64] = np.concatenate(sums).round(DIGITS)
    return rounded.clip(-1, 1)


def _rows_by_block(count: int, blocks: Sequence[Hashable] | None) -> Iterator[Indices]:
    if blocks is None:
        yield np.arange(count)
        return
    members: dict[Hashable, list[int]] = {}
    for row, block in enumerate(blocks):
        members.setdefault(block, []).append(row)
    yield from (np.array(rows) for rows in members.values())


def _in_block(vectors: NDArray[np.float32], threshold: float) -> Iterator[Pairs]:
    space = np.empty(ROWS * COLUMNS, np.float32)
    for top in range(0, len(vectors), ROWS):
        rows = vectors[top : top + ROWS]
        for left in range(top, len(vectors), COLUMNS):
            columns = vectors[left : left + COLUMNS]
            products = space[: len(rows) * len(columns)]
            np.matmul(rows, columns.T, out=products.reshape(len(rows), len(columns)))
            row, column = np.divmod(np.flatnonzero(products >= threshold - SLACK), len(columns))
            upper = row + top < column + left
            first, second = row[upper] + top, column[upper] + left
            similarity = cosines(vectors, first, second)
            yield Pairs(first, second, similarity).where(similarity >= threshold)
