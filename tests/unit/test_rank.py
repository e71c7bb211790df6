"""Ranks against networkx and the interval's own equation; what a value received, counted plainly."""

from itertools import permutations

import networkx as nx
import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.graph.moral_graph import pair_tallies, unknown_ends, wisdom_edges
from dft_pipeline.graph.rank import pagerank, wilson, wisdom

Z = 1.959963984540054  # the 97.5 % point of the normal distribution
Weighted = list[tuple[int, int, float]]


@st.composite
def weighted_graphs(draw: st.DrawFn) -> tuple[int, Weighted]:
    """A size and weighted edges between so many nodes, some of which lead nowhere."""
    size = draw(st.integers(1, 9))
    pairs = (
        draw(st.sets(st.sampled_from(tuple(permutations(range(size), 2))), max_size=25)) if size > 1 else ()
    )
    return size, [(*pair, draw(st.sampled_from((0.33, 0.5, 0.75, 1.0)))) for pair in sorted(pairs)]


def arrays(edges: Weighted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ends = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1], np.array([edge[2] for edge in edges], dtype=np.float64)


def plain_pagerank(edges: Weighted, nodes: list[int]) -> dict[int, float]:
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_weighted_edges_from(edges)
    return nx.pagerank(graph, alpha=0.85, tol=1e-13, max_iter=10_000, weight="weight")


@given(weighted_graphs())
def test_pagerank_as_networkx_has_it(drawn: tuple[int, Weighted]) -> None:
    size, edges = drawn
    rank = pagerank(*arrays(edges), size)
    oracle = plain_pagerank(edges, list(range(size)))
    assert rank == pytest.approx([oracle[node] for node in range(size)], abs=1e-9)
    assert rank.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_pagerank_of_larger_graphs(seed: int) -> None:
    random = np.random.default_rng(seed)
    pairs = {(int(a), int(b)) for a, b in random.integers(0, 80, (160, 2)) if a != b}
    edges = [(a, b, float(random.uniform(0.33, 1))) for a, b in sorted(pairs)]
    oracle = plain_pagerank(edges, list(range(80)))
    assert any(not set(nx.DiGraph(pairs).successors(node)) for _, node in pairs), "some nodes are dangling"
    assert pagerank(*arrays(edges), 80) == pytest.approx([oracle[node] for node in range(80)], abs=1e-9)


def test_pagerank_of_one_edge_by_hand() -> None:
    """With x for the source: x = 0.15/2 + 0.85·(1 − x)/2, as the target's mass is spread evenly."""
    rank = pagerank(*arrays([(0, 1, 0.4)]), 2)
    assert rank == pytest.approx([0.5 / 1.425, 0.925 / 1.425], abs=1e-10)


@given(weighted_graphs())
def test_wisdom_is_the_sum_over_incoming_edges(drawn: tuple[int, Weighted]) -> None:
    size, edges = drawn
    _, targets, weights = arrays(edges)
    expected = [sum(weight for _, target, weight in edges if target == node) for node in range(size)]
    assert wisdom(targets, weights, size) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("successes", "trials", "low"),
    [(8, 10, 0.490162), (0, 10, 0.0), (10, 10, 0.722467), (1, 2, 0.094531), (50, 100, 0.403832)],
)
def test_wilson_bound_of_known_shares(successes: int, trials: int, low: float) -> None:
    assert wilson(np.array([successes]), np.array([trials]))[0] == pytest.approx([low], abs=1e-6)


@given(st.integers(1, 500), st.floats(0, 1))
def test_wilson_bound_solves_its_equation(trials: int, part: float) -> None:
    """The share p whose normal interval, z standard errors of p wide, just reaches what was seen."""
    seen = int(part * trials) / trials
    ((low,), (high,)) = wilson(np.array([int(part * trials)]), np.array([trials]))
    assert -1e-12 <= low <= seen + 1e-12
    assert seen - 1e-12 <= high <= 1
    for bound in (low, high):
        assert (seen - bound) ** 2 == pytest.approx(Z**2 * bound * (1 - bound) / trials, abs=1e-12)


