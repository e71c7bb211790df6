"""Which vectors are similar, by their cosines: exactly, and in memory that grows with what is found.

Vectors are rounded to whole numbers so small that every sum of their products is exact in float32, in
whatever order it is added up. So the same pairs are found on every machine, in every order of the rows,
and whatever stands beside them.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SCALE = 4000  # its square, the largest product of two rows, stays below 2 ** 24 by a margin for the rounding
ROWS, COLUMNS = 1024, 4096  # of a block: 16 MB of products

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Whole = NDArray[np.int16]


class Pairs(NamedTuple):
    """Pairs of rows, with the cosine of each to about 1e-4."""

    first: Indices
    second: Indices
    similarity: Floats

    def where(self, chosen: NDArray[np.bool_] | Indices) -> "Pairs":
        return Pairs(self.first[chosen], self.second[chosen], self.similarity[chosen])


def whole(vectors: NDArray[np.float32]) -> Whole:
    """Vectors of length 1, or 0, in whole numbers: what the other functions here take."""
    rounded: Whole = np.rint(vectors * np.float32(SCALE)).astype(np.int16)
    return rounded


def neighbours(vectors: Whole, threshold: float) -> Pairs:
    """The pairs of rows with a cosine of at least `threshold`: first < second, sorted."""
    tops = range(0, len(vectors), ROWS)
    rows = (np.arange(top, min(top + ROWS, len(vectors))) for top in tops)
    found = (between(vectors, some, np.arange(some[0], len(vectors)), threshold) for some in rows)
    pairs = joined(found)
    return pairs.where(pairs.first < pairs.second)


def between(vectors: Whole, rows: Indices, others: Indices, threshold: float) -> Pairs:
    """The pairs of one of `rows` and another one of `others` with such a cosine; sorted."""
    return joined(
        _near(vectors, some, more, threshold)
        for some in _parts(rows, ROWS)
        for more in _parts(others, COLUMNS)
    )


def has_neighbour(vectors: Whole, threshold: float) -> NDArray[np.bool_]:
    """Which rows have such a cosine with another one."""
    found = np.zeros(len(vectors), np.bool_)
    every = np.arange(len(vectors))
    for some in _parts(every, ROWS):
        for more in _parts(every, COLUMNS):
            found[_near(vectors, some, more, threshold).first] = True
    return found


def cosines(vectors: Whole, first: Indices, second: Indices) -> Floats:
    """The cosine of each pair of rows, as the other functions give it."""
    parts = np.array_split(np.arange(len(first)), len(first) // ROWS + 1)
    products = [
        np.einsum("nd,nd->n", vectors[first[part]], vectors[second[part]], dtype=np.int64) for part in parts
    ]
    return _cosine(np.concatenate(products))


def joined(found: Iterable[Pairs]) -> Pairs:
    """Pairs that were found in parts, sorted."""
    parts = [Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)), *found]
    first, second, similarity = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Pairs(first, second, similarity).where(np.lexsort((second, first)))


def _near(vectors: Whole, rows: Indices, others: Indices, threshold: float) -> Pairs:
    products = vectors[rows].astype(np.float32) @ vectors[others].astype(np.float32).T
    row, other = np.divmod(np.flatnonzero(products >= threshold * SCALE**2 - 1), len(others))
    pairs = Pairs(rows[row], others[other], _cosine(products[row, other]))
    return pairs.where((pairs.similarity >= threshold) & (pairs.first != pairs.second))


def _cosine(products: NDArray[np.float32] | Indices) -> Floats:
    return (products.astype(np.float64) / SCALE**2).clip(-1, 1)


def _parts(rows: Indices, size: int) -> Iterator[Indices]:
    return (rows[top : top + size] for top in range(0, len(rows), size))
