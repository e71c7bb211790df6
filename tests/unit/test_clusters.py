"""Star clusters, against the rules written out slowly."""

from collections.abc import Callable
from itertools import combinations
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dft_pipeline.values import clusters, neighbours
from dft_pipeline.values.clusters import Agree, Stars, medoids, stars
from dft_pipeline.values.neighbours import SCALE, Pairs, Whole, whole

CANDIDATE = 0.5


class Nodes(NamedTuple):
    """Vectors, the order of their rows, how many cards each stands for, and who judges pairs the same."""

    vectors: Whole
    order: list[int]
    weights: list[int]
    same: Callable[[int, int], bool]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "ROWS", 3)
    monkeypatch.setattr(neighbours, "COLUMNS", 4)
    monkeypatch.setattr(clusters, "ROWS", 3)


def _at(*degrees: float) -> Whole:
    angles = np.radians(degrees)
    return whole(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))


@st.composite
def nodes(draw: st.DrawFn, judged: bool = True) -> Nodes:
    """Angles, so that many are alike; a judge says of each pair what it likes, or the likeness decides."""
    angles = draw(st.lists(st.integers(0, 35), min_size=1, max_size=9))
    vectors = _at(*(10 * angle for angle in angles))
    order = draw(st.permutations(range(len(angles))))
    weights = draw(st.lists(st.integers(1, 3), min_size=len(angles), max_size=len(angles)))
    unlike = draw(st.sets(st.sampled_from([*combinations(range(9), 2)]), max_size=20)) if judged else set()
    return Nodes(vectors, order, weights, lambda a, b: (min(a, b), max(a, b)) not in unlike)


def _like(given: Nodes, a: int, b: int) -> int:
    return sum(x * y for x, y in zip(given.vectors[a].tolist(), given.vectors[b].tolist(), strict=True))


def _judge(given: Nodes) -> Agree:
    def agree(pairs: Pairs) -> NDArray[np.bool_]:
        rows = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
        return np.array([given.same(a, b) for a, b in rows], np.bool_)

    return agree


def _anything(pairs: Pairs) -> NDArray[np.bool_]:
    return np.ones(len(pairs.first), np.bool_)


def _stars(given: Nodes) -> Stars:
    return stars(np.array(given.order), given.vectors, CANDIDATE, _anything, _judge(given))


def _medoids(given: Nodes) -> Stars:
    order, weights = np.array(given.order), np.array(given.weights)
    led = stars(order, given.vectors, CANDIDATE, _anything, _anything)
    return medoids(led, order, given.vectors, weights, lambda pairs: pairs.similarity >= CANDIDATE)


def _near(given: Nodes, a: int, b: int) -> bool:
    return _like(given, a, b) >= CANDIDATE * SCALE**2


def _slowly(given: Nodes) -> list[int]:
    """The leader of each node."""
    undecided, agreeing = list(given.order), list[tuple[int, int]]()
    while undecided:
        leaders = list[int]()
        for a in undecided:
            if not any(_near(given, a, b) for b in leaders):
                leaders.append(a)
        others = [a for a in undecided if a not in leaders]
        agreeing += [(a, b) for a in others for b in leaders if _near(given, a, b) and given.same(a, b)]
        undecided = [a for a in others if a not in {node for node, _ in agreeing}]
    of = {a: a for a in given.order}
    for a in given.order:
        mine = [b for node, b in agreeing if node == a]
        if mine:
            of[a] = max(mine, key=lambda b: (min(_like(given, a, b), SCALE**2), -given.order.index(b)))
    return [of[a] for a in sorted(of)]


@given(nodes())
def test_the_groups_are_those_of_the_rule(given: Nodes) -> None:
    assert _stars(given).representative.tolist() == _slowly(given)


@given(nodes())
def test_every_member_agrees_with_its_representative(given: Nodes) -> None:
    found = _stars(given)
    for node, (other, likeness) in enumerate(zip(*(part.tolist() for part in found), strict=True)):
        assert node == other or given.same(node, other)
        assert likeness == (1 if node == other else min(_like(given, node, other) / SCALE**2, 1))
        assert found.representative[other] == other


