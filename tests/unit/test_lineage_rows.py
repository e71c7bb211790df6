"""Every training row's support, share and reach, from the people that its lineage names."""

from itertools import pairwise
from typing import Any

import networkx as nx
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from lineage_world import Tables, lineage_of, reader

from dft_pipeline.dataset.gamma import considered, gamma, standing
from dft_pipeline.lineage.gates import astray
from dft_pipeline.lineage.participant import participant_audit
from dft_pipeline.lineage.reading import Unknown
from dft_pipeline.lineage.row import row_audit
from dft_pipeline.lineage.value_support import PAIR
from dft_pipeline.policies import Aggregation, ConsensusPolicy, SnapshotSettings

few = settings(max_examples=4)  # an example audits every row
HOPS = st.sampled_from((0, 1, 2, None))
ERASED = some.EASY.model_copy(update={"unwind": "component", "erase_votes": True})
POLICIES = st.sampled_from((some.EASY, ERASED))
Audit = dict[str, Any]


def audits(tables: Tables, using: Aggregation) -> list[Audit]:
    return [row_audit(reader(tables), row_id, using) for row_id in tables["reward_rows"]["row_id"]]


def themselves(audit: Audit) -> set[str]:
    return {reason["participant_id"] for reason in audit["support"]}


@few
@given(some.publics(), some.aggregations(HOPS), POLICIES)
def test_a_rows_support_is_everybody_in_its_lineage(
    public: some.Public, using: Aggregation, policy: ConsensusPolicy
) -> None:
    tables = lineage_of(public, policy, using)
    for audit in audits(tables, using):
        row, direct = audit["row"], themselves(audit)
        carried = [one["participant_id"] for one in audit["carried"]]
        assert len(direct) == audit["lineage"]["direct_support"]
        assert not direct & set(carried), "nobody counts twice"
        assert len(direct) + len(carried) == row["support"]
        exposed = audit["exposed"] + [one["participant_id"] for one in audit["exposed_along"]]
        assert len(set(exposed)) == len(exposed)
        assert row["support"] / len(exposed) == pytest.approx(row["share"])
        assert row["support"] / len(audit["active"]) == pytest.approx(row["reach"])
        assert direct | set(carried) <= set(exposed) <= set(audit["active"])
        assert sorted(edge["edge_id"] for edge in audit["edges"]) == row["edge_ids"]
    assert astray(tables["reward_rows"], tables["row_lineage"], using) == []


@few
@given(some.publics(), HOPS)
def test_each_carried_supporter_has_a_shortest_way(public: some.Public, h: int | None) -> None:
    """From a value that they support themselves, never along a pair that they judged otherwise there."""
    using = Aggregation(h=h, min_participants=1, min_share=0.0)
    tables = lineage_of(public, some.EASY, using)
    for audit in audits(tables, using):
        lineage, edges = audit["lineage"], tables["wisdom_edges"].filter(scope=audit["lineage"]["scope"])
        graph = nx.DiGraph(edges.select("source_value_id", "wiser_value_id").rows())
        for one in audit["carried"]:
            own = graph.copy()
            own.remove_edges_from(otherwise(tables, one["participant_id"], lineage["context_ids"]))
            starts = {value for value in own if supports(tables, lineage, one["participant_id"], value)}
            lengths = [
                nx.shortest_path_length(own, start, lineage["value_id"])
                for start in starts
                if nx.has_path(own, start, lineage["value_id"])
            ]
            path = one["path"]
            assert path[0] in starts
            assert path[-1] == lineage["value_id"]
            assert all(own.has_edge(*step) for step in pairwise(path))
            assert len(path) - 1 == min(lengths)
            assert h is None or 1 <= len(path) - 1 <= h


def otherwise(tables: Tables, person: str, contexts: list[str]) -> list[tuple[int, int]]:
    said = tables["judgments"].filter(pl.col("context_id").is_in(contexts), participant_id=person)
    return said.filter(pl.col("relationship") != "upgrade").select("source_value_id", "wiser_value_id").rows()


def supports(tables: Tables, lineage: Audit, person: str, value: int) -> bool:
    """Whether somebody has a card, a vote or an answer of their own for a value there, written out."""
    said = [*tables["votes"].filter("is_vote").iter_rows(named=True)]
    said += tables["articulations"].iter_rows(named=True)
    of_case = {(row["participant_id"], row["value_id"], row["case_id"]) for row in said}
    answers = tables["judgments"].filter(relationship="upgrade").iter_rows(named=True)
    judged = {(row["participant_id"], row["wiser_value_id"], row["context_id"]) for row in answers}
    there = {(person, value, context) for context in lineage["context_ids"]}
    return (person, value, lineage["case_id"]) in of_case or bool(judged & there)


