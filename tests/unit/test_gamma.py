"""Γ, against a walk of every participant along the graph, written out with sets."""

import re
from collections.abc import Iterable
from itertools import pairwise

import networkx as nx
import polars as pl
import pytest
import strategies as some
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dft_pipeline.dataset.gamma import CyclicGraph, Question, gamma, refuse_loops, standing
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.dataset.rows import reward_rows
from dft_pipeline.policies import Aggregation

HOPS = (0, 1, 2, None)
Held = dict[str, set[int]]


def plain_walk(start: set[int], person: str, asked: Question, h: int | None) -> set[int]:
    """The values that a participant comes to hold, at most h edges on, never past their own other answer."""
    judged = {(row["participant_id"], row["source_value_id"], row["wiser_value_id"]): row["relationship"]
              for row in asked.judgments.iter_rows(named=True)}  # fmt: skip
    edges = asked.edges.select("source_value_id", "wiser_value_id").rows()
    held = set(start)
    for _ in range(len(edges) if h is None else h):
        held |= {b for a, b in edges if a in held and judged.get((person, a, b), "upgrade") == "upgrade"}
    return held


def plain_evidence(asked: Question, using: Aggregation) -> tuple[Held, Held]:
    """Who supports what and who is exposed to what before anything is carried, by participant."""
    people = {row["participant_id"] for rows in asked[:3] for row in rows.iter_rows(named=True)}
    supported: Held = {person: set() for person in people}
    exposed: Held = {person: set() for person in people}
    for row in asked.articulations.iter_rows(named=True):
        if using.articulated:
            supported[row["participant_id"]].add(row["value_id"])
    for row in asked.votes.iter_rows(named=True):
        if row["is_vote"] and using.voted:
            supported[row["participant_id"]].add(row["value_id"])
        if not row["is_vote"]:
            exposed[row["participant_id"]].add(row["value_id"])
    for row in asked.judgments.iter_rows(named=True):
        if row["relationship"] == "upgrade" and using.judged_wiser:
            supported[row["participant_id"]].add(row["wiser_value_id"])
        exposed[row["participant_id"]].add(row["wiser_value_id"])
    return supported, {person: exposed[person] | supported[person] for person in people}


def plain_counts(asked: Question, using: Aggregation) -> tuple[dict[int, int], dict[int, int], int]:
    """Supporters and exposed participants of every value, and the participants active there."""
    supported, exposed = plain_evidence(asked, using)
    ends = {
        value for edge in asked.edges.select("source_value_id", "wiser_value_id").rows() for value in edge
    }
    counts = []
    for held in (supported, exposed):
        walked = [plain_walk(held[person], person, asked, using.h) for person in held]
        counts.append({value: sum(value in reached for reached in walked) for value in {*ends, *some.VALUES}})
    return counts[0], counts[1], len(supported)


