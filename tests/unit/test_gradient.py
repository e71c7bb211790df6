"""Every h of Γ in one pass, against a walk of every participant, and in five cases worked by hand."""

from collections.abc import Mapping
from itertools import pairwise

import networkx as nx
import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_gamma import plain_counts, plain_gamma, rounded

from dft_pipeline.dataset.gamma import CyclicGraph, Question, chosen, gamma, standing
from dft_pipeline.dataset.gradient import by_h, gradient_length
from dft_pipeline.dataset.hops import counted, packed, unpacked
from dft_pipeline.policies import Aggregation

Supporters = Mapping[int, Mapping[int, str]]  # by h and value, each a letter
A, B, C, D = 3, 7, 20, 101


def graph(asked: Question) -> "nx.DiGraph[int]":
    return nx.DiGraph(asked.edges.select("source_value_id", "wiser_value_id").rows())


def assert_every_h_as_walked(asked: Question, using: Aggregation) -> None:
    found = list(by_h(asked, using))
    longest = nx.dag_longest_path_length(graph(asked))
    assert [h for h, _ in found] == [*range(longest + 1), None]
    for h, held in found:
        at_h = using.model_copy(update={"h": h})
        support, exposed, active = plain_counts(asked, at_h)
        stand = held.standing
        values = stand.values.tolist()
        assert dict(zip(values, stand.support.tolist(), strict=True)) == {v: support[v] for v in values}, h
        assert dict(zip(values, stand.exposed.tolist(), strict=True)) == {v: exposed[v] for v in values}, h
        assert stand.active == active
        assert rounded(chosen(asked, stand, at_h).rows()) == plain_gamma(asked, at_h)


@settings(max_examples=8)
@given(some.questions(), some.aggregations(st.just(0)))
def test_every_h_as_walked(asked: Question, using: Aggregation) -> None:
    assert_every_h_as_walked(asked, using)


def test_more_participants_than_bits_in_a_word() -> None:
    asked = many(np.random.default_rng(0), people=70)
    assert_every_h_as_walked(asked, Aggregation(min_participants=3))


def many(rng: np.random.Generator, people: int) -> Question:
    """Votes and answers of so many participants, on four values and most edges between them."""
    judged = [
        some.judgment(f"{person:03}", *pair, str(rng.choice(["upgrade", "no_upgrade", "not_sure"])))
        for person in range(people)
        for pair in ((A, B), (B, C), (A, C), (C, D))
        if rng.random() < 0.4
    ]
    votes = [
        some.vote(f"{person:03}", value, is_vote=bool(rng.random() < 0.5))
        for person in range(people)
        for value in some.VALUES
        if rng.random() < 0.3
    ]
    return asking(votes, judged, [(A, B), (A, C), (B, C), (C, D)])


def asking(votes: list[some.Row], judged: list[some.Row], edges: list[tuple[int, int]]) -> Question:
    return Question(
        votes=some.frame("votes", votes),
        articulations=some.frame("articulations", []),
        judgments=some.frame("judgments", judged),
        edges=some.frame("wisdom_edges", [{"source_value_id": a, "wiser_value_id": b} for a, b in edges]),
        nodes=some.frame("graph_values", []),
        in_context=False,
    )