@given(some.questions(), some.aggregations(HOPS))
def test_what_is_considered_ends_in_what_is_chosen(asked: some.Question, using: Aggregation) -> None:
    every = considered(asked, standing(asked, using), using)
    chosen = every.filter("is_chosen").select("value_id", "support", "share", "reach")
    assert chosen.equals(gamma(asked, using).select(chosen.columns))
    assert every["rank"].drop_nulls().to_list() == list(range(1, every["rank"].count() + 1))
    pairs = set(asked.edges.select("source_value_id", "wiser_value_id").rows())
    candidates = set(every.filter("is_candidate")["value_id"])
    for one in every.iter_rows(named=True):
        wiser = {other for other in candidates if (one["value_id"], other) in pairs}
        assert set(one["outdone_by"]) == (wiser if one["is_candidate"] else set())
        assert (one["rank"] is None) == (not one["is_candidate"] or bool(wiser))


@few
@given(some.publics(), some.aggregations(HOPS), POLICIES)
def test_forwards_and_backwards_name_the_same_people(
    public: some.Public, using: Aggregation, policy: ConsensusPolicy
) -> None:
    """Whoever is in a row's lineage finds the row in theirs, as direct or carried, and nobody else."""
    tables = lineage_of(public, policy, using)
    made = SnapshotSettings(policy=policy, aggregation=using)
    backwards = set()
    for audit in audits(tables, using):
        row_id = audit["row"]["row_id"]
        backwards |= {(person, row_id, "direct") for person in themselves(audit)}
        backwards |= {(one["participant_id"], row_id, "carried") for one in audit["carried"]}
    forwards = {
        (person, row["row_id"], row["how"])
        for person in some.PEOPLE
        for row in participant_audit(reader(tables), person, made)["rows"]
    }
    assert forwards == backwards


@few
@given(some.publics())
def test_votes_that_are_erased_name_their_scopes(public: some.Public) -> None:
    tables = lineage_of(public, ERASED, Aggregation(h=0))
    erased = some.snapshot(public, ERASED).erased_votes
    marked = tables["value_support"].explode("erased_in").drop_nulls("erased_in")
    assert set(marked["how"]) <= {"voted"}
    assert set(marked.select("erased_in", *PAIR).rows()) <= set(erased.rows())
    cases = {f"case:{case}" for case in some.CASES}
    for scope, person, value in erased.filter(pl.col("scope").is_in(cases)).iter_rows():
        votes = tables["votes"].filter("is_vote", participant_id=person, value_id=value)
        voted = scope.removeprefix("case:") in votes["case_id"].to_list()
        assert voted == bool(len(marked.filter(erased_in=scope, participant_id=person, value_id=value)))


def test_an_erased_vote_supports_no_row_of_its_scopes() -> None:
    """One person's loop is removed whole, and with it their vote for a value of it; others' votes stay."""
    judge, *others = some.PEOPLE[:3]
    judged = some.frame(
        "judgments", (some.judgment(judge, a, b, "upgrade") for a, b in ((3, 7), (7, 20), (20, 3)))
    )
    public = some.Public(*_nobody())._replace(
        judgments=judged,
        votes=some.frame("votes", (some.vote(person, 3) for person in (judge, *others))),
        links=pl.DataFrame([(some.CONTEXTS[0], some.CASES[0])], schema=some.LINKS, orient="row"),
        canonical_values=some.frame("canonical_values", (some.a_value(value, 1) for value in (3, 7, 20))),
        cases=pl.DataFrame([(some.CASES[0], "What?")], schema=some.RAW_CASES, orient="row"),
    )
    using = Aggregation(h=0, min_participants=1, judged_wiser=False)
    (audit,) = audits(lineage_of(public, ERASED, using), using)
    assert themselves(audit) == set(others)
    assert (audit["row"]["support"], audit["lineage"]["direct_support"]) == (2, 2)
    assert [one["participant_id"] for one in audit["erased"]] == [judge]


def test_what_is_not_there_is_said() -> None:
    tables = lineage_of(some.Public(*_nobody()), some.EASY, Aggregation())
    with pytest.raises(Unknown, match="no training row has the id feed"):
        row_audit(reader(tables), "feed", Aggregation())


def _nobody() -> list[pl.DataFrame]:
    tables = [some.frame(name, []) for name in ("judgments", "votes", "articulations", "canonical_values")]
    links, cases, groups = (schema.to_frame() for schema in (some.LINKS, some.RAW_CASES, some.GROUPS))
    return [tables[0], links, *tables[1:], cases, groups]
