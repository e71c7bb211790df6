"""What chance gives: against every shuffle there is, and against shuffles drawn by chance."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.stats import binom

from dft_pipeline.graph import chance
from dft_pipeline.graph.chance import at_least, q_values, shuffle, shuffled_edges
from dft_pipeline.graph.moral_graph import pair_tallies, wisdom_edges
from dft_pipeline.graph.streams import SHUFFLES, people, stream
from dft_pipeline.policies import DEFAULT, ConsensusPolicy, Evidence

SHUFFLED = Evidence(shuffles=2)
ALONE = pl.DataFrame(schema=some.LINKS)


def by_chance(answers: Sequence[Sequence[bool]], observed: Sequence[int]) -> np.ndarray:
    """`at_least` of people who each answered the pairs 0, 1, 2 … with upgrade or not."""
    cells = [(pair, np.mean(theirs)) for theirs in answers for pair in range(len(theirs))]
    pair, share = (np.array(column) for column in zip(*cells, strict=True))
    return at_least(pair, share, np.array(observed))


def upgrades(answers: Sequence[Sequence[bool]], pairs: int) -> list[int]:
    return [sum(theirs[pair] for theirs in answers if pair < len(theirs)) for pair in range(pairs)]


crowds = st.lists(st.lists(st.booleans(), min_size=1, max_size=3), min_size=1, max_size=4)


@settings(max_examples=40)
@given(crowds)
def test_p_is_the_share_of_all_shuffles_with_as_many_upgrades(answers: list[list[bool]]) -> None:
    pairs = max(map(len, answers))
    observed = upgrades(answers, pairs)
    every = [upgrades(one, pairs) for one in product(*(list(permutations(theirs)) for theirs in answers))]
    reached = [sum(one[pair] >= observed[pair] for one in every) for pair in range(pairs)]
    expected = [float(Fraction(count, len(every))) for count in reached]
    assert by_chance(answers, observed) == pytest.approx(expected, abs=1e-12)


def test_p_is_what_a_thousand_shuffles_come_to() -> None:
    rng = np.random.default_rng(5)
    shares = rng.uniform(0.2, 0.9, 30)
    answers = [(rng.random(8) < share).tolist() for share in shares]
    person, said = np.repeat(np.arange(30), 8), np.concatenate(answers)
    observed = upgrades(answers, 8)
    drawn = [
        said[shuffle(person, stream(0, SHUFFLES, number))].reshape(30, 8).sum(axis=0)
        for number in range(1000)
    ]
    permuted = (1 + (np.array(drawn) >= observed).sum(axis=0)) / 1001
    p = by_chance(answers, observed)
    assert np.abs(p - permuted).max() < 0.06, "four standard errors of a share of 1,000"
    assert len(set(observed)) > 3, "not all alike"


def test_shuffles_keep_to_each_person() -> None:
    person = np.repeat(np.arange(5, dtype=np.uint32), [1, 2, 3, 10, 30])
    places = shuffle(person, stream(1, SHUFFLES, 0))
    assert (person[places] == person).all()
    assert sorted(places.tolist()) == list(range(46))
    assert places.tolist() != sorted(places.tolist())


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 99), st.data())
def test_many_judges_are_counted_as_few_are(shares: list[float], seed: int, data: st.DataObject) -> None:
    """Whatever is gone through together, in parts, or in another order."""
    observed = data.draw(st.integers(0, len(shares)))
    others = np.random.default_rng(seed).random(7)
    pair = np.array([1] * len(shares) + [0] * 7)
    both, seen = np.array([*shares, *others]), np.array([3, observed])
    whole = at_least(pair, both, seen)
    order = np.random.default_rng(seed).permutation(len(pair))
    assert (at_least(pair[order], both[order], seen) == whole).all()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chance, "AT_ONCE", 10)
        assert (at_least(pair, both, seen) == whole).all()
        patched.setattr(chance, "DIRECT", 4)
        assert at_least(pair, both, seen) == pytest.approx(whole, abs=1e-12)


def test_p_of_many_alike_is_binomial() -> None:
    p = at_least(np.zeros(5000, dtype=np.int64), np.full(5000, 0.6), np.array([3050]))
    assert p == pytest.approx([binom.sf(3049, 5000, 0.6)], rel=1e-9)


def test_who_always_says_the_same_says_nothing() -> None:
    assert by_chance([[True, True, True]] * 9, [9, 9, 9]).tolist() == [1, 1, 1]


def plain_q(p: Sequence[float]) -> list[float]:
    """The smallest level at which Benjamini and Hochberg's procedure rejects each."""
    order = sorted(p)
    levels = [value * len(p) / (rank + 1) for rank, value in enumerate(order)]
    return [min(levels[order.index(value) :]) for value in p]


