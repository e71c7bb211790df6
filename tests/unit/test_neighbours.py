"""All pairs above a cosine, against the whole matrix of them in whole numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dft_pipeline.values import neighbours as module
from dft_pipeline.values.neighbours import SCALE, Pairs, between, cosines, has_neighbour, neighbours, whole
from dft_pipeline.values.similarity import unit

Found = dict[tuple[int, int], float]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few vectors are many blocks, with narrow ones at the ends."""
    monkeypatch.setattr(module, "ROWS", 3)
    monkeypatch.setattr(module, "COLUMNS", 7)


def _vectors(seed: int, count: int) -> NDArray[np.float32]:
    """Some alike, one the same twice and one of length 0."""
    draw = np.random.default_rng(seed)
    around = draw.standard_normal((3, 8))[draw.integers(0, 3, count)]
    vectors = unit((around + 0.5 * draw.standard_normal((count, 8))).astype(np.float32))
    vectors[count // 2 :: 5] = vectors[0]
    vectors[count // 3] = 0
    return vectors


def _all_pairs(vectors: NDArray[np.float32], threshold: float) -> Found:
    """In Python's own whole numbers, which have no limit."""
    rows = whole(vectors).tolist()
    found = {}
    for first, one in enumerate(rows):
        for second in range(first + 1, len(rows)):
            product = sum(a * b for a, b in zip(one, rows[second], strict=True))
            found[first, second] = min(product / SCALE**2, 1.0)
    return {pair: cosine for pair, cosine in found.items() if cosine >= threshold}


def _found(pairs: Pairs) -> Found:
    columns = (column.tolist() for column in pairs)
    return {(a, b): cosine for a, b, cosine in zip(*columns, strict=True)}


many = st.tuples(st.integers(0, 1000), st.integers(1, 30)).map(lambda drawn: _vectors(*drawn))
bounds = st.sampled_from((-1.0, 0.0, 0.5, 0.9))


@given(vectors=many, threshold=bounds)
def test_every_pair_above_the_threshold_and_no_other(vectors: NDArray[np.float32], threshold: float) -> None:
    found, expected = _found(neighbours(whole(vectors), threshold)), _all_pairs(vectors, threshold)
    assert list(found) == sorted(expected)
    assert found == expected, "to the last digit"


@given(vectors=many, threshold=bounds, seed=st.integers(0, 1000))
def test_the_order_of_the_vectors_changes_nothing(
    vectors: NDArray[np.float32], threshold: float, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(vectors))
    moved = _found(neighbours(whole(vectors[order]), threshold))
    back = {(min(order[a], order[b]), max(order[a], order[b])): cosine for (a, b), cosine in moved.items()}
    assert back == _found(neighbours(whole(vectors), threshold)), "to the last digit"


@given(vectors=many, threshold=bounds, seed=st.integers(0, 1000))
def test_between_two_sets_of_rows(vectors: NDArray[np.float32], threshold: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows, others = (np.flatnonzero(draw.integers(0, 2, len(vectors))) for _ in range(2))
    every = _all_pairs(vectors, threshold)
    expected = {
        (a, b): every[min(a, b), max(a, b)]
        for a in rows.tolist()
        for b in others.tolist()
        if (min(a, b), max(a, b)) in every
    }
    pairs = between(whole(vectors), rows[::-1], others, threshold)
    assert list(_found(pairs)) == sorted(expected)
    assert _found(pairs) == expected
    assert (cosines(whole(vectors), pairs.first, pairs.second) == pairs.similarity).all()


@given(vectors=many, threshold=bounds)
def test_who_has_any(vectors: NDArray[np.float32], threshold: float) -> None:
    some = {row for pair in _all_pairs(vectors, threshold) for row in pair}
    assert set(np.flatnonzero(has_neighbour(whole(vectors), threshold)).tolist()) == some


def test_cosines_are_those_of_the_vectors() -> None:
    vectors = _vectors(1, 30)
    exact = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    for (a, b), cosine in _found(neighbours(whole(vectors), -1)).items():
        assert cosine == pytest.approx(exact[a, b], abs=5e-4)


def test_products_of_the_longest_rows_are_exact_in_float32() -> None:
    """The rounding may lengthen a row: by less than leads to a sum that float32 cannot hold."""
    dimensions = 4096
    worst = (SCALE + 0.5 * np.sqrt(dimensions)) ** 2
    assert worst < 2**24
    row = np.full((1, dimensions), np.float32(1 / np.sqrt(dimensions)))
    assert whole(row).astype(np.int64).sum() == dimensions * round(SCALE / np.sqrt(dimensions))


def test_no_vectors_have_no_pairs() -> None:
    assert _found(neighbours(whole(np.zeros((0, 8), np.float32)), 0.5)) == {}
