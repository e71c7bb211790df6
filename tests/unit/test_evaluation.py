"""How two groupings agree, against scikit-learn; and which threshold agrees best."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, precision_recall_fscore_support
from sklearn.metrics.cluster import pair_confusion_matrix

from dft_pipeline.values.evaluation import agreement, best_threshold, by_grouping, by_threshold

groupings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12)


def _grouping(values: list[int], first: int = 0) -> pl.DataFrame:
    ids = range(first, first + len(values))
    return pl.DataFrame({"card_kind": "card", "card_id": ids, "value_id": values})


@given(groupings)
def test_pairs_and_rand_index_are_those_of_scikit_learn(values: list[tuple[int, int]]) -> None:
    found, true = ([*column] for column in zip(*values, strict=True))
    score = agreement(_grouping(found), _grouping(true))
    (_, false), (missed, both) = pair_confusion_matrix(true, found) // 2
    assert score.precision == (both / (both + false) if both + false else None)
    assert score.recall == (both / (both + missed) if both + missed else None)
    assert (score.in_found, score.in_truth, score.in_both) == (both + false, both + missed, both)
    one_way = len({*found}) == len({*true}) in (1, len(found))
    expected = None if one_way else pytest.approx(adjusted_rand_score(true, found))
    assert score.adjusted_rand == expected, "where both put all together, or all apart, chance has no part"


def test_only_cards_that_both_have_count() -> None:
    score = agreement(_grouping([1, 1, 2, 2]), _grouping([7, 8, 8], first=1))
    assert score[:4] == (3, 1.0, 1.0, 1.0)


def test_nothing_in_common_gives_no_rates() -> None:
    assert agreement(_grouping([1]), _grouping([1], first=5)) == (0, None, None, None, None, 0, 0, 0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=12))
def test_thresholds_are_scored_as_scikit_learn_does(pairs: list[tuple[float, bool]]) -> None:
    similarity, same = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    rows = by_threshold(similarity, same, (0.75, 0.25))
    assert rows["threshold"].to_list() == [0.25, 0.75]
    for threshold, *rates in rows.iter_rows():
        expected = precision_recall_fscore_support(
            same, similarity >= threshold, average="binary", zero_division=np.nan
        )
        known = [(rate, wanted) for rate, wanted in zip(rates, expected, strict=False) if rate is not None]
        assert [rate for rate, _ in known] == pytest.approx([wanted for _, wanted in known])


def test_pairs_too_different_to_be_candidates_are_missed() -> None:
    rows = by_threshold(np.array([0.9, 0.8]), np.array([True, False]), (0.5,), others_same=3)
    assert rows.rows() == [(0.5, 0.5, 0.25, 1 / 3)]


def test_the_threshold_with_the_best_groups() -> None:
    groups = {0.2: [1, 1, 1, 1], 0.5: [1, 1, 2, 2], 0.6: [1, 1, 2, 2], 0.9: [1, 2, 3, 4]}
    rows = by_grouping(lambda threshold: _grouping(groups[threshold]), _grouping([5, 5, 6, 6]), [*groups])
    assert rows["f1"].to_list() == pytest.approx([0.5, 1, 1, 0])
    assert best_threshold(rows) == 0.6, "of equals the higher: what is apart stays apart"


def test_nothing_to_calibrate_on() -> None:
    with pytest.raises(ValueError, match="no threshold has an f1"):
        best_threshold(by_threshold(np.array([0.1]), np.array([False]), (0.5,)))
