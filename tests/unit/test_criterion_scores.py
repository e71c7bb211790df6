"""Scores by people and by a judge: who is asked what, and what becomes of each answer."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dft_pipeline.tables import TABLES
from dft_pipeline.training.ratings import sorted_ratings
from dft_pipeline.training.scores import Asked, Judge, Said, asked_of, criterion_scores, ordered, unjudged
from dft_pipeline.values.answers import CriteriaMet
from resources.language_model.faults import malformed
from tests.unit.rated_world import BOB, completion, rating, ratings, snapshot

CALL = "0" * 64


def judge_of(silent: Sequence[str] = (), name: str = "writer-2025-06-01") -> Judge:
    """Meets a criterion where it is longer than four letters; has no answer to some texts."""

    def judge(asked: Sequence[Asked]) -> list[Sequence[Said] | None]:
        return [
            None
            if one.answer in silent
            else [Said(len(c) > 4, len(c), f"of {c}", name, "judge_criteria-1", CALL) for c in one.criteria]
            for one in asked
        ]

    return judge


def scored(judge: Judge | None, *rated: dict[str, Any]) -> pl.DataFrame:
    world = snapshot()
    kept = sorted_ratings(ratings(*rated), world).kept
    found = criterion_scores(world.completions, world.rubric_rows, kept, judge)
    assert not found.select(TABLES["criterion_scores"].key).is_duplicated().any()
    return found


def test_a_judge_is_asked_once_a_completion_of_each_distinct_criterion() -> None:
    world = snapshot()
    assert asked_of(world.completions, world.rubric_rows) == {
        "c1": Asked("What about weed?", "The answer c1.", ("FEARS", "FRIENDS", "HOPES", "LAWS")),
        "c2": Asked("What about weed?", "Another.", ("FEARS", "FRIENDS", "HOPES", "LAWS")),
    }, "one that is set aside is not asked about"


def test_what_the_judge_says_stands_by_value_and_criterion() -> None:
    found = scored(judge_of()).filter(completion_id="c1")
    assert found.select(
        "value_id", "criterion_index", "criterion", "is_met", "score", "explanation"
    ).rows() == [
        (3, 0, "FEARS", True, 5, "of FEARS"),
        (3, 1, "HOPES", True, 5, "of HOPES"),
        (3, 2, "LAWS", False, 4, "of LAWS"),
        (7, 0, "LAWS", False, 4, "of LAWS"),
        (7, 1, "FRIENDS", True, 7, "of FRIENDS"),
    ], "one that two values share is answered once and counts for both"
    raters = found.select("rater", "rater_role", "prompt_version", "call_id").unique().rows()
    assert raters == [("writer-2025-06-01", "model", "judge_criteria-1", CALL)]


@pytest.mark.parametrize(
    ("wrote", "judges", "itself"),
    [
        ("writer-2025-01-01", "writer-2025-06-01", True),
        ("writer", "writer-2025-06-01", True),
        ("writer-mini", "writer-2025-06-01", False),
        ("writer-0613", "writer", True),
        ("Writer-20250101", "writer", True),
        (None, "writer", False),
    ],
)
def test_a_judge_of_its_own_words_is_marked(wrote: str | None, judges: str, itself: bool) -> None:
    world = snapshot(completion("c1", model=wrote))
    none = sorted_ratings(ratings(), world).kept
    found = criterion_scores(world.completions, world.rubric_rows, none, judge_of(name=judges))
    assert set(found["self_judged"]) == {itself}


def test_people_stand_beside_the_judge_and_what_is_silent_is_counted() -> None:
    found = scored(judge_of(silent=["Another."]), rating("c2", isMet=False, score=None), rating("c1"))
    assert found.filter(completion_id="c2").select("rater", "rater_role", "is_met", "call_id").rows() == [
        (BOB, "participant", False, None)
    ]
    assert len(found.filter(completion_id="c1")) == 5 + 1
    world = snapshot()
    assert unjudged(world.completions, world.rubric_rows, found).to_list() == ["c2"]


def test_without_a_judge_there_are_peoples_scores_alone() -> None:
    found = scored(None, rating())
    assert found.select("rater_role", "self_judged").rows() == [("participant", False)]
    assert scored(None).is_empty()


def test_an_explanation_that_looks_personal_is_withheld_and_its_score_counts() -> None:
    personal, plain = "Ann, 212-555-0123, said so.", "It asks."
    found = scored(None, rating(explanation=personal), rating("c2", explanation=plain))
    assert found.select("completion_id", "explanation", "score").rows() == [("c1", None, 4), ("c2", plain, 4)]


def test_a_judge_without_completions_is_not_called() -> None:
    def judge(asked: Sequence[Asked]) -> list[Sequence[Said] | None]:
        raise AssertionError("it was asked")

    world = snapshot(completion("gone", set_aside_for="leak"), completion("off", prompt="bread"))
    none = sorted_ratings(ratings(), world).kept
    assert criterion_scores(world.completions, world.rubric_rows, none, judge).is_empty()


# The order of the criteria

TEXTS = st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True).map(tuple)


@given(TEXTS, st.text(), st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_order_is_the_answers_own(criteria: tuple[str, ...], answer: str, seed: int, dice: Any) -> None:
    shuffled = list(criteria)
    dice.shuffle(shuffled)
    found = ordered(Asked("Why?", answer, criteria), seed)
    assert sorted(found) == sorted(criteria)
    assert found == ordered(Asked("Why?", answer, tuple(shuffled)), seed)


def test_seed_prompt_and_answer_change_the_order() -> None:
    criteria = tuple("abcdefgh")
    asked = [Asked("Why?", "So.", criteria), Asked("Why?", "No.", criteria), Asked("How?", "So.", criteria)]
    orders = [ordered(one, 0) for one in asked] + [ordered(asked[0], 1)]
    assert len(set(map(tuple, orders))) == 4
    firsts = [ordered(Asked("Why?", str(number), criteria), 0)[0] for number in range(400)]
    assert all(30 <= firsts.count(one) <= 75 for one in criteria), "each about as often first: 50 ± 7"


# What a model may answer

INPUT = {"prompt": "Why?", "answer": "So.", "criteria": {str(n): {"criterion": f"C{n}"} for n in (1, 2, 3)}}


def met(number: object, **changes: Any) -> dict[str, Any]:
    return {"number": number, "explanation": "It does.", "is_met": True, "score": 4, **changes}


def answered(*criteria: dict[str, Any]) -> CriteriaMet:
    return CriteriaMet.model_validate_json(json.dumps({"criteria": criteria}), context={"input": INPUT})


def test_answers_in_any_order_are_read_by_number() -> None:
    assert [one.number for one in answered(met(3), met(1), met(2, is_met=False, score=1)).criteria] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    ("criteria", "why"),
    [
        ([met(1), met(2)], "criteria: a criterion is not answered"),
        ([], "criteria: a criterion is not answered"),
        ([met(1), met(2), met(2)], "criteria: a criterion is answered twice"),
        ([met(1), met(2), met(3), met(4)], "criteria: a criterion is answered that was not asked"),
        (
            [met(1), met(2), met(3, score=1)],
            "criteria.2: a criterion is met and not at all, or not met and fully",
        ),
        ([met(1, is_met=False, score=5), met(2), met(3)], "criteria.0: a criterion is met and not at all"),
        ([met(1, is_met="yes"), met(2), met(3)], "criteria.0.is_met: Input should be a valid boolean"),
        ([met(1, score=0), met(2), met(3)], "criteria.0.score: Input should be 1, 2, 3, 4 or 5"),
        ([met(1, explanation=" "), met(2), met(3)], "criteria.0.explanation: it is empty"),
        ([met("1"), met(2), met(3)], "criteria.0.number: Input should be a valid integer"),
    ],
)
def test_an_impossible_answer_is_malformed(criteria: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValidationError) as impossible:
        answered(*criteria)
    said = malformed(impossible.value).why.removeprefix("the answer is not possible: ")
    assert said.startswith(why)


def test_the_explanation_is_thought_before_the_verdict() -> None:
    properties = CriteriaMet.model_json_schema()["$defs"]["CriterionMet"]["properties"]
    assert list(properties) == ["number", "explanation", "is_met", "score"]
