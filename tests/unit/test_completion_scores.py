"""executed(o, v) and reward(p, o): by hand, by a plain reading of random frames, and never falling."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.contracts import broken
from dft_pipeline.tables import TABLES
from dft_pipeline.training.rewards import completion_scores
from tests.unit import strategies as some
from tests.unit.rated_world import (
    ANN,
    BOB,
    COMPLETIONS,
    CRITERIA,
    WEIGHTS,
    completion,
    reward_rows,
    rubric,
    score,
    scores,
)

RUBRIC = some.frame("rubric_rows", rubric())
ROWS = some.frame("reward_rows", reward_rows())
PLACES = [(value, index) for value, criteria in CRITERIA.items() for index in range(len(criteria))]


def scored(*rows: some.Row, completions: list[some.Row] = COMPLETIONS) -> pl.DataFrame:
    found = completion_scores(some.frame("completions", completions), scores(*rows), RUBRIC, ROWS)
    table = TABLES["completion_scores"]
    assert broken(found, table.contract, table.rules).is_empty()
    return found


def of(found: pl.DataFrame, completion_id: str) -> dict[int, dict[str, Any]]:
    rows = found.filter(completion_id=completion_id).iter_rows(named=True)
    return {row["value_id"]: row for row in rows}


def test_the_reward_by_hand() -> None:
    """Two thirds of value 3, half of value 7: 0.75 · 2/3 + 0.25 · 1/2 = 0.625."""
    marks = {(3, 0): True, (3, 1): True, (3, 2): False, (7, 0): False, (7, 1): True}
    found = of(scored(*(score("c1", *place, met) for place, met in marks.items())), "c1")
    assert {value: row["executed"] for value, row in found.items()} == {3: pytest.approx(2 / 3), 7: 0.5}
    assert [row["reward"] for row in found.values()] == pytest.approx([0.625] * 2)
    three = found[3]
    assert (three["weight"], three["criteria"], three["criteria_scored"], three["criteria_met"]) == (
        pytest.approx(0.75),
        3,
        3,
        2.0,
    )
    assert (three["share"], three["context_score"]) == (0.6, 0.9), "of the row with the largest product"
    assert (three["row_ids"], three["split"], three["fold"], three["scored_by"]) == (
        ["row 3"],
        "train",
        1,
        "model",
    )


def test_every_completion_that_takes_part_has_a_row_per_value_scored_or_not() -> None:
    found = scored()
    assert found.select("completion_id", "value_id").rows() == [("c1", 3), ("c1", 7), ("c2", 3), ("c2", 7)]
    for column in ("executed", "reward", "scored_by"):
        assert found[column].null_count() == 4, column
    assert set(found["criteria_scored"]) == {0}


def test_people_count_alone_where_any_of_them_rated_and_share_their_yes() -> None:
    model = [score("c1", *place, True) for place in PLACES]
    people = [
        score("c1", 7, 0, True, rater=ANN),
        score("c1", 7, 0, False, rater=BOB),
        score("c1", 7, 1, False, rater=ANN),
    ]
    found = of(scored(*model, *people), "c1")
    assert (found[7]["scored_by"], found[7]["criteria_met"], found[7]["executed"]) == ("people", 0.5, 0.25)
    assert (found[3]["scored_by"], found[3]["executed"]) == ("model", 1.0)
    assert found[3]["reward"] == pytest.approx(0.75 + 0.25 * 0.25)


def test_one_rating_of_people_puts_the_model_aside_for_the_value() -> None:
    model = [score("c1", *place, True) for place in PLACES]
    found = of(scored(*model, score("c1", 7, 0, True, rater=ANN)), "c1")
    assert (found[7]["scored_by"], found[7]["criteria_scored"], found[7]["executed"]) == ("people", 1, None)
    assert found[3]["executed"] == 1.0
    assert {row["reward"] for row in found.values()} == {None}, "the reward needs every value"


def test_what_has_nothing_wise_or_is_set_aside_has_no_row() -> None:
    away = [completion("off", prompt="bread"), completion("gone", set_aside_for="leak")]
    assert scored(completions=away).is_empty()


ANSWERS = st.lists(st.sampled_from([True, False, True, False, True, None]), min_size=5, max_size=5)
WHO = st.tuples(*(st.sampled_from([("m",), ("m", ANN), (ANN, BOB), ("m", ANN, BOB), ()]) for _ in WEIGHTS))
Marks = Mapping[tuple[str, tuple[int, int], str], bool]


@st.composite
def markings(draw: st.DrawFn) -> Marks:
    """Who scores a completion by each value, most of them by every criterion."""
    raters = dict(zip(WEIGHTS, draw(WHO), strict=True))
    given_by = {who: dict(zip(PLACES, draw(ANSWERS), strict=True)) for who in ("m", ANN, BOB)}
    return {
        ("c1", place, who): met
        for who, marks in given_by.items()
        for place, met in marks.items()
        if met is not None and who in raters[place[0]]
    }


def rows_of(marks: Marks) -> list[some.Row]:
    return [
        score(name, *place, met, **({} if who == "m" else {"rater": who}))
        for (name, place, who), met in marks.items()
    ]


def plain(marks: Marks, name: str) -> tuple[dict[int, float | None], float | None]:
    """executed by value, and the reward, as the domain has them."""
    executed: dict[int, float | None] = {}
    for value, criteria in CRITERIA.items():
        theirs = {
            (index, who): met for (one, (v, index), who), met in marks.items() if (one, v) == (name, value)
        }
        has_people = any(who != "m" for _, who in theirs)
        said = [
            [met for (index, who), met in theirs.items() if index == wanted and (who != "m") == has_people]
            for wanted in range(len(criteria))
        ]
        whole = all(said)
        executed[value] = sum(sum(one) / len(one) for one in said) / len(said) if whole else None
    if None in executed.values():
        return executed, None
    return executed, sum(WEIGHTS[value] * float(share or 0) for value, share in executed.items())


@given(markings())
def test_scores_are_those_of_a_plain_reading(marks: Marks) -> None:
    rows = of(scored(*rows_of(marks)), "c1")
    executed, reward = plain(marks, "c1")
    assert {value: row["executed"] for value, row in rows.items()} == pytest.approx(executed)
    assert [row["reward"] for row in rows.values()] == pytest.approx([reward] * 2)


@given(st.lists(st.booleans(), min_size=5, max_size=5), st.sampled_from(range(5)))
def test_one_more_met_criterion_never_lowers_the_reward(met: list[bool], more: int) -> None:
    def reward(marks: list[bool]) -> float:
        rows = [score("c1", *place, one) for place, one in zip(PLACES, marks, strict=True)]
        return float(of(scored(*rows), "c1")[3]["reward"])

    before, after = reward(met), reward([one or place == more for place, one in enumerate(met)])
    assert after >= before
    assert met[more] or after > before


@given(markings(), st.randoms(use_true_random=False))
def test_the_order_of_scores_is_no_matter(marks: Marks, dice: Any) -> None:
    rows = rows_of(marks)
    shuffled = list(rows)
    dice.shuffle(shuffled)
    given_so = some.frame("criterion_scores", shuffled)
    found = completion_scores(some.frame("completions", COMPLETIONS[::-1]), given_so, RUBRIC.reverse(), ROWS)
    assert found.equals(scored(*rows))