@given(nodes(judged=False))
def test_the_medoid_is_nearest_to_all_of_those_that_agree_with_all(given: Nodes) -> None:
    led, found = _slowly(given), _medoids(given)

    def nearness(a: int, members: list[int]) -> int:
        return sum(given.weights[b] * (SCALE**2 if a == b else _like(given, a, b)) for b in members)

    for leader in set(led):
        members = [node for node in given.order if led[node] == leader]
        fit = [a for a in members if all(a == b or _near(given, a, b) for b in members)]
        medoid = max(fit, key=lambda a: (nearness(a, members), -given.order.index(a)))
        assert {int(found.representative[node]) for node in members} == {medoid}
        for node in members:
            likeness = 1 if node == medoid else min(_like(given, node, medoid) / SCALE**2, 1)
            assert found.similarity[node] == likeness


@given(nodes(judged=False), st.integers(0, 9), st.integers(0, 9))
def test_a_card_far_from_all_others_changes_no_group(given: Nodes, row: int, place: int) -> None:
    row, place = min(row, len(given.order)), min(place, len(given.order))
    flat = np.hstack([given.vectors, np.zeros((len(given.vectors), 1), np.int16)])
    vectors = np.insert(flat, row, [0, 0, SCALE], axis=0)
    moved = [node + (node >= row) for node in range(len(given.order))]
    order = [moved[node] for node in given.order]
    order.insert(place, row)
    weights = np.insert(np.array(given.weights), row, 2)
    more = Nodes(vectors, order, weights.tolist(), lambda a, b: True)
    for found in (_stars, _medoids):
        representative = found(more).representative
        assert representative[row] == row
        assert representative[moved].tolist() == [moved[node] for node in found(given).representative]


@given(nodes(judged=False), st.randoms(use_true_random=False))
def test_where_a_row_stands_changes_nothing(given: Nodes, random: Random) -> None:
    rows = list(range(len(given.order)))
    random.shuffle(rows)
    now = {old: new for new, old in enumerate(rows)}
    moved = Nodes(
        given.vectors[rows],
        [now[node] for node in given.order],
        [given.weights[old] for old in rows],
        given.same,
    )
    for found in (_stars, _medoids):
        expected = found(given)
        there = found(moved)
        assert [rows[node] for node in there.representative] == expected.representative[rows].tolist()
        assert there.similarity.tolist() == expected.similarity[rows].tolist()


def test_agreement_does_not_carry_over() -> None:
    """Each agrees with the next, 50 degrees away: a chain is not one group, for 100 does not agree with 0."""
    chain = Nodes(_at(0, 50, 100, 150), [0, 1, 2, 3], [1] * 4, lambda a, b: True)
    assert _stars(chain).representative.tolist() == [0, 0, 2, 2]


def test_a_member_goes_to_the_more_similar_leader() -> None:
    """1 is near 0, which comes first, and nearer to 2, which leads another group."""
    given = Nodes(_at(0, 50, 90), [0, 1, 2], [1] * 3, lambda a, b: True)
    assert _stars(given).representative.tolist() == [0, 2, 2]


def test_who_agrees_with_no_leader_is_asked_among_the_others() -> None:
    """The judge tells 0 from both others, which are the same: one of these leads the other."""
    given = Nodes(_at(0, 10, 20), [0, 1, 2], [1] * 3, lambda a, b: 0 not in (a, b))
    assert _stars(given).representative.tolist() == [0, 1, 1]


def test_the_medoid_represents_not_the_first() -> None:
    """0 leads, but 1 is nearer to all three, and agrees with all."""
    given = Nodes(_at(0, 30, 55), [0, 1, 2], [1] * 3, lambda a, b: True)
    assert _medoids(given).representative.tolist() == [1, 1, 1]


def test_the_nearest_does_not_represent_whom_it_disagrees_with() -> None:
    """1 and 2 weigh most and are nearest to all, but 3 is 105 degrees away from them: 0 agrees with each."""
    given = Nodes(_at(0, 50, 55, -55), [0, 1, 2, 3], [1, 3, 3, 1], lambda a, b: True)
    assert _medoids(given).representative.tolist() == [0, 0, 0, 0]


def test_of_many_that_are_alike_each_is_compared_with_the_leader_alone() -> None:
    """A million pairs of 1,500 texts: each is asked about once."""
    asked = []

    def agree(pairs: Pairs) -> NDArray[np.bool_]:
        asked.append(len(pairs.first))
        return _anything(pairs)

    vectors = np.repeat(_at(30), 1500, axis=0)
    found = stars(np.arange(1500), vectors, CANDIDATE, _anything, agree)
    assert set(found.representative.tolist()) == {0}
    assert sum(asked) == 1499
