"""All pairs above a cosine, against the whole matrix of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dft_pipeline.values import neighbours as module
from dft_pipeline.values.neighbours import DIGITS, Pairs, neighbours
from dft_pipeline.values.similarity import unit


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few vectors are many blocks, with narrow ones at the ends."""
    monkeypatch.setattr(module, "ROWS", 3)
    monkeypatch.setattr(module, "COLUMNS", 7)
    monkeypatch.setattr(module, "AT_ONCE", 50)


def _vectors(seed: int, count: int) -> NDArray[np.float32]:
    """Some alike, one the same twice and one of length 0."""
    draw = np.random.default_rng(seed)
    around = draw.standard_normal((3, 8))[draw.integers(0, 3, count)]
    vectors = unit((around + 0.5 * draw.standard_normal((count, 8))).astype(np.float32))
    vectors[count // 2 :: 5] = vectors[0]
    vectors[count // 3] = 0
    return vectors


def _all_pairs(vectors: NDArray[np.float32], threshold: float) -> dict[tuple[int, int], float]:
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    first, second = np.triu_indices(len(vectors), 1)
    rows = zip(first.tolist(), second.tolist(), cosines[first, second].round(DIGITS).tolist(), strict=True)
    return {(a, b): cosine for a, b, cosine in rows if cosine >= threshold}


def _found(pairs: Pairs) -> dict[tuple[int, int], float]:
    columns = (column.tolist() for column in pairs)
    return {(a, b): cosine for a, b, cosine in zip(*columns, strict=True)}


many = st.tuples(st.integers(0, 1000), st.integers(1, 30)).map(lambda drawn: _vectors(*drawn))
bounds = st.sampled_from((-1.0, 0.0, 0.5, 0.9))


@given(vectors=many, threshold=bounds)
def test_every_pair_above_the_threshold_and_no_other(vectors: NDArray[np.float32], threshold: float) -> None:
    found, expected = _found(neighbours(vectors, threshold)), _all_pairs(vectors, threshold)
    assert list(found) == sorted(expected)
    assert found == pytest.approx(expected, abs=2 * 10**-DIGITS)


@given(vectors=many, threshold=bounds, seed=st.integers(0, 1000))
def test_the_order_of_the_vectors_changes_nothing(
    vectors: NDArray[np.float32], threshold: float, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(vectors))
    moved = _found(neighbours(vectors[order], threshold))
    back = {(min(order[a], order[b]), max(order[a], order[b])): cosine for (a, b), cosine in moved.items()}
    assert back == _found(neighbours(vectors, threshold)), "to the last digit"


@given(vectors=many, threshold=bounds, blocks=st.lists(st.sampled_from("ab"), min_size=30, max_size=30))
def test_only_within_a_block(vectors: NDArray[np.float32], threshold: float, blocks: list[str]) -> None:
    within = {
        pair: cosine
        for pair, cosine in _found(neighbours(vectors, threshold)).items()
        if blocks[pair[0]] == blocks[pair[1]]
    }
    assert _found(neighbours(vectors, threshold, blocks[: len(vectors)])) == within


def test_no_vectors_have_no_pairs() -> None:
    assert _found(neighbours(np.zeros((0, 8), np.float32), 0.5)) == {}
