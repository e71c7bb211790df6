"""Star clusters, against the rule written out slowly."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.values.clusters import Stars, stars
from dft_pipeline.values.neighbours import Pairs

Likeness = dict[frozenset[int], float]


class Nodes(NamedTuple):
    weights: list[int]
    like: Likeness  # of the pairs that agree


@st.composite
def nodes(draw: st.DrawFn) -> Nodes:
    weights = draw(st.lists(st.integers(1, 3), min_size=1, max_size=7))
    pairs = [frozenset(pair) for pair in combinations(range(len(weights)), 2)]
    # Eighths add up exactly in any order.
    agree = st.sampled_from((None, None, 0.5, 0.625, 0.75, 0.875))
    return Nodes(weights, {pair: found for pair in pairs if (found := draw(agree)) is not None})


def _stars(given: Nodes) -> Stars:
    rows = sorted((*sorted(pair), likeness) for pair, likeness in given.like.items())
    table = np.array(rows, np.float64).reshape(-1, 3)
    pairs = Pairs(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])
    return stars(np.array(given.weights), pairs)


def _slowly(given: Nodes) -> list[int]:
    """The representative of each node."""
    weights, like = given
    everybody = range(len(weights))

    def alike(a: int, b: int) -> float:
        return 1.0 if a == b else like.get(frozenset((a, b)), 0.0)

    def nearness(a: int, others: list[int]) -> float:
        return sum(weights[b] * alike(a, b) for b in others)

    order = sorted(everybody, key=lambda a: (-weights[a], -nearness(a, [*everybody]), a))
    beginners: list[int] = []
    for a in order:
        if not any(alike(a, b) for b in beginners):
            beginners.append(a)
    groups: dict[int, list[int]] = {b: [] for b in beginners}
    for a in everybody:
        groups[max(beginners, key=lambda b: (alike(a, b), -order.index(b)))].append(a)
    of: dict[int, int] = {}
    for members in groups.values():
        fit = [a for a in members if all(alike(a, b) for b in members)]
        medoid = min(fit, key=lambda a: (-nearness(a, members), -weights[a], a))
        of |= dict.fromkeys(members, medoid)
    return [of[a] for a in everybody]


@given(nodes())
def test_the_groups_are_those_of_the_rule(given: Nodes) -> None:
    assert _stars(given).representative.tolist() == _slowly(given)


@given(nodes())
def test_every_member_agrees_with_its_representative(given: Nodes) -> None:
    found = _stars(given)
    for node, (other, likeness) in enumerate(zip(*(part.tolist() for part in found), strict=True)):
        assert likeness == (1 if node == other else given.like[frozenset((node, other))])
        assert found.representative[other] == other


@given(nodes(), st.integers(0, 7), st.integers(1, 9))
def test_a_card_far_from_all_others_changes_no_group(given: Nodes, place: int, weight: int) -> None:
    place = min(place, len(given.weights))
    moved = [node + (node >= place) for node in range(len(given.weights))]
    weights = [*given.weights[:place], weight, *given.weights[place:]]
    like = {frozenset(moved[node] for node in pair): found for pair, found in given.like.items()}
    more = _stars(Nodes(weights, like)).representative
    assert more[place] == place
    assert more[moved].tolist() == [moved[node] for node in _stars(given).representative]


def test_agreement_does_not_carry_over() -> None:
    """0 and 1 agree, 1 and 2, 2 and 3: a chain is not one group, for 3 does not agree with 1."""
    chain = Nodes([1, 1, 1, 1], {frozenset((a, a + 1)): 0.75 for a in range(3)})
    assert _stars(chain).representative.tolist() == [1, 1, 1, 3]


def test_a_member_goes_to_the_more_similar_representative() -> None:
    """1 is taken in by 0, the heaviest, but is more like 2."""
    given = Nodes([5, 1, 4], {frozenset((0, 1)): 0.5, frozenset((1, 2)): 0.75})
    assert _stars(given).representative.tolist() == [0, 2, 2]


def test_the_medoid_represents_not_the_heaviest() -> None:
    """0 begins, being heaviest; but 1 is nearer to the three others, and agrees with all."""
    like = {frozenset(pair): 0.5 if 0 in pair else 0.875 for pair in combinations(range(4), 2)}
    assert _stars(Nodes([2, 1, 1, 1], like)).representative.tolist() == [1, 1, 1, 1]
