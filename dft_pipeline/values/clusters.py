"""Star clusters: every member of a group agrees with the group's representative.

That a and b agree, and b and c, does not put a and c into one group. What a node becomes depends on the
nodes that it hangs together with, and on nothing else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dft_pipeline.values.neighbours import Indices, Pairs

Floats = NDArray[np.float64]


class Stars(NamedTuple):
    """Per node, its group's representative and the similarity to it; a representative's to itself is 1."""

    representative: Indices
    similarity: Floats


class _Edges(NamedTuple):
    """The agreeing pairs both ways, sorted by `node`."""

    node: Indices
    other: Indices
    similarity: Floats


def stars(weights: Indices, agreeing: Pairs) -> Stars:
    """Groups of nodes, of which `weights` says how many cards each stands for.

    Nodes come in the order that breaks ties, such as that of their hashes; then nothing else of their order
    matters. The heaviest begins a group, among equals the one with the most agreement: its agreeing nodes
    are taken in. Then each joins the most similar beginner that it agrees with, and of every group the
    medoid that all members agree with becomes the representative.
    """
    edges = _both_ways(agreeing)
    beginners = _beginners(weights, edges)
    groups = _most_similar(beginners, edges)
    medoids = _medoids(weights, groups, edges)
    representative = medoids[groups]
    similarity = np.ones(len(weights))
    chosen = edges.other == representative[edges.node]
    similarity[edges.node[chosen]] = edges.similarity[chosen]
    return Stars(representative, similarity)


def _both_ways(pairs: Pairs) -> _Edges:
    node, other = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.second, pairs.first])
    order = np.lexsort((other, node))
    return _Edges(node[order], other[order], np.tile(pairs.similarity, 2)[order])


def _beginners(weights: Indices, edges: _Edges) -> Indices:
    """Per node its place among those that begin a group, -1 for the others."""
    count = len(weights)
    agreement = np.bincount(edges.node, edges.similarity * weights[edges.other], count)
    order = np.lexsort((np.arange(count), -agreement, -weights))
    ends = np.searchsorted(edges.node, np.arange(count + 1))
    place, is_free = np.full(count, -1), np.ones(count, np.bool_)
    for rank, node in enumerate(order):
        if is_free[node]:
            place[node] = rank
            is_free[edges.other[ends[node] : ends[node + 1]]] = False
    return place


def _most_similar(place: Indices, edges: _Edges) -> Indices:
    """Per node the beginner of its group: the most similar one, among equals the earlier."""
    groups = np.arange(len(place))
    to_beginner = np.flatnonzero(place[edges.other] >= 0)
    node, other = edges.node[to_beginner], edges.other[to_beginner]
    order = np.lexsort((place[other], -edges.similarity[to_beginner], node))
    joining, best = np.unique(node[order], return_index=True)
    groups[joining] = other[order][best]
    return groups


def _medoids(weights: Indices, groups: Indices, edges: _Edges) -> Indices:
    """Per group (at its beginner) the member nearest to all, of those that agree with every other one."""
    count = len(weights)
    inside = groups[edges.node] == groups[edges.other]
    node, other = edges.node[inside], edges.other[inside]
    agreed = np.bincount(node, minlength=count) + 1 == np.bincount(groups, minlength=count)[groups]
    nearness = weights + np.bincount(node, edges.similarity[inside] * weights[other], count)
    order = np.lexsort((np.arange(count), -weights, -nearness, ~agreed, groups))
    beginners, best = np.unique(groups[order], return_index=True)
    medoids = np.full(count, -1)
    medoids[beginners] = order[best]
    return medoids
