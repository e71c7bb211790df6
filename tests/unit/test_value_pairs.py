"""Pairs of values to train on, against a plain reading of the graph; and what the gates see in them."""

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import by_name, changed, outside

from dft_pipeline.dataset.gates import PAIR_GATES, measured_pairs
from dft_pipeline.dataset.prompt_contexts import side
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.dataset.value_pairs import balanced_pairs, value_pairs
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.policies import ConsensusPolicy

MARKS = ("marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure", "judgments_both_ways")


def scopes_of(public: some.Public) -> list[tuple[str, str | None, str]]:
    """Every prompt with its scopes: its own and those of its contexts."""
    found: list[tuple[str, str | None, str]] = [(case, None, f"case:{case}") for case in some.CASES]
    return found + [(case, context, f"context:{context}") for context, case in public.links.iter_rows()]


@settings(max_examples=8)
@given(some.publics())
def test_every_edge_is_a_preference(public: some.Public) -> None:
    snapshot = some.snapshot(public, some.EASY)
    rows = value_pairs(snapshot).to_dicts()
    expected = {
        (case, context, edge["source_value_id"], edge["wiser_value_id"]): edge
        for case, context, scope in scopes_of(public)
        for edge in snapshot.wisdom_edges.filter(scope=scope).to_dicts()
    }
    assert len(rows) == len(expected)
    disputes = snapshot.contested.filter("is_dispute").to_dicts()
    for row in rows:
        ends = (row["less_wise_value_id"], row["wiser_value_id"])
        edge = expected[row["prompt_id"], row["context_id"], *ends]
        assert [row[name] for name in ("edge_id", "wiser_likelihood", "entropy", *MARKS)] == [
            edge[name] for name in ("edge_id", "wiser_likelihood", "entropy", *MARKS)
        ]
        assert (row["less_wise_title"], row["wiser_title"]) == tuple(f"Value {end}" for end in ends)
        assert (row["prompt"], row["split"], row["policy"]) == (
            f"What about {row['prompt_id']}?", side(row["prompt_id"]), "easy",
        )  # fmt: skip
        own = {scope for case, _, scope in scopes_of(public) if case == row["prompt_id"]}
        near = [one for one in disputes if one["scope"] in own and set(ends) & set(one["value_ids"])]
        assert row["is_contested"] == bool(near)


WEIGHING = ConsensusPolicy(name="weighing", min_balanced=2)


@st.composite
def refusals(draw: st.DrawFn) -> pl.DataFrame:
    """Judgments of few pairs, mostly refused."""
    rows = []
    for source, wiser in ((3, 7), (7, 3), (3, 20), (20, 3)):
        for place, letter in enumerate(draw(st.text("nnnus", max_size=6))):
            context = some.CONTEXTS[draw(st.integers(0, 1))]
            answer = {"n": "no_upgrade", "u": "upgrade", "s": "not_sure"}[letter]
            rows.append(some.judgment(some.PEOPLE[place], source, wiser, answer, context))
    return some.frame("judgments", rows)


def plain_balanced(public: some.Public, fewest: int) -> set[tuple[object, ...]]:
    found = set()
    for case, context, _ in scopes_of(public):
        contexts = {context} if context else set(public.links.filter(case_id=case)["context_id"])
        said = [row for row in public.judgments.to_dicts() if row["context_id"] in contexts]
        for low, high in ((3, 7), (3, 20)):
            ways = [
                [
                    row["relationship"]
                    for row in said
                    if (row["source_value_id"], row["wiser_value_id"]) == pair
                ]
                for pair in ((low, high), (high, low))
            ]
            if all(len(way) >= fewest and way.count("no_upgrade") > len(way) / 2 for way in ways):
                counts = [count for way in ways for count in (len(way), way.count("no_upgrade"))]
                found.add((case, context, low, high, *counts))
    return found


@settings(max_examples=25)
@given(some.publics(), refusals())
def test_pairs_to_be_weighed_read_plainly(public: some.Public, judgments: pl.DataFrame) -> None:
    public = public._replace(judgments=judgments)
    tallies = pair_tallies(judgments, public.links, WEIGHING)
    found = balanced_pairs(some.snapshot(public, WEIGHING), tallies, WEIGHING)
    columns = ("prompt_id", "context_id", "one_value_id", "other_value_id", "asked", "declined", "asked_back",
               "declined_back")  # fmt: skip
    assert set(found.select(columns).rows()) == plain_balanced(public, 2)
    assert found.select(columns[:4]).is_unique().all()
    assert {*found["policy"]} <= {"weighing"}


