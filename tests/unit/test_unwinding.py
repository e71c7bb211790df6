"""Unwinding: the strongest edges are kept that close no cycle, with networkx as the oracle."""

from collections.abc import Iterable

import networkx as nx
import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.graph.moral_graph import loops, pair_tallies
from dft_pipeline.graph.unwinding import components, unwound
from dft_pipeline.policies import DEFAULT, POLICIES, ConsensusPolicy

Edge = tuple[int, int]
STRENGTH = ("wiser_likelihood", "marked_wiser", "source_value_id", "wiser_value_id")


def plain_removed(strongest_first: Iterable[Edge]) -> list[Edge]:
    """The edges that close a cycle with those kept before them."""
    kept, removed = nx.DiGraph(), []
    for source, target in strongest_first:
        kept.add_nodes_from((source, target))
        if nx.has_path(kept, target, source):
            removed.append((source, target))
        else:
            kept.add_edge(source, target)
    return removed


def assert_minimal(edges: Iterable[Edge], removed: Iterable[Edge]) -> None:
    """Nothing that is left has a loop, and putting back any edge that was removed makes one."""
    left = nx.DiGraph(edges)
    left.remove_edges_from(removed)
    assert nx.is_directed_acyclic_graph(left)
    for source, target in removed:
        assert source == target or nx.has_path(left, target, source), "it could have stayed"


def plain_unwound(passing: list[some.Row]) -> set[Edge]:
    """What goes of one scope's edges: per strongly connected component, strongest first."""
    graph = nx.DiGraph((row["source_value_id"], row["wiser_value_id"]) for row in passing)
    removed: set[Edge] = set()
    for component in nx.strongly_connected_components(graph):
        inside = [row for row in passing if {row["source_value_id"], row["wiser_value_id"]} <= component]
        inside.sort(key=lambda row: tuple(row[name] for name in STRENGTH), reverse=True)
        removed |= set(plain_removed((row["source_value_id"], row["wiser_value_id"]) for row in inside))
    return removed


def random_edges(seed: int, nodes: int, count: int) -> list[Edge]:
    """Distinct directed pairs of distinct nodes, in random order."""
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if a != b]
    places = np.random.default_rng(seed).choice(len(pairs), size=count, replace=False)
    return [pairs[place] for place in places]


@settings(max_examples=12)
@given(some.judgments(), some.links())
def test_pairs_are_unwound_per_scope_and_component(judgments: pl.DataFrame, links: pl.DataFrame) -> None:
    before = pair_tallies(judgments, links, some.EASY.model_copy(update={"unwind": None}))
    after = pair_tallies(judgments, links, some.EASY)
    assert after.drop("is_edge", "rejection_reason").equals(before.drop("is_edge", "rejection_reason"))
    for scope in before["scope"].unique():
        passing = before.filter("is_edge", scope=scope).rows(named=True)
        unwound_pairs = after.filter(scope=scope, rejection_reason="in_cycle").select(STRENGTH[2:]).rows()
        assert set(unwound_pairs) == plain_unwound(passing)
        pairs = [(row["source_value_id"], row["wiser_value_id"]) for row in passing]
        assert_minimal(pairs, unwound_pairs)
        left = after.filter("is_edge", scope=scope).select(STRENGTH[2:]).rows()
        assert set(left) == set(pairs) - set(unwound_pairs)
    assert list(loops(after.filter("is_edge"))) == []


@settings(max_examples=12)
@given(some.judgments(), some.links())
def test_other_reasons_stay_as_they_were(judgments: pl.DataFrame, links: pl.DataFrame) -> None:
    before = pair_tallies(judgments, links, DEFAULT.model_copy(update={"unwind": None}))
    after = pair_tallies(judgments, links, DEFAULT)
    reasons = zip(before["rejection_reason"], after["rejection_reason"], strict=True)
    assert all(now == was or (was is None and now == "in_cycle") for was, now in reasons)


@pytest.mark.parametrize("seed", range(12))
def test_many_edges_as_networkx_would(seed: int) -> None:
    edges = random_edges(seed, 50, 300)
    removed = [edges[place] for place in unwound(edges)]
    assert removed == plain_removed(edges), "the same edges, strongest first"
    assert removed, "a dense graph has loops"
    assert_minimal(edges, removed)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), unique=True, max_size=30))
def test_small_graphs_with_self_loops(edges: list[Edge]) -> None:
    removed = [edges[place] for place in unwound(edges)]
    assert removed == plain_removed(edges)
    assert {(a, b) for a, b in edges if a == b} <= set(removed)
    assert_minimal(edges, removed)


def test_self_loop_goes_and_nothing_else() -> None:
    assert unwound([(1, 2), (2, 2), (2, 3)]) == [1]
    assert unwound([]) == []


