"""The correlation of being chosen with length, against numpy's over the single texts; and the matching."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.training.lengths import length_correlation, unlike

LENGTHS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=25)


def frame(lengths: list[tuple[int, int]]) -> pl.DataFrame:
    schema = {"pair_id": pl.String, "chosen_length": pl.Int64, "rejected_length": pl.Int64}
    rows = [(f"{number:03}", *both) for number, both in enumerate(lengths)]
    return pl.DataFrame(rows, schema, orient="row")


def over_texts(lengths: list[tuple[int, int]]) -> float | None:
    """Pearson's r of the 2n texts, each pair's mean taken off."""
    chosen, logs = [], []
    for one, other in lengths:
        both = [math.log(max(length, 1)) for length in (one, other)]
        chosen += [0.5, -0.5]
        logs += [log - sum(both) / 2 for log in both]
    return float(np.corrcoef(chosen, logs)[0, 1]) if any(logs) else None


@given(LENGTHS)
def test_the_correlation_is_that_of_the_single_texts(lengths: list[tuple[int, int]]) -> None:
    found, expected = length_correlation(frame(lengths)), over_texts(lengths)
    assert (found is None) == (expected is None)
    assert found is None or found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("lengths", "found"),
    [
        ([], None),
        ([(5, 5)], None),
        ([(20, 10)], 1.0),
        ([(20, 10), (200, 100)], 1.0),
        ([(10, 20), (100, 200)], -1.0),
        ([(20, 10), (10, 20)], 0.0),
        ([(20, 10), (20, 10), (20, 10), (10, 20)], 0.5),
        ([(20, 10), (7, 7)], math.sqrt(0.5)),
    ],
)
def test_by_hand(lengths: list[tuple[int, int]], found: float | None) -> None:
    assert length_correlation(frame(lengths)) == (None if found is None else pytest.approx(found))


@given(LENGTHS, st.sampled_from((0.0, 0.15, 0.5)))
def test_what_stays_hardly_leans(lengths: list[tuple[int, int]], largest: float) -> None:
    pairs = frame(lengths)
    out = unlike(pairs, largest)
    assert abs(length_correlation(pairs.filter(~out)) or 0) <= largest + 1e-9
    same = pairs.sample(fraction=1, shuffle=True, seed=3)
    assert set(same.filter(unlike(same, largest))["pair_id"]) == set(pairs.filter(out)["pair_id"])


def test_those_that_lean_furthest_go_first_and_no_more_than_need_be() -> None:
    pairs = frame([(30, 10), (10, 12), (12, 10), (80, 10), (10, 11)])
    assert pairs.filter(unlike(pairs, 0.15))["pair_id"].to_list() == ["000", "003", "004"]
    assert pairs.filter(unlike(pairs, 0.21))["pair_id"].to_list() == ["000", "003"]
    assert unlike(pairs, 1.0).sum() == 0


def test_where_all_lean_one_way_only_those_of_one_length_stay() -> None:
    pairs = frame([(11, 10), (12, 10), (9, 9), (13, 10)])
    assert pairs.filter(~unlike(pairs, 0.15))["pair_id"].to_list() == ["002"]


def test_ten_thousand_pairs_are_matched_at_once() -> None:
    draws = np.random.default_rng(1).integers(50, 900, (10_000, 2))
    pairs = frame([(int(one) + 200, int(other)) for one, other in draws])
    out = unlike(pairs, 0.15)
    assert length_correlation(pairs.filter(~out)) == pytest.approx(0.15, abs=0.001)
    assert 0 < out.sum() < 5_000


def test_sums_lose_nothing_while_pairs_go() -> None:
    """Thousands of large differences go before one that is two hundred thousand times smaller."""
    long = [(40_000 + number % 7, 50 + number % 11) for number in range(30_000)]
    pairs = frame([*long, (50_001, 50_000)])
    kept = pairs.filter(~unlike(pairs, 0.15))
    assert length_correlation(kept) is None, "none is left but those of one length"
