"""Ratings and rankings: those that name what is there count, every other has the rule that leaves it out."""

from typing import Any

import polars as pl
import pytest

from dft_pipeline.contracts import broken
from dft_pipeline.policies import ParticipantPolicy
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.training.ratings import (
    completion_rankings,
    ratings_left_out,
    sorted_rankings,
    sorted_ratings,
)
from dft_pipeline.values.admission import set_aside
from dft_pipeline.values.withdrawal import Gone, is_gone
from tests.unit.rated_world import ANN, BOB, ranking, rankings, rating, ratings, snapshot
from tests.unit.small_world import another, world

NOBODY = "f" * 32


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, None),
        ({"completionId": "c9"}, "unknown_completion"),
        ({"completionId": "c9", "valueId": 8}, "unknown_completion"),
        ({"completionId": "gone"}, "set_aside_completion"),
        ({"valueId": 8}, "unknown_value"),
        ({"criterion": "FRIENDS"}, "unknown_criterion"),
        ({"criterion": "fears"}, "unknown_criterion"),
        ({"role": "author"}, "not_the_author"),
        ({"role": "author", "participant_id": ANN, "valueId": 7, "criterion": "LAWS"}, "not_the_author"),
        ({"role": "author", "participant_id": ANN}, None),
        ({"role": "expert", "participant_id": NOBODY}, None),
    ],
)
def test_a_rating_counts_or_has_the_first_rule_that_it_breaks(
    changes: dict[str, Any], rule: str | None
) -> None:
    found = sorted_ratings(ratings(rating(**changes)), snapshot())
    left_out = ratings_left_out(found)
    assert left_out["rule"].to_list() == ([] if rule is None else [rule])
    assert len(found.kept) == (rule is None), "once, whichever it is"
    if rule is not None:
        row = left_out.row(0, named=True)
        expected = {**rating(), **changes}
        assert (row["kind"], row["rater"], row["criterion"]) == (
            "rating",
            expected["participant_id"],
            expected["criterion"],
        )


def test_a_criterion_that_a_value_has_twice_is_rated_twice() -> None:
    one = snapshot()
    doubled = one.rubric_rows.with_columns(
        criterion=pl.when(value_id=3).then(pl.lit("FEARS")).otherwise("criterion")
    )
    kept = sorted_ratings(ratings(rating()), one._replace(rubric_rows=doubled)).kept
    assert sorted(kept["criterion_index"]) == [0, 1, 2]


def test_rankings_are_rows_and_the_others_are_left_out() -> None:
    found = sorted_rankings(
        rankings(
            ranking("c2", 1),
            ranking("c1", 1),
            ranking("gone", 2),
            ranking("c1", 1, valueId=8),
            ranking("c1", 3, role="author", participant_id=ANN),
        ),
        snapshot(),
    )
    rows = completion_rankings(found)
    columns = ("value_id", "prompt_id", "rater", "rater_role", "completion_id", "rank")
    assert rows.select(columns).rows() == [
        (7, "weed", BOB, "expert", "c1", 1),
        (7, "weed", BOB, "expert", "c2", 1),
    ]
    assert ratings_left_out(found).select("kind", "completion_id", "criterion", "rule").rows() == [
        ("ranking", "c1", None, "not_the_author"),
        ("ranking", "c1", None, "unknown_value"),
        ("ranking", "gone", None, "set_aside_completion"),
    ]


def test_without_completions_every_rating_is_left_out() -> None:
    nothing = snapshot()._replace(completions=snapshot().completions.clear())
    found = sorted_ratings(ratings(rating()), nothing)
    assert found.kept.is_empty()
    assert ratings_left_out(found)["rule"].to_list() == ["unknown_completion"]


# What admission says of them before


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"isMet": True, "score": 1}, "contradictory_score"),
        ({"isMet": False, "score": 5}, "contradictory_score"),
        ({"isMet": False, "score": 1}, None),
        ({"isMet": True, "score": None}, None),
        ({"isMet": False, "score": None}, None),
        ({"score": 6}, "out_of_range"),
        ({"role": "friend"}, "unknown_enum"),
    ],
)
def test_a_rating_that_contradicts_itself_is_set_aside(changes: dict[str, Any], rule: str | None) -> None:
    table = SOURCE_TABLES["criterionRating"]
    rows = ratings(rating(**changes))
    assert broken(rows, table.contract, table.rules)["broken_rule"].to_list() == (
        [] if rule is None else [rule]
    )


def test_ratings_of_who_is_left_out_do_not_count_and_an_expert_need_not_be_a_user() -> None:
    revoked = another("demographic", participant_id="c" * 32, usPoliticalAffiliation="CONSENT_REVOKED")
    gone = another("criterionRating", participant_id="c" * 32)
    stranger = another("criterionRating", 101, participant_id=NOBODY)
    expert = another("completionRanking", 102, participant_id="d" * 32)
    tables = world(demographic=[revoked], criterionRating=[gone, stranger], completionRanking=[expert])
    found = set_aside(tables, ParticipantPolicy(exclude_unknown=True))
    rules = found.filter(pl.col("table").is_in(["criterionRating", "completionRanking"]))
    assert rules.select("table", "rule").rows() == [
        ("criterionRating", "consent_revoked"),
        ("criterionRating", "unknown_participant"),
    ]


def test_ratings_and_rankings_leave_with_their_rater() -> None:
    gone = Gone(frozenset([1]))
    for table in ("criterionRating", "completionRanking"):
        rows = pl.DataFrame({"userId": [1, 2, -1]})
        assert rows.select(is_gone(table, gone)).to_series().to_list() == [True, False, False]