def test_weakest_edge_of_a_loop_goes() -> None:
    assert unwound([(1, 2), (2, 3), (3, 1)]) == [2]
    assert unwound([(3, 1), (2, 3), (1, 2)]) == [2]


def upgrades(source: int, wiser: int, count: int, unsure: int = 0) -> list[some.Row]:
    """So many participants who say upgrade, and so many who are not sure."""
    answers = ["upgrade"] * count + ["not_sure"] * unsure
    return [some.judgment(f"p{place}", source, wiser, answer) for place, answer in enumerate(answers)]


@pytest.mark.parametrize(
    ("loop", "weakest"),
    [
        (upgrades(3, 7, 4) + upgrades(7, 20, 4) + upgrades(20, 3, 9, unsure=1), (20, 3)),  # agreement first
        (upgrades(3, 7, 4) + upgrades(7, 20, 3) + upgrades(20, 3, 4), (7, 20)),  # then how many
        (upgrades(3, 7, 4) + upgrades(7, 20, 4) + upgrades(20, 3, 4), (3, 7)),  # then the higher ids stay
    ],
)
def test_what_is_strongest(loop: list[some.Row], weakest: Edge) -> None:
    table = pair_tallies(some.frame("judgments", loop), pl.DataFrame(schema=some.LINKS), DEFAULT)
    removed = table.filter(scope="all", rejection_reason="in_cycle").select(STRENGTH[2:]).rows()
    assert removed == [weakest]


def test_an_edge_between_two_loops_stays() -> None:
    """Weakest of all, but it is in no component: unwinding is asked within components only."""
    rows = [row for pair in ((3, 7), (7, 20), (20, 3)) for row in upgrades(*pair, 4)]
    rows += [row for pair in ((101, 102), (102, 103), (103, 101)) for row in upgrades(*pair, 4)]
    table = pair_tallies(
        some.frame("judgments", rows + upgrades(20, 101, 2)), pl.DataFrame(schema=some.LINKS), DEFAULT
    )
    removed = table.filter(scope="all", rejection_reason="in_cycle").select(STRENGTH[2:]).rows()
    assert removed == [(3, 7), (101, 102)]


@pytest.mark.parametrize("seed", range(12))
def test_components_as_networkx_finds_them(seed: int) -> None:
    edges = random_edges(seed, 50, 70 + 5 * seed)
    sources, targets = (np.array(ends, dtype=np.int64) for ends in zip(*edges, strict=True))
    labels = components(sources, targets, 50)
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(50))
    found = {frozenset(np.flatnonzero(labels == label).tolist()) for label in labels}
    assert found == {frozenset(part) for part in nx.strongly_connected_components(graph)}


@settings(max_examples=8)
@given(some.judgments(), some.links())
def test_loops_are_the_components_of_two_or_more(judgments: pl.DataFrame, links: pl.DataFrame) -> None:
    passing = pair_tallies(judgments, links, some.EASY.model_copy(update={"unwind": None})).filter("is_edge")
    expected = []
    for scope in sorted(passing["scope"].unique()):
        graph = nx.DiGraph(passing.filter(scope=scope).select(STRENGTH[2:]).rows())
        parts = sorted(sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1)
        expected += [(scope, part) for part in parts]
    found = [(part.scope, sorted(set(part.edges["source_value_id"]))) for part in loops(passing)]
    assert found == expected


@settings(max_examples=10)
@given(some.judgments(), some.links(), some.policies(st.just("component")))
def test_a_component_goes_whole(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    before = pair_tallies(judgments, links, policy.model_copy(update={"unwind": None}))
    after = pair_tallies(judgments, links, policy)
    for scope in before["scope"].unique():
        pairs = before.filter("is_edge", scope=scope).select(STRENGTH[2:]).rows()
        parts = nx.strongly_connected_components(nx.DiGraph(pairs))
        inside = {pair for part in parts if len(part) > 1 for pair in pairs if set(pair) <= part}
        gone = after.filter(scope=scope, rejection_reason="in_cycle").select(STRENGTH[2:]).rows()
        assert set(gone) == inside
        assert set(after.filter("is_edge", scope=scope).select(STRENGTH[2:]).rows()) == set(pairs) - inside


def test_votes_are_erased_with_components_only() -> None:
    with pytest.raises(ValueError, match="erase_votes needs unwind `component`"):
        ConsensusPolicy(name="odd", erase_votes=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("default", '"unwind":"strongest_first","erase_votes":false'),
        ("default-component", '"unwind":"component","erase_votes":false'),
        ("default-erased", '"unwind":"component","erase_votes":true'),
        ("published-2023", '"unwind":null,"erase_votes":false'),
    ],
)
def test_settings_say_how_loops_are_unwound(name: str, said: str) -> None:
    assert said in POLICIES[name].model_dump_json()
    assert POLICIES[name].name == name
