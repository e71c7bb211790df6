"""Agreement of judge and people, against scikit-learn, textbooks, and Krippendorff's own definition."""

import math
import warnings
from collections.abc import Sequence
from itertools import permutations, product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from dft_pipeline.policies import Training
from dft_pipeline.tables import TABLES
from dft_pipeline.training.agreement import (
    Kappa,
    judge_agreement,
    kappa,
    ordinal_alpha,
    trusted,
    weighted_kappa,
)
from tests.unit.rated_world import ANN, BOB, EVE, score, scores

SCORES = range(5)
PAIRS = st.lists(st.tuples(st.sampled_from(SCORES), st.sampled_from(SCORES)), min_size=1, max_size=12)


def counted(pairs: list[tuple[int, int]], size: int = len(SCORES)) -> np.ndarray[Any, Any]:
    table = np.zeros((size, size))
    for pair in pairs:
        table[pair] += 1
    return table


def oracle(pairs: list[tuple[int, int]], **weights: str) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 0 / 0, where there is no kappa
        return float(cohen_kappa_score(*zip(*pairs, strict=True), labels=list(SCORES), **weights))


def plain_alpha(units: Sequence[Sequence[int]]) -> float | None:
    """Krippendorff's alpha as he defines it, of any number of observers: a unit has two values or more."""
    values = [value for unit in units for value in unit]
    of = {value: values.count(value) for value in range(max(values) + 1)}

    def distance(one: int, other: int) -> float:
        low, high = sorted((one, other))
        return (sum(of[g] for g in range(low, high + 1)) - (of[low] + of[high]) / 2) ** 2

    within = [sum(distance(*pair) for pair in permutations(unit, 2)) / (len(unit) - 1) for unit in units]
    expected = sum(distance(*pair) for pair in permutations(values, 2)) / (len(values) - 1)
    return 1 - sum(within) / expected if expected else None


@given(PAIRS)
def test_kappas_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    table = counted(pairs)
    for found, expected in (
        (kappa(table).value, oracle(pairs)),
        (weighted_kappa(table), oracle(pairs, weights="quadratic")),
    ):
        assert (found is None) == math.isnan(expected)
        assert found is None or found == pytest.approx(expected)


def test_the_plain_reading_gives_krippendorffs_own_example() -> None:
    """His four observers of twelve units (2011): 0.815; a unit with one value says nothing."""
    seen = ("111", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3")
    units = [[int(value) for value in unit] for unit in seen]
    assert plain_alpha([unit for unit in units if len(unit) > 1]) == pytest.approx(0.815, abs=5e-4)


@given(PAIRS)
def test_alpha_is_krippendorffs(pairs: list[tuple[int, int]]) -> None:
    found, expected = ordinal_alpha(counted(pairs)), plain_alpha(pairs)
    assert found == (None if expected is None else pytest.approx(expected))


@given(PAIRS)
def test_intervals_hold_the_value_and_stay_within_bounds(pairs: list[tuple[int, int]]) -> None:
    found = kappa(counted(pairs))
    if found.value is not None:
        assert -1 <= found.low <= found.value <= found.high <= 1  # type: ignore[operator]


def test_the_textbook_of_husbands_and_wives() -> None:
    """Agresti's (1990) 91 couples: 0.129, standard error 0.0686, as R's `vcd::Kappa(SexualFun)` prints."""
    table = np.array([[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]], np.float64)
    found = kappa(table)
    assert found.value == pytest.approx(0.1293, abs=5e-5)
    assert (found.high - found.value) / 1.96 == pytest.approx(0.0686, abs=5e-5)  # type: ignore[operator]


def test_two_readers_of_fifty_proposals() -> None:
    """20 yes by both, 15 no by both: 0.7 agree, 0.5 by chance, kappa 0.4; the error by Fleiss's formula."""
    table = np.array([[20, 5], [10, 15]], np.float64)
    found = kappa(table)
    assert found.value == pytest.approx(0.4)
    p = table / 50
    rows, columns = p.sum(1), p.sum(0)
    on = sum(p[i, i] * (1 - (rows[i] + columns[i]) * (1 - 0.4)) ** 2 for i in range(2))
    off = (1 - 0.4) ** 2 * sum(p[i, j] * (columns[i] + rows[j]) ** 2 for i, j in ((0, 1), (1, 0)))
    error = math.sqrt((on + off - (0.4 - 0.5 * (1 - 0.4)) ** 2) / (50 * (1 - 0.5) ** 2))
    assert (found.low, found.high) == pytest.approx((0.4 - 1.96 * error, 0.4 + 1.96 * error))


def test_alpha_of_full_agreement_is_one_and_of_one_score_alone_is_unknown() -> None:
    assert ordinal_alpha(counted([(0, 0), (4, 4)])) == 1
    assert ordinal_alpha(counted([(2, 2), (2, 2)])) is None
    assert ordinal_alpha(counted([])) is None


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ([[0, 0], [0, 0]], Kappa(None, None, None)),
        ([[9, 0], [0, 0]], Kappa(None, None, None)),
        ([[5, 0], [0, 5]], Kappa(1.0, 1.0, 1.0)),
    ],
)
def test_kappa_of_nothing_of_one_word_and_of_all(table: list[list[int]], found: Kappa) -> None:
    assert kappa(np.array(table, np.float64)) == found