def rounded(rows: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Rates to twelve places: Polars divides by a number through its reciprocal."""
    return [tuple(round(cell, 12) for cell in row) for row in rows]


def plain_gamma(asked: Question, using: Aggregation) -> list[tuple[float, ...]]:
    """The chosen values in their order, with support, share and reach, rounded."""
    support, exposed, active = plain_counts(asked, using)
    edges = asked.edges.select("source_value_id", "wiser_value_id").rows()
    candidates = {
        value
        for value in support
        if exposed[value] and support[value] / exposed[value] >= using.min_share
        and support[value] >= using.min_participants
        and (not asked.in_context or value in {b for _, b in edges})
    }  # fmt: skip
    wise = candidates - {a for a, b in edges if {a, b} <= candidates}
    ranks = dict(asked.nodes.select("value_id", "pagerank").rows())
    ordered = sorted(wise, key=lambda value: (-support[value], -ranks.get(value, 0.0), value))
    return rounded(
        (value, support[value], support[value] / exposed[value], support[value] / active)
        for value in ordered[: using.top_k]
    )


def assert_as_walked(asked: Question, using: Aggregation) -> None:
    support, exposed, active = plain_counts(asked, using)
    stand = standing(asked, using)
    values = stand.values.tolist()
    assert values == sorted(values)
    assert dict(zip(values, stand.support.tolist(), strict=True)) == {v: support[v] for v in values}
    assert dict(zip(values, stand.exposed.tolist(), strict=True)) == {v: exposed[v] for v in values}
    assert stand.active == active
    assert not any(exposed[value] for value in exposed.keys() - set(values)), "nobody's value is left out"
    assert rounded(gamma(asked, using).rows()) == plain_gamma(asked, using)


@given(some.questions(), some.aggregations(st.sampled_from(HOPS)))
def test_acyclic_graphs_as_walked(asked: Question, using: Aggregation) -> None:
    assert_as_walked(asked, using)


@settings(max_examples=15)
@given(some.questions(acyclic=False), some.aggregations(st.just(0)))
def test_graphs_with_loops_at_no_hops_as_walked(asked: Question, using: Aggregation) -> None:
    assert_as_walked(asked, using)


@settings(max_examples=15)
@given(some.questions(), some.aggregations(st.just(0)))
def test_support_never_falls_with_h(asked: Question, using: Aggregation) -> None:
    supports = [standing(asked, using.model_copy(update={"h": h})).support for h in (0, 1, 2, 3, None)]
    assert all((more >= less).all() for less, more in pairwise(supports))
    assert (supports[3] == supports[4]).all(), "four values have no longer way than three edges"


@settings(max_examples=15)
@given(some.questions(acyclic=False), st.sampled_from(HOPS[1:]))
def test_a_graph_with_a_loop_is_refused_by_a_loops_name(asked: Question, h: int | None) -> None:
    graph = nx.DiGraph(asked.edges.select("source_value_id", "wiser_value_id").rows())
    assume(not nx.is_directed_acyclic_graph(graph))
    with pytest.raises(CyclicGraph) as refusal:
        gamma(asked, Aggregation(h=h))
    named = [int(value) for value in re.search(r"\d+( → \d+)+", str(refusal.value))[0].split(" → ")]
    assert named[0] == named[-1]
    assert len(set(named)) == len(named) - 1 >= 2
    assert nx.is_path(graph, named)


@settings(max_examples=10)
@given(some.questions())
def test_a_graph_without_a_loop_is_not_refused(asked: Question) -> None:
    refuse_loops(asked.edges)


@settings(max_examples=10)
@given(some.questions(), some.aggregations(st.sampled_from(HOPS)), st.integers(0, 99))
def test_order_of_rows_changes_nothing(asked: Question, using: Aggregation, seed: int) -> None:
    frames = (some.shuffled(rows, seed) for rows in asked[:5])
    assert gamma(Question(*frames, asked.in_context), using).equals(gamma(asked, using))


def a_chain(refusal: str | None = None) -> Question:
    """Ann holds 3 and thinks 7 wiser; Bob holds 7 and thinks 20 wiser; Cas holds 20."""
    judged = [some.judgment("ann", 3, 7, "upgrade"), some.judgment("bob", 7, 20, "upgrade")]
    if refusal is not None:
        judged.append(some.judgment("ann", 7, 20, refusal))
    edges = [{"source_value_id": 3, "wiser_value_id": 7}, {"source_value_id": 7, "wiser_value_id": 20}]
    return Question(
        votes=some.frame("votes", [some.vote("ann", 3), some.vote("bob", 7), some.vote("cas", 20)]),
        articulations=some.frame("articulations", []),
        judgments=some.frame("judgments", judged),
        edges=some.frame("wisdom_edges", edges),
        nodes=some.frame("graph_values", []),
        in_context=False,
    )


def counted(asked: Question, **using: object) -> tuple[dict[int, int], dict[int, int]]:
    stand = standing(asked, Aggregation(**using))
    values = stand.values.tolist()
    return dict(zip(values, stand.support.tolist(), strict=True)), dict(
        zip(values, stand.exposed.tolist(), strict=True)
    )


@pytest.mark.parametrize(
    ("h", "votes_alone", "with_upgrades"),
    [
        (0, {3: 1, 7: 1, 20: 1}, {3: 1, 7: 2, 20: 2}),  # their own; and Ann for 7, Bob for 20
        (1, {3: 1, 7: 2, 20: 2}, {3: 1, 7: 2, 20: 3}),  # votes: Ann → 7, Bob → 20; upgrades: Ann's 7 → 20
        (2, {3: 1, 7: 2, 20: 3}, {3: 1, 7: 2, 20: 3}),  # votes: Ann → 7 → 20
        (None, {3: 1, 7: 2, 20: 3}, {3: 1, 7: 2, 20: 3}),
    ],
)
def test_the_methods_own_story(
    h: int | None, votes_alone: dict[int, int], with_upgrades: dict[int, int]
) -> None:
    assert counted(a_chain(), h=h, judged_wiser=False)[0] == votes_alone
    assert counted(a_chain(), h=h)[0] == with_upgrades


@pytest.mark.parametrize("refusal", ["no_upgrade", "not_sure"])
def test_nobody_is_carried_past_their_own_answer(refusal: str) -> None:
    support, exposed = counted(a_chain(refusal), h=None)
    assert support == {3: 1, 7: 2, 20: 2}, "Bob and Cas; Ann was asked about 7 → 20 and did not agree"
    assert exposed == {3: 1, 7: 2, 20: 3}, "but Ann judged a pair that ends in 20"


def test_story_ends_in_the_wisest_value() -> None:
    everybody = Aggregation(h=2, min_participants=1)
    assert gamma(a_chain(), everybody).rows() == [(20, 3, 1.0, 1.0)], "3 and 7 have wiser ones beside them"
    assert gamma(a_chain(), Aggregation(h=2, min_participants=4)).is_empty()
    assert gamma(a_chain("no_upgrade"), everybody).rows() == [(20, 2, 2 / 3, 2 / 3)]


@pytest.mark.parametrize(
    ("off", "support"),
    [
        ((), {3: 1, 7: 2, 20: 2}),
        (("voted",), {3: 0, 7: 1, 20: 1}),
        (("judged_wiser",), {3: 1, 7: 1, 20: 1}),
        (("voted", "judged_wiser"), {3: 0, 7: 0, 20: 0}),
    ],
)
def test_sources_can_be_switched_off(off: tuple[str, ...], support: dict[int, int]) -> None:
    given_up = counted(a_chain(), h=0, **dict.fromkeys(off, False))[0]
    assert {value: given_up.get(value, 0) for value in (3, 7, 20)} == support


def test_articulated_cards_are_a_source() -> None:
    spoken = some.frame("articulations", [{"participant_id": "dee", "value_id": 3, "case_id": some.CASES[0]}])
    asked = a_chain()._replace(articulations=spoken)
    assert counted(asked, h=0)[0][3] == 2
    assert counted(asked, h=0, articulated=False)[0][3] == 1


def test_dropping_is_all_at_once() -> None:
    """7 goes because of 20, and 3 because of 7, although 7 itself goes; 3 has no edge to 20."""
    two_each = [some.vote(person, value) for person in ("ann", "bob") for value in (3, 7, 20)]
    asked = a_chain()._replace(votes=some.frame("votes", two_each), judgments=some.frame("judgments", []))
    chosen = gamma(asked, Aggregation(h=0, min_participants=2))
    assert chosen["value_id"].to_list() == [20]


@pytest.mark.parametrize(("top_k", "chosen"), [(5, [20, 101, 3, 7]), (3, [20, 101, 3]), (1, [20])])
def test_order_is_support_then_pagerank_then_id(top_k: int, chosen: list[int]) -> None:
    """20 has most support; 101 the higher rank of the others; 3 and 7 have none, which is rank 0."""
    ballots = [some.vote("ann", value) for value in some.VALUES] + [some.vote("bob", 20)]
    nodes = [{"value_id": 20, "pagerank": 0.1}, {"value_id": 101, "pagerank": 0.4}]
    asked = Question(
        votes=some.frame("votes", ballots),
        articulations=some.frame("articulations", []),
        judgments=some.frame("judgments", []),
        edges=some.frame("wisdom_edges", []),
        nodes=some.frame("graph_values", nodes),
        in_context=False,
    )
    told = gamma(asked, Aggregation(h=None, min_participants=1, top_k=top_k))
    assert told["value_id"].to_list() == chosen


@settings(max_examples=8)
@given(some.publics(), some.aggregations(st.sampled_from(HOPS)))
def test_every_case_and_context_is_asked(public: some.Public, using: Aggregation) -> None:
    snapshot = some.snapshot(public, some.EASY)
    rows = reward_rows(snapshot, some.EASY.name, using)
    found = {(*key, *row) for key, part in rows.group_by("prompt_id", "context_id")
             for row in rounded(part.select("value_id", "support", "share", "reach").rows())}  # fmt: skip
    asked = [(case, None) for case in some.CASES] + [(case, context) for context, case in public.links.rows()]
    assert found == {
        (*key, *row) for key in asked for row in plain_gamma(plain_question(snapshot, *key), using)
    }


def plain_question(snapshot: Snapshot, case: str, context: str | None) -> Question:
    """What Γ is asked of for a case, or for a case and one of its contexts."""
    own = {of for of, belongs in snapshot.links.iter_rows() if belongs == case}
    scope = f"case:{case}" if context is None else f"context:{context}"
    contexts = own if context is None else {context}
    return Question(
        votes=snapshot.votes.filter(case_id=case),
        articulations=snapshot.articulations.filter(case_id=case),
        judgments=snapshot.judgments.filter(pl.col("context_id").is_in(sorted(contexts))),
        edges=snapshot.wisdom_edges.filter(scope=scope),
        nodes=snapshot.graph_values.filter(scope=scope),
        in_context=context is not None,
    )