# Votes by value, `no_upgrade` by pair, edges, and who supports what at each h; people are letters.
Worked = tuple[Mapping[int, str], Mapping[tuple[int, int], str], list[tuple[int, int]], Supporters]
WORKED: Mapping[str, Worked] = {
    # One holds a and a second b, whom the first finds wiser; a third c, whom the second finds wiser.
    "the method's own story": (
        {A: "x", B: "y", C: "z"},
        {},
        [(A, B), (B, C)],
        {
            0: {A: "x", B: "y", C: "z"},
            1: {A: "x", B: "xy", C: "yz"},
            2: {A: "x", B: "xy", C: "xyz"},
        },
    ),
    "a fork carries to both": (
        {A: "xy", B: "z"},
        {},
        [(A, B), (A, C)],
        {0: {A: "xy", B: "z", C: ""}, 1: {A: "xy", B: "xyz", C: "xy"}},
    ),
    # y is stopped on the way by their own answer, x is not.
    "a refusal stops who refused": (
        {A: "xy"},
        {(B, C): "y"},
        [(A, B), (B, C)],
        {0: {A: "xy", B: "", C: ""}, 1: {A: "xy", B: "xy", C: ""}, 2: {A: "xy", B: "xy", C: "x"}},
    ),
    # y refuses one side of the diamond and comes by the other; z, who refuses both, does not.
    "a way round a refusal": (
        {A: "xyz"},
        {(B, D): "yz", (C, D): "z"},
        [(A, B), (A, C), (B, D), (C, D)],
        {
            0: {A: "xyz", B: "", C: "", D: ""},
            1: {A: "xyz", B: "xyz", C: "xyz", D: ""},
            2: {A: "xyz", B: "xyz", C: "xyz", D: "xy"},
        },
    ),
    # A shortcut gets there a hop earlier, and a refusal of what is held already takes nothing away.
    "nothing flows down": (
        {C: "z", A: "x"},
        {(B, C): "z"},
        [(A, B), (B, C), (A, C)],
        {0: {A: "x", B: "", C: "z"}, 1: {A: "x", B: "x", C: "xz"}, 2: {A: "x", B: "x", C: "xz"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ballots", "refusals", "edges", "expected"), WORKED.values(), ids=WORKED)
def test_worked_by_hand(
    ballots: Mapping[int, str],
    refusals: Mapping[tuple[int, int], str],
    edges: list[tuple[int, int]],
    expected: Supporters,
) -> None:
    votes = [some.vote(person, value) for value, people in ballots.items() for person in people]
    judged = [some.judgment(p, *pair, "no_upgrade") for pair, people in refusals.items() for p in people]
    found = {}
    for h, held in by_h(asking(votes, judged, edges), Aggregation()):
        names = held.people.tolist()
        found[h] = {
            int(value): "".join(np.array(names)[unpacked(bits, len(names))])
            for value, bits in zip(held.values, held.supports, strict=True)
        }
    assert found == {**expected, None: expected[max(expected)]}


@settings(max_examples=15)
@given(
    some.questions(),
    some.aggregations(st.sampled_from((0, 1, 2, None))),
    st.sampled_from(some.PEOPLE),
    st.sampled_from(some.VALUES),
)
def test_support_never_falls_when_a_vote_is_added(
    asked: Question, using: Aggregation, person: str, value: int
) -> None:
    more = pl.concat([asked.votes, some.frame("votes", [some.vote(person, value)])])
    before, after = supports(asked, using), supports(asked._replace(votes=more), using)
    assert all(after[value] >= count for value, count in before.items())


def supports(asked: Question, using: Aggregation) -> dict[int, int]:
    stand = standing(asked, using)
    return dict(zip(stand.values.tolist(), stand.support.tolist(), strict=True))


@settings(max_examples=15)
@given(some.questions(), some.aggregations(st.sampled_from((0, 1, None))))
def test_a_higher_min_share_never_enlarges_the_candidates(asked: Question, using: Aggregation) -> None:
    stand = standing(asked, using)
    # Without edges nothing is dropped: what is chosen of many are the candidates.
    loose = asked._replace(edges=asked.edges.clear(), in_context=False)
    candidates = [
        set(chosen(loose, stand, using.model_copy(update={"min_share": share, "top_k": 99}))["value_id"])
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert all(more >= fewer for more, fewer in pairwise(candidates))


@settings(max_examples=10)
@given(some.questions(acyclic=False))
def test_a_loop_has_h_0_alone(asked: Question) -> None:
    assume(not nx.is_directed_acyclic_graph(graph(asked)))
    assert [h for h, _ in by_h(asked, Aggregation())] == [0]


def test_a_loop_is_refused_by_its_titles() -> None:
    titles = [{"value_id": value, "title": title} for value, title in ((A, "Calm"), (B, "Wit"), (C, "Rest"))]
    asked = asking([], [], [(A, B), (B, A), (A, C)])._replace(nodes=some.frame("graph_values", titles))
    with pytest.raises(CyclicGraph, match="3 → 7 → 3 \\(“Calm” → “Wit” → “Calm”\\); ask for h 0"):
        gamma(asked, Aggregation(h=1))
    assert gamma(asked, Aggregation(h=0)).is_empty()


def test_a_graph_without_edges_has_no_length() -> None:
    asked = asking([some.vote("x", A)], [], [])
    assert gradient_length(asked.edges) == 0
    assert [h for h, _ in by_h(asked, Aggregation())] == [0, None]


@pytest.mark.parametrize("people", [0, 1, 63, 64, 65, 200])
def test_bits_are_who_was_named(people: int) -> None:
    rng = np.random.default_rng(people)
    truth = rng.random((3, people)) < 0.5
    rows, places = np.nonzero(truth)
    twice = (np.concatenate([rows, rows]), np.concatenate([places, places]))
    bits = packed(*twice, truth.shape)
    assert [unpacked(row, people).tolist() for row in bits] == truth.tolist()
    assert counted(bits).tolist() == truth.sum(axis=1).tolist()