# The table

C = Training(min_items=3, min_kappa=0.6)


def test_peoples_side_is_their_majority_and_a_tie_is_counted() -> None:
    people = [
        score("c1", 3, 0, True, rater=ANN, score=5),
        score("c1", 3, 0, True, rater=BOB, score=4),
        score("c1", 3, 0, False, rater=EVE, score=2),
        score("c2", 3, 0, True, rater=ANN, score=4),
        score("c2", 3, 0, False, rater=BOB, score=3),
        score("c3", 3, 0, False, rater=ANN),
        score("c4", 7, 1, False, rater=ANN, score=1),
    ]
    judge = [
        score("c1", 3, 0, True, score=4),
        score("c2", 3, 0, True, score=4),
        score("c3", 3, 0, False, score=2),
        score("c4", 7, 1, True, score=3),
        score("c5", 7, 1, True, score=3),
    ]
    found = judge_agreement(scores(*people, *judge), C)
    assert found.columns == list(TABLES["judge_agreement"].columns)
    columns = ("value_id", "criterion_index", "items", "ties", "agreed", "scored_items", "scored_ties")
    assert set(found.select(columns).rows()) == {
        (None, None, 3, 1, 2, 2, 1),
        (3, 0, 2, 1, 2, 1, 1),
        (7, 1, 1, 0, 0, 1, 0),
    }
    of_all = found.row(by_predicate=pl.col("value_id").is_null(), named=True)
    assert of_all["percent"] == pytest.approx(2 / 3)
    assert of_all["kappa"] == pytest.approx(oracle([(1, 1), (0, 0), (1, 0)]))
    assert of_all["weighted_kappa"] == pytest.approx(oracle([(3, 3), (2, 0)], weights="quadratic"))
    assert of_all["alpha"] == pytest.approx(plain_alpha([(3, 3), (2, 0)]))


def test_trust_takes_enough_items_and_enough_agreement_and_is_of_all_criteria() -> None:
    def found(items: int, wrong: int) -> list[bool | None]:
        marks = [(f"c{n}", n % 2 == 0, (n % 2 == 0) != (n < wrong)) for n in range(items)]
        rows = [score(name, 3, 0, said) for name, said, _ in marks]
        rows += [score(name, 3, 0, said, rater=ANN) for name, _, said in marks]
        table = judge_agreement(scores(*rows), C)
        return sorted(table["is_trusted"].to_list(), key=lambda one: one is None)

    assert found(2, 0) == [False, None], "too few items"
    assert found(4, 0) == [True, None]
    assert found(10, 2) == [True, None], "kappa 0.6"
    assert found(10, 3) == [False, None], "kappa 0.4"
    assert not trusted({"items": 100, "kappa": None}, C)
    assert trusted({"items": 100, "kappa": 0.6}, Training())
    assert not trusted({"items": 99, "kappa": 1.0}, Training())
    assert not trusted({"items": 100, "kappa": 0.59}, Training())


def test_a_judge_beside_nobody_has_a_row_and_nobody_beside_no_judge_has_none() -> None:
    alone = judge_agreement(scores(score("c1", 3, 0, True)), C)
    assert alone.select("value_id", "judge", "items", "percent", "kappa", "is_trusted").rows() == [
        (None, "judge-1", 0, None, None, False)
    ]
    assert judge_agreement(scores(score("c1", 3, 0, True, rater=ANN)), C).is_empty()
    assert judge_agreement(scores(), C).is_empty()


def test_each_judge_is_compared_with_the_same_people() -> None:
    judges = [
        score("c1", 3, 0, said, rater=name, rater_role="model", call_id="0" * 64)
        for name, said in (("one", True), ("two", False))
    ]
    found = judge_agreement(scores(*judges, score("c1", 3, 0, True, rater=ANN)), C)
    agreed = {(row["judge"], row["value_id"]): row["agreed"] for row in found.iter_rows(named=True)}
    assert agreed == dict(product_of(("one", 1), ("two", 0)))


def product_of(*judges: tuple[str, int]) -> list[tuple[tuple[str, int | None], int]]:
    return [((name, value), agreed) for (name, agreed), value in product(judges, (None, 3))]