@given(st.lists(st.sampled_from((0.001, 0.01, 0.02, 0.2, 0.21, 0.9, 1.0)), min_size=1, max_size=12),
       st.lists(st.floats(0, 1), max_size=5))  # fmt: skip
def test_q_within_each_scope(ones: list[float], others: list[float]) -> None:
    rows = [("all", p) for p in ones] + [("case:x", p) for p in others]
    table = pl.DataFrame(rows, schema={"scope": pl.String, "p_base": pl.Float64}, orient="row")
    mixed = some.shuffled(table.with_row_index(), 3)
    q = mixed.with_columns(q_values(mixed)).sort("index")["q_base"].to_list()
    assert q == pytest.approx([*plain_q(ones), *plain_q(others)])
    assert all(low <= high + 1e-15 for low, high in zip([*ones, *others], q, strict=True))


@settings(max_examples=4)
@given(some.judgments(), some.policies(), st.integers(0, 99))
def test_graphs_of_shuffled_answers(judgments: pl.DataFrame, policy: ConsensusPolicy, seed: int) -> None:
    """Against the whole way, from a table of judgments whose answers were shuffled."""
    rows = judgments.join(people(judgments), on="participant_id")
    rows = rows.sort("person", "source_value_id", "wiser_value_id").drop("person")
    person = rows["participant_id"].rle_id().to_numpy()
    expected = []
    for number in range(SHUFFLED.shuffles):
        places = shuffle(person, stream(0, SHUFFLES, number))
        drawn = rows.with_columns(rows["relationship"].gather(places))
        said = [Counter(of.select("participant_id", "relationship").rows()) for of in (rows, drawn)]
        assert said[0] == said[1]
        edges = wisdom_edges(pair_tallies(drawn, ALONE, policy), policy)
        expected.append(len(edges.filter(scope="all")))
    table = shuffled_edges(some.shuffled(judgments, seed), policy, SHUFFLED)
    assert table["edges"].to_list() == expected
    assert table["shuffle"].to_list() == [0, 1]


def test_seeds_make_shuffles() -> None:
    rng = np.random.default_rng(2)
    rows = [
        some.judgment(person, source, wiser, str(rng.choice(["upgrade", "no_upgrade", "not_sure"])))
        for person in some.PEOPLE
        for source, wiser in permutations(some.VALUES, 2)
    ]
    judged = some.frame("judgments", rows)
    one, again, other = (
        shuffled_edges(judged, some.EASY, Evidence(shuffles=5, seed=seed)) for seed in (0, 0, 1)
    )
    assert_frame_equal(one, again)
    assert one["edges"].to_list() != other["edges"].to_list()
    assert one["edges"].n_unique() > 1, "each shuffle is another"


def test_nobody_is_shuffled() -> None:
    table = shuffled_edges(some.frame("judgments", []), DEFAULT, SHUFFLED)
    assert table["edges"].to_list() == [0, 0]
    assert shuffled_edges(some.frame("judgments", []), DEFAULT, Evidence(shuffles=0)).is_empty()