@pytest.mark.parametrize(
    ("forward", "back", "balanced"),
    [
        ("nnnnn", "nnnnn", True),
        ("nnnnn", "nnnn", False),  # the reverse was asked by too few
        ("nnnuus", "nnnnn", False),  # half is no majority
        ("nnnnuus", "nnnus", True),
        ("nnnnn", "uuuuu", False),
    ],
)
def test_balanced_by_hand(forward: str, back: str, balanced: bool) -> None:
    answers = {"n": "no_upgrade", "u": "upgrade", "s": "not_sure"}
    rows = [
        some.judgment(some.PEOPLE[place], *pair, answers[letter])
        for pair, letters in (((7, 3), forward), ((3, 7), back))
        for place, letter in enumerate(letters)
    ]
    public = a_public(some.frame("judgments", rows))
    policy = ConsensusPolicy(name="default")
    tallies = pair_tallies(public.judgments, public.links, policy)
    found = balanced_pairs(some.snapshot(public, policy), tallies, policy)
    assert len(found) == (2 if balanced else 0), "the case, and the case in its context"
    if balanced:
        assert found.select("one_title", "other_title").rows() == [("Value 3", "Value 7")] * 2
        assert found["asked"].to_list() == [len(back)] * 2


def a_public(judgments: pl.DataFrame) -> some.Public:
    """One case with one context, in which everything was judged."""
    return some.Public(
        judgments,
        pl.DataFrame([(some.CONTEXTS[0], "weed")], schema=some.LINKS, orient="row"),
        some.frame("votes", []),
        some.frame("articulations", []),
        some.frame("canonical_values", [some.a_value(value, 2) for value in some.VALUES]),
        pl.DataFrame([("weed", "What about weed?")], schema=some.RAW_CASES, orient="row"),
        pl.DataFrame(schema=some.GROUPS),
    )


AGREED = [some.judgment(person, 3, 7, "upgrade") for person in some.PEOPLE[:3]]
DECLINED = [
    some.judgment(person, *pair, "no_upgrade") for person in some.PEOPLE[:5] for pair in ((20, 3), (3, 20))
]
SOUND = a_public(some.frame("judgments", [*AGREED, *DECLINED]))


def test_a_pair_has_the_evidence_of_its_edge() -> None:
    figures = {
        "asked_reverse": 4,
        "p_base": 0.2,
        "q_base": 0.3,
        "p_direction": None,
        "bootstrap_survival": 0.8,
    }
    evidence = some.frame("edge_evidence", [{"edge_id": "case:weed|3|7", **figures, "votes_to_flip": 2}])
    of_case, of_context = value_pairs(
        some.snapshot(SOUND, ConsensusPolicy(name="default"), evidence)
    ).to_dicts()
    assert {name: of_case[name] for name in figures} == figures
    assert (of_case["votes_to_flip"], of_context["bootstrap_survival"]) == (2, None)


def tables(public: some.Public) -> tuple[Snapshot, pl.DataFrame, pl.DataFrame]:
    policy = ConsensusPolicy(name="default")
    snapshot = some.snapshot(public, policy)
    return (
        snapshot,
        value_pairs(snapshot),
        balanced_pairs(snapshot, pair_tallies(public.judgments, public.links, policy), policy),
    )


def test_sound_pairs_are_within_all_bounds() -> None:
    snapshot, pairs, balanced = tables(SOUND)
    assert (len(pairs), len(balanced)) == (2, 2)
    seen = [*measured_pairs(snapshot, pairs, balanced)]
    assert [one.gate.key for one in seen] == [gate.key for gate in PAIR_GATES]
    assert {one.value for one in seen} == {0}


@pytest.mark.parametrize(
    ("column", "said", "gate"),
    [
        ("title", "  ", "no_empty_text"),
        ("instructions_detailed", "see https://example.org", "no_personal_text"),
        ("criteria", ["CARE", ""], "no_empty_text"),
    ],
)
@pytest.mark.parametrize(("value", "table"), [(7, "value_pairs"), (20, "balanced_pairs")])
def test_a_text_is_seen_by_its_gate_alone(
    value: int, table: str, column: str, said: object, gate: str
) -> None:
    values = [some.a_value(one, 2) | ({column: said} if one == value else {}) for one in some.VALUES]
    public = SOUND._replace(canonical_values=some.frame("canonical_values", values))
    after = measured_pairs(*tables(public))
    bad = [one for one in after if one.value]
    assert [(one.gate.asset, one.gate.name, one.value) for one in bad] == [(table, gate, 1)]
    assert bad[0].rows == (("weed|3|7",) if value == 7 else ("weed|3|20",))


def test_an_edge_without_its_pair_and_a_pair_without_its_edge() -> None:
    snapshot, pairs, balanced = tables(SOUND)
    before = by_name(measured_pairs(snapshot, pairs, balanced)[:1])
    for table, graph in (
        (pairs.head(1), snapshot),
        (pairs, snapshot._replace(wisdom_edges=snapshot.wisdom_edges.filter(pl.col("scope") != "case:weed"))),
    ):
        after = by_name(measured_pairs(graph, table, balanced)[:1])
        assert outside(after) == changed(before, after) == {"edges_are_pairs"}
        assert after["edges_are_pairs"].value == 1
