"""The fewest added answers that take an edge away: against every mix of answers there is."""

from itertools import combinations_with_replacement

import narwhals as nw
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.graph.consensus import with_rates, with_verdict
from dft_pipeline.graph.flips import votes_to_flip
from dft_pipeline.graph.tally import COUNTS
from dft_pipeline.policies import DEFAULT, PUBLISHED_2023, ConsensusPolicy

MOST = 6
# What one more answer adds to, in the order in which COUNTS are read here.
MARKS = ("marked_wiser", "marked_not_wiser", "marked_unsure", "marked_less_wise", None)  # None: back, but no
Answers = tuple[int, int, int, int, int]  # how many of each of MARKS there are


def counted(answers: Answers) -> dict[str, int]:
    marks = {mark: count for mark, count in zip(MARKS, answers, strict=True) if mark is not None}
    return {**marks, "judgments_both_ways": sum(answers)}


def reasons(answers: list[Answers], policy: ConsensusPolicy) -> list[str | None]:
    rows = pl.DataFrame([counted(one) for one in answers], schema=dict.fromkeys(COUNTS, pl.Int64))
    judged = with_verdict(with_rates(nw.from_native(rows.lazy()), policy), policy)
    return judged.to_native().collect()["rejection_reason"].to_list()


def brute_force(answers: Answers, policy: ConsensusPolicy) -> int | None:
    for added in range(1, MOST + 1):
        mixes = combinations_with_replacement(range(len(MARKS)), added)
        tried = [tuple(answers[k] + mix.count(k) for k in range(len(MARKS))) for mix in mixes]
        if any(reasons(tried, policy)):  # type: ignore[arg-type]
            return added
    return None


drawn = st.tuples(st.integers(1, 14), *(st.integers(0, 4) for _ in range(4)))
policies = st.one_of(st.just(DEFAULT), st.just(PUBLISHED_2023), some.policies())


@settings(max_examples=12)
@given(st.lists(drawn, min_size=1, max_size=4), policies)
def test_no_other_mix_is_quicker(pairs: list[Answers], policy: ConsensusPolicy) -> None:
    edges = [one for one, reason in zip(pairs, reasons(pairs, policy), strict=True) if reason is None]
    table = pl.DataFrame([counted(one) for one in edges], schema=dict.fromkeys(COUNTS, pl.Int64))
    found = votes_to_flip(table, policy, MOST).to_list()
    assert found == [brute_force(one, policy) for one in edges]


@pytest.mark.parametrize(
    ("answers", "flips", "why"),
    [
        ((2, 0, 0, 0, 0), 2, "2 of 2 against: contested"),
        ((4, 0, 0, 0, 0), 3, "3 against 4 is more than half"),
        ((5, 4, 0, 0, 0), 1, "5 of 10 is no majority"),
        ((40, 0, 0, 0, 0), 18, "40, 6, 6 and 6 have 1.385 bits"),
    ],
)
def test_flips_by_hand(answers: Answers, flips: int, why: str) -> None:
    table = pl.DataFrame([counted(answers)], schema=dict.fromkeys(COUNTS, pl.Int64))
    assert votes_to_flip(table, DEFAULT, 1000).to_list() == [flips], why


@pytest.mark.parametrize("answers", [(5, 2, 1, 0, 3), (8, 1, 0, 1, 4), (6, 3, 2, 0, 0), (3, 0, 0, 0, 0)])
def test_the_published_entropy_counts_every_answer_again(answers: Answers) -> None:
    table = pl.DataFrame([counted(answers)], schema=dict.fromkeys(COUNTS, pl.Int64))
    assert votes_to_flip(table, PUBLISHED_2023, MOST).to_list() == [brute_force(answers, PUBLISHED_2023)]


def test_the_direction_alone_can_flip_it() -> None:
    table = pl.DataFrame([counted((4, 0, 0, 0, 0))], schema=dict.fromkeys(COUNTS, pl.Int64))
    lenient = DEFAULT.model_copy(update={"max_entropy": 2.4})
    assert votes_to_flip(table, lenient, 9).to_list() == [3], "3 against 4; for want of a majority 4"


def test_beyond_the_bound_nothing_is_said() -> None:
    table = pl.DataFrame([counted((60, 0, 0, 0, 0))], schema=dict.fromkeys(COUNTS, pl.Int64))
    exact = votes_to_flip(table, DEFAULT, 1000).to_list()[0]
    assert votes_to_flip(table, DEFAULT, exact).to_list() == [exact]
    assert votes_to_flip(table, DEFAULT, exact - 1).to_list() == [None]
    assert votes_to_flip(table, DEFAULT, 0).to_list() == [None]
    assert votes_to_flip(table.clear(), DEFAULT, 10).to_list() == []
