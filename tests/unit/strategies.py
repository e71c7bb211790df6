"""Small random deliberations in which edges, loops, contested directions and refusals are common.

What belongs here: inputs only. What is right about an output stands, written out plainly, in the tests.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any, NamedTuple

import polars as pl
from hypothesis import strategies as st

from dft_pipeline.dataset.gamma import Question
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.disputes import erased_votes
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.graph.moral_graph import pair_tallies, wisdom_edges
from dft_pipeline.policies import FOUR_MARKS, PUBLISHED_2023, Aggregation, ConsensusPolicy, Unwinding
from dft_pipeline.tables import TABLES

VALUES = (3, 7, 20, 101)
CASES = ("abortion", "weed")
CONTEXTS = ("When in distress", "When asked for advice", "When alone")
ASKED_IN = (*((context,) for context in CONTEXTS), CONTEXTS[:2])  # of a pair: in one context, or in two
PEOPLE = tuple(f"{number:02x}" * 16 for number in range(12))
START = datetime(2023, 10, 1, tzinfo=UTC)
# Mostly upgrades: with few judgments a pair is otherwise hardly ever agreed upon. Letters are drawn fastest.
ANSWERS = {**dict.fromkeys("abc", "upgrade"), "n": "no_upgrade", "s": "not_sure"}
LINKS = pl.Schema({"context_id": pl.String, "case_id": pl.String})
GROUPS = pl.Schema({"participant_id": pl.String, "group": pl.String})
CHATS = pl.Schema(
    {
        "participant_id": pl.String,
        "caseId": pl.String,
        "transcript": pl.String,
        "createdAt": pl.Datetime("us", "UTC"),
        "updatedAt": pl.Datetime("us", "UTC"),
    }
)
RAW_CASES = pl.Schema({"id": pl.String, "question": pl.String})

Row = dict[str, Any]


class Public(NamedTuple):
    """What a public said: the tables that the graph and the training rows are made from."""

    judgments: pl.DataFrame
    links: pl.DataFrame
    votes: pl.DataFrame
    articulations: pl.DataFrame
    canonical_values: pl.DataFrame
    cases: pl.DataFrame
    groups: pl.DataFrame


def frame(table: str, rows: Iterable[Row]) -> pl.DataFrame:
    """Rows in the order given, with the types of a snapshot table; what a row leaves out is null."""
    return pl.DataFrame(list(rows), schema=TABLES[table].schema)


def judgment(person: str, source: int, wiser: int, answer: str, context: str = CONTEXTS[0]) -> Row:
    """One participant's answer, with everything that the table `judgments` says of it."""
    return {
        "participant_id": person,
        "source_value_id": source,
        "wiser_value_id": wiser,
        "relationship": answer,
        "context_id": context,
        "case_ids": [],
        "created_at": START,
        "updated_at": START + timedelta(hours=source),
        "story": f"I moved from {source} to {wiser}",
    }


def vote(person: str, value: int, case: str = CASES[0], is_vote: bool = True) -> Row:
    """One vote, or one showing."""
    return {
        "participant_id": person,
        "value_id": value,
        "case_id": case,
        "is_vote": is_vote,
        "created_at": START,
    }


def shuffled(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    return rows.sample(fraction=1, shuffle=True, seed=seed)


def snapshot(public: Public, policy: ConsensusPolicy, evidence: pl.DataFrame | None = None) -> Snapshot:
    """The tables of a snapshot of what the public said; `evidence`: `edge_evidence`, by default empty."""
    tallies = pair_tallies(public.judgments, public.links, policy)
    edges = wisdom_edges(tallies, policy)
    disputed = contested(tallies, public.judgments, public.links, public.groups)
    nodes = graph_values(edges, public.canonical_values, public.votes, public.links)
    return Snapshot(
        public.cases,
        public.links,
        public.judgments,
        public.votes,
        public.articulations,
        public.canonical_values,
        edges,
        nodes,
        disputed,
        erased_votes(disputed, public.judgments, public.links, policy),
        frame("edge_evidence", []) if evidence is None else evidence,
    )


@st.composite
def judgments(draw: st.DrawFn, values: Sequence[int] = VALUES, people: int = 12) -> pl.DataFrame:
    """The answers to every ordered pair by some of 4 to `people` participants, in one context or two."""
    count = draw(st.integers(4, people))
    rows: list[Row] = []
    for source, wiser in permutations(values, 2):
        letters = draw(st.text("abcns", max_size=count))
        first, contexts = draw(st.integers(0, count - 1)), draw(st.sampled_from(ASKED_IN))
        for place, letter in enumerate(letters):
            person, context = PEOPLE[(first + place) % count], contexts[place % len(contexts)]
            rows.append(judgment(person, source, wiser, ANSWERS[letter], context))
    return frame("judgments", rows)


@st.composite
def links(draw: st.DrawFn) -> pl.DataFrame:
    """Every context belongs to none, one or two cases."""
    chosen = {context: draw(st.sets(st.sampled_from(CASES))) for context in CONTEXTS}
    rows = [(context, case) for context, cases in chosen.items() for case in sorted(cases)]
    return pl.DataFrame(rows, schema=LINKS, orient="row")


@st.composite
def votes(draw: st.DrawFn, cases: Sequence[str] = CASES) -> pl.DataFrame:
    """Votes with and without a showing, showings with and without a vote."""
    cell = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(VALUES), st.sampled_from(cases), st.booleans())
    return frame("votes", (vote(*drawn) for drawn in draw(st.lists(cell, unique=True, max_size=40))))


