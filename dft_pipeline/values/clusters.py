"""Star clusters: every member of a group agrees with the group's representative.

That a and b agree, and b and c, does not put a and c into one group. What becomes of a node depends on the
nodes that it hangs together with, and on nothing else. Nodes are compared with those that lead a group and
not with each other, so that time and memory grow with nodes and groups, not with all pairs.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dft_pipeline.values.neighbours import (
    ROWS,
    SCALE,
    Floats,
    Indices,
    Pairs,
    Whole,
    between,
    cosines,
    joined,
)

Agree = Callable[[Pairs], NDArray[np.bool_]]


class Stars(NamedTuple):
    """Per node, its group's representative and the similarity to it; a representative's to itself is 1."""

    representative: Indices
    similarity: Floats


def stars(order: Indices, vectors: Whole, threshold: float, may_agree: Agree, agree: Agree) -> Stars:
    """Groups of nodes; `order` says which is to represent others before which.

    The first node leads a group, and each that no leader `may_agree` with, among the pairs of at least the
    `threshold`. All others are asked about the leaders near them (`agree`). Those that agree with none begin
    anew among themselves; each other one joins the most similar leader that it agrees with, among equals the
    first.
    """
    found = []
    undecided = order
    while len(undecided):
        first = _leaders(undecided, vectors, threshold, may_agree)
        others = undecided[~np.isin(undecided, first)]
        near = between(vectors, others, first, threshold)
        found.append(near.where(agree(near)))
        undecided = others[~np.isin(others, found[-1].first)]
    return _most_similar(order, joined(found))


def medoids(groups: Stars, order: Indices, vectors: Whole, weights: Indices, agree: Agree) -> Stars:
    """The same groups, each represented by the member nearest to all, of those that agree with every other.

    `weights` says for how many cards a node stands; among equals the first in `order`.
    """
    ordered = order[np.argsort(groups.representative[order], kind="stable")]
    starts = np.flatnonzero(np.diff(groups.representative[ordered], prepend=-1))
    representative = groups.representative.copy()
    for start, end in pairwise([*starts.tolist(), len(ordered)]):
        members = ordered[start:end]
        if len(members) > 1:
            representative[members] = _medoid(members, groups, vectors, weights, agree)
    every = np.arange(len(order))
    similarity = np.where(representative == every, 1.0, cosines(vectors, every, representative))
    return Stars(representative, similarity)


def _leaders(order: Indices, vectors: Whole, threshold: float, may_agree: Agree) -> Indices:
    leaders = np.empty(0, np.int64)
    for top in range(0, len(order), ROWS):
        some = order[top : top + ROWS]
        near = between(vectors, some, leaders, threshold)
        free = some[~np.isin(some, near.first[may_agree(near)])]
        among = between(vectors, free, free, threshold)
        leaders = np.concatenate([leaders, _apart(free, among.where(may_agree(among)))])
    return leaders


def _apart(order: Indices, agreeing: Pairs) -> Indices:
    """The nodes, in their order, of which none agrees with an earlier one of them."""
    ends = np.searchsorted(agreeing.first, order, "left"), np.searchsorted(agreeing.first, order, "right")
    taken: set[int] = set()
    apart = []
    for node, start, end in zip(order.tolist(), *(end.tolist() for end in ends), strict=True):
        if node not in taken:
            apart.append(node)
            taken.update(agreeing.second[start:end].tolist())
    return np.array(apart, np.int64)


def _most_similar(order: Indices, agreeing: Pairs) -> Stars:
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    sort = np.lexsort((place[agreeing.second], -agreeing.similarity, agreeing.first))
    joining, best = np.unique(agreeing.first[sort], return_index=True)
    chosen = sort[best]
    representative, similarity = np.arange(len(order)), np.ones(len(order))
    representative[joining] = agreeing.second[chosen]
    similarity[joining] = agreeing.similarity[chosen]
    return Stars(representative, similarity)


def _medoid(members: Indices, groups: Stars, vectors: Whole, weights: Indices, agree: Agree) -> int:
    """Tried from the nearest on; the group's leader agrees with all."""
    leader = int(groups.representative[members[0]])
    nearness = _nearness(members, vectors, weights)
    for node in members[np.argsort(-nearness, kind="stable")].tolist():
        others = members[members != node]
        these = np.full(len(others), node)
        if node == leader or agree(Pairs(these, others, cosines(vectors, these, others))).all():
            return int(node)
    return leader


def _nearness(members: Indices, vectors: Whole, weights: Indices) -> Floats:
    """The sum of a member's similarities to all, its own of 1 among them, each times a weight: in one pass.

    It is the product with the weighted sum of all; whole numbers, exact in float64 up to 5e8 cards.
    """
    parts = [members[top : top + ROWS] for top in range(0, len(members), ROWS)]
    centre = sum(weights[part] @ vectors[part].astype(np.float64) for part in parts)
    near = [vectors[part].astype(np.float64) @ centre for part in parts]
    own = [weights[part] * (SCALE**2 - (vectors[part].astype(np.float64) ** 2).sum(axis=1)) for part in parts]
    nearness: Floats = np.concatenate(near) + np.concatenate(own)
    return nearness