def plain_received(public: some.Public, scope: str, value: int) -> tuple[int, int]:
    """How many participants voted for a value, and saw it, in a scope: for a context, in its cases."""
    kind, _, name = scope.partition(":")
    cases = {"all": set(some.CASES), "case": {name}}.get(
        kind, {case for context, case in public.links.iter_rows() if context == name}
    )
    rows = [row for row in public.votes.iter_rows(named=True)
            if row["value_id"] == value and row["case_id"] in cases]  # fmt: skip
    voted, shown = (
        {row["participant_id"] for row in rows if row["is_vote"] == kind} for kind in (True, False)
    )
    return len(voted), len(shown)


@settings(max_examples=12)
@given(some.publics())
def test_values_of_the_graph_read_plainly(public: some.Public) -> None:
    edges = wisdom_edges(pair_tallies(public.judgments, public.links, some.EASY), some.EASY)
    table = graph_values(edges, public.canonical_values, public.votes, public.links)
    rows = {(row["scope"], row["value_id"]): row for row in table.iter_rows(named=True)}
    ends = {(edge["scope"], edge[end]) for edge in edges.iter_rows(named=True)
            for end in ("source_value_id", "wiser_value_id")}  # fmt: skip
    assert list(rows) == sorted(ends), "a row for every end of an edge, and no other"
    assert unknown_ends(edges, table) == []
    for (scope, value), row in rows.items():
        assert_received(row, *plain_received(public, scope, value))
        incoming = edges.filter(scope=scope, wiser_value_id=value)
        assert row["wisdom"] == pytest.approx(sum(incoming["wiser_likelihood"]), abs=1e-12)
        assert row["contexts"] == sorted({context for of in incoming["contexts"] for context in of})
        assert row["title"] == f"Value {value}"
    for scope in edges["scope"].unique():
        assert_ranked(edges.filter(scope=scope), table.filter(scope=scope))


def assert_received(row: some.Row, votes: int, shown: int) -> None:
    assert (row["votes"], row["shown"]) == (votes, shown)
    assert row["vote_rate"] == (pytest.approx(votes / shown, abs=1e-12) if shown else None)
    assert (row["vote_rate_low"] is None) == (shown == 0 or votes > shown), (
        "more votes than showings is no share"
    )


def assert_ranked(edges: pl.DataFrame, values: pl.DataFrame) -> None:
    weighted = edges.select("source_value_id", "wiser_value_id", "wiser_likelihood").rows()
    oracle = plain_pagerank(weighted, values["value_id"].to_list())
    for value, rank in values.select("value_id", "pagerank").iter_rows():
        assert rank == pytest.approx(oracle[value], abs=1e-9)
    assert values["pagerank"].sum() == pytest.approx(1, abs=1e-12)


def test_a_participant_counts_once_in_a_scope_of_two_cases() -> None:
    """Ann votes for 7, and sees it, in both cases of the one context; Bob only sees it, in one."""
    judged = some.frame("judgments", [some.judgment("ann", 3, 7, "upgrade")])
    links = pl.DataFrame([(some.CONTEXTS[0], case) for case in some.CASES], schema=some.LINKS, orient="row")
    both = [some.vote("ann", 7, case, is_vote) for case in some.CASES for is_vote in (True, False)]
    votes = some.frame("votes", [*both, some.vote("bob", 7, some.CASES[0], is_vote=False)])
    values = some.frame("canonical_values", [some.a_value(value, 1) for value in some.VALUES])
    edges = wisdom_edges(pair_tallies(judged, links, some.EASY), some.EASY)
    told = graph_values(edges, values, votes, links).filter(value_id=7).select("scope", "votes", "shown")
    assert {scope: tuple(counts) for scope, *counts in told.iter_rows()} == {
        "all": (1, 2),
        f"case:{some.CASES[0]}": (1, 2),
        f"case:{some.CASES[1]}": (1, 1),
        f"context:{some.CONTEXTS[0]}": (1, 2),
    }


def test_a_graph_without_edges_has_no_values() -> None:
    nobody = some.frame("wisdom_edges", [])
    values, votes = some.frame("canonical_values", []), some.frame("votes", [])
    assert graph_values(nobody, values, votes, pl.DataFrame(schema=some.LINKS)).is_empty()
