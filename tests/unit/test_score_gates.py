"""What the gates of scores see: silence, ratings that count for nothing, judges without agreement."""

import polars as pl

from dft_pipeline.policies import Training
from dft_pipeline.tables import TABLES
from dft_pipeline.training.agreement import judge_agreement
from dft_pipeline.training.gates import (
    ALL_JUDGED,
    FULL_REWARDS,
    IMPERSONAL,
    NONE_LEFT_OUT,
    NONE_WITHHELD,
    SCORE_GATES,
    TRUSTED,
    measured_scores,
)
from dft_pipeline.training.ratings import ratings_left_out, sorted_ratings
from dft_pipeline.training.rewards import completion_scores
from tests.unit import strategies as some
from tests.unit.rated_world import ANN, rating, ratings, reward_rows, score, scores, snapshot

WORLD = snapshot()
RATED = sorted_ratings(ratings(rating(explanation="Ask ann@example.org"), rating("c2")), WORLD).kept
JUDGING = Training(judges=True)


def tables(*rows: some.Row, **changes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    said = scores(*rows)
    rewards = some.frame("reward_rows", reward_rows())
    return {
        "criterion_scores": said,
        "ratings_left_out": TABLES["ratings_left_out"].schema.to_frame(),
        "judge_agreement": judge_agreement(said, JUDGING),
        "completion_scores": completion_scores(WORLD.completions, said, WORLD.rubric_rows, rewards),
        **changes,
    }


def seen(settings: Training = JUDGING, *rows: some.Row, **changes: pl.DataFrame) -> dict[str, float | None]:
    found = measured_scores(WORLD, RATED, tables(*rows, **changes), settings)
    assert {one.gate for one in found} == set(SCORE_GATES)
    return {one.gate.name: one.value for one in found}


def test_completions_without_an_answer_are_counted_where_a_model_judges() -> None:
    assert seen()[ALL_JUDGED.name] == 2
    assert seen(JUDGING, score("c1", 3, 0, True))[ALL_JUDGED.name] == 1
    assert seen(Training())[ALL_JUDGED.name] is None, "nobody was asked"


def test_a_judge_that_is_not_trusted_is_counted_with_its_kappa() -> None:
    rows = [score("c1", 3, index, index == 0) for index in range(3)]
    rows += [score("c1", 3, index, index == 0, rater=ANN) for index in range(3)]
    (found,) = [one for one in measured_scores(WORLD, RATED, tables(*rows), JUDGING) if one.gate is TRUSTED]
    assert (found.value, found.rows, found.seen) == (1, ("judge-1",), "judge-1: kappa 1.00 of 3 items")
    assert seen()[TRUSTED.name] == 0, "without a judge there is nobody to doubt"


def test_explanations_that_look_personal_are_counted_and_stop_a_night_where_they_stand() -> None:
    assert (seen()[NONE_WITHHELD.name], NONE_WITHHELD.blocks) == (1, False)
    personal = {"explanation": "Ask ann@example.org"}
    rows = [score("c1", 3, 0, True, **personal), score("c1", 3, 0, True, rater=ANN, **personal)]
    assert (seen()[IMPERSONAL.name], seen(JUDGING, *rows[:1])[IMPERSONAL.name]) == (0, 0)
    assert (seen(JUDGING, *rows)[IMPERSONAL.name], IMPERSONAL.blocks) == (1, True)


def test_ratings_that_count_for_nothing_are_counted() -> None:
    left_out = ratings_left_out(sorted_ratings(ratings(rating("c9")), WORLD))
    assert seen(JUDGING, ratings_left_out=left_out)[NONE_LEFT_OUT.name] == 1


def test_weights_that_do_not_sum_to_one_are_seen() -> None:
    assert seen()[FULL_REWARDS.name] == 0
    heavy = tables()["completion_scores"].with_columns(weight=pl.lit(0.9))
    assert seen(JUDGING, completion_scores=heavy)[FULL_REWARDS.name] == 2