@st.composite
def articulations(draw: st.DrawFn, cases: Sequence[str] = CASES) -> pl.DataFrame:
    """Values that participants articulated, some of whom do nothing else."""
    cells = tuple(product(PEOPLE, VALUES, cases))
    rows = draw(st.lists(st.sampled_from(cells), unique=True, max_size=8))
    return pl.DataFrame(rows, schema=TABLES["articulations"].schema, orient="row")


@st.composite
def canonical_values(draw: st.DrawFn) -> pl.DataFrame:
    """Every value, with up to three criteria; in places none."""
    return frame("canonical_values", (a_value(value, draw(st.integers(0, 3))) for value in VALUES))


def a_value(value: int, criteria: int) -> Row:
    """A canonical value with so many criteria."""
    return {
        "value_id": value,
        "title": f"Value {value}",
        "instructions_short": f"Do {value}",
        "instructions_detailed": f"Do {value} with care",
        "criteria": [f"THINGS number {place} of {value}" for place in range(criteria)],
        "card_count": 1,
        "representative_card_id": value,
        "representative_card_kind": "canonical",
        "created_at": START,
        "updated_at": START,
    }


@st.composite
def groups(draw: st.DrawFn) -> pl.DataFrame:
    """The group of every participant who has one."""
    chosen = draw(
        st.lists(st.sampled_from((None, "Left", "Left", "Right", "Other")), min_size=12, max_size=12)
    )
    rows = [(person, group) for person, group in zip(PEOPLE, chosen, strict=True) if group is not None]
    return pl.DataFrame(rows, schema=GROUPS, orient="row")


def publics() -> st.SearchStrategy[Public]:
    """Whole deliberations on two cases."""
    cases = pl.DataFrame([(case, f"What about {case}?") for case in CASES], schema=RAW_CASES, orient="row")
    return st.builds(
        Public, judgments(), links(), votes(), articulations(), canonical_values(), st.just(cases), groups()
    )


def policies(unwind: st.SearchStrategy[Unwinding | None] | None = None) -> st.SearchStrategy[ConsensusPolicy]:
    """Policies with low bounds, each rule of which is on or off, loose or tight."""
    return st.builds(
        ConsensusPolicy,
        name=st.just("drawn"),
        min_marked_wiser=st.integers(1, 2),
        max_opposed=st.sampled_from((None, 0.5, 1.0)),
        min_majority=st.sampled_from((None, 0.3, 0.5)),
        min_likelihood=st.sampled_from((0.05, 0.33)),
        max_entropy=st.sampled_from((0.9, 1.38, 1.69, 2.4)),
        entropy_counts=st.sampled_from((FOUR_MARKS, PUBLISHED_2023.entropy_counts)),
        unwind=st.sampled_from((None, "strongest_first", "component")) if unwind is None else unwind,
    )


# Nearly every pair with an upgrade is an edge, so that loops are the rule.
EASY = ConsensusPolicy(
    name="easy", min_marked_wiser=1, max_opposed=None, min_majority=None, min_likelihood=0.05, max_entropy=2.4
)


def aggregations(h: st.SearchStrategy[int | None]) -> st.SearchStrategy[Aggregation]:
    """Settings of Γ with low bounds, at times without one of its sources."""
    mostly = st.sampled_from((True, True, True, False))
    return st.builds(
        Aggregation,
        h=h,
        articulated=mostly,
        voted=mostly,
        judged_wiser=mostly,
        min_share=st.sampled_from((0.0, 1 / 3, 0.5, 0.75)),
        min_participants=st.integers(1, 2),
        top_k=st.integers(1, 4),
    )


@st.composite
def questions(draw: st.DrawFn, acyclic: bool = True) -> Question:
    """What Γ is asked of: the graph is drawn apart from the judgments, so that refusals lie along it."""
    order = draw(st.permutations(VALUES))
    pairs = [(a, b) for a, b in permutations(order, 2) if not acyclic or order.index(a) < order.index(b)]
    edges = [pair for pair in pairs if draw(st.sampled_from((True, True, False)))]
    ranks = {value: draw(st.sampled_from((None, 0.1, 0.2))) for value in VALUES}
    return Question(
        votes=draw(votes(CASES[:1])),
        articulations=draw(articulations(CASES[:1])),
        judgments=draw(judgments(people=6)),
        edges=frame("wisdom_edges", [{"source_value_id": a, "wiser_value_id": b} for a, b in edges]),
        nodes=frame(
            "graph_values",
            [{"value_id": value, "pagerank": rank} for value, rank in ranks.items() if rank is not None],
        ),
        in_context=draw(st.booleans()),
    )
