"""Audits of edges, values, disputes and participants: every number from the rows that they show."""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from lineage_world import lineage_of, reader
from numpy.typing import NDArray
from small_world import CARD, ROWS, Row, world

from dft_pipeline.graph.consensus import SAYINGS, rules, said
from dft_pipeline.lineage.card_lineage import card_lineage
from dft_pipeline.lineage.dispute import contested_audit
from dft_pipeline.lineage.edge import edge_audit
from dft_pipeline.lineage.participant import participant_audit
from dft_pipeline.lineage.reading import Unknown
from dft_pipeline.lineage.value import value_audit
from dft_pipeline.policies import DEFAULT, POLICIES, Aggregation, ConsensusPolicy, Deduplication
from dft_pipeline.policies import SnapshotSettings as Made
from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.deduplication import offline

few = settings(max_examples=5)  # an example audits everything there is
MARKS = ("marked_wiser", "marked_not_wiser", "marked_unsure", "marked_less_wise", "judgments_both_ways")
Audit = dict[str, Any]


def retallied(judgments: Sequence[Audit]) -> tuple[int, ...]:
    """The MARKS that the shown judgments add up to."""
    counts = Counter((row["direction"], row["relationship"]) for row in judgments)
    forward = [counts["forward", answer] for answer in ("upgrade", "no_upgrade", "not_sure")]
    return (*forward, counts["reverse", "upgrade"], len(judgments))


@few
@given(some.publics(), some.policies())
def test_every_pair_is_what_its_judgments_add_up_to(public: some.Public, policy: ConsensusPolicy) -> None:
    using = Aggregation(h=0, min_participants=1)
    tables = lineage_of(public, policy, using)
    judged = set(tables["pair_tallies"].filter(scope="all")["source_value_id", "wiser_value_id"].rows())
    for pair in permutations(some.VALUES, 2):
        if pair not in judged:
            with pytest.raises(Unknown, match=f"nobody judged {pair[0]} → {pair[1]}"):
                edge_audit(reader(tables), *pair, policy)
            continue
        found = edge_audit(reader(tables), *pair, policy)
        assert tuple(found["verdict"][mark] for mark in MARKS) == retallied(found["judgments"])
        assert found["verdict"]["contexts"] == sorted({row["context_id"] for row in found["judgments"]})
        judges = {row["participant_id"] for row in found["judgments"]}
        theirs = {
            tuple(row.values())
            for row in tables["votes"].iter_rows(named=True)
            if row["participant_id"] in judges and row["value_id"] in pair
        }
        assert {tuple(row.values()) for row in found["votes"]} == theirs
        rests = (
            tables["reward_rows"]
            .explode("edge_ids")
            .filter(pl.col("edge_ids").str.ends_with(f"|{pair[0]}|{pair[1]}"))
        )
        assert {row["row_id"] for row in found["rows"]} == set(rests["row_id"])


@few
@given(some.publics(), some.policies(st.just("component")))
def test_a_dispute_is_what_its_judgments_say(public: some.Public, policy: ConsensusPolicy) -> None:
    tables = lineage_of(public, policy, Aggregation(h=0, min_participants=1))
    for scope, component in tables["contested"].select("scope", "component_id").unique().rows():
        found = contested_audit(reader(tables), component, scope, policy)
        for record in found["records"]:
            judges = {row["participant_id"] for row in record["judgments"] if row["direction"] == "forward"}
            assert len(judges) == record["participant_count"]
            assert len(record["verdicts"]) == len(record["edges"])
            for verdict in record["verdicts"]:
                edge_id = "|".join(str(verdict[name]) for name in ("scope", *verdict_ends()))
                own = [row for row in record["judgments"] if row["edge_id"] == edge_id]
                assert tuple(verdict[mark] for mark in MARKS) == retallied(own)
        values = {value for record in found["records"] for value in record["value_ids"]}
        assert {row["value_id"] for row in found["rows"]} <= values
    with pytest.raises(Unknown, match="nothing contested has the id 5 in the scope all"):
        contested_audit(reader(tables), 5, "all", policy)


def verdict_ends() -> tuple[str, str]:
    return "source_value_id", "wiser_value_id"


@few
@given(some.publics())
def test_a_value_has_all_its_supporters_and_pairs(public: some.Public) -> None:
    tables = lineage_of(public, some.EASY, Aggregation(h=0))
    for value in some.VALUES:
        found = value_audit(reader(tables), value, some.EASY)
        counted = {(row["how"], row["case_id"]): row["participants"] for row in found["supporters"]}
        people: dict[tuple[str, str | None], set[str]] = {}
        for row in found["support"]:
            people.setdefault((row["how"], row["case_id"]), set()).add(row["participant_id"])
        assert counted == {key: len(who) for key, who in people.items()}
        upgrades = tables["judgments"].filter(wiser_value_id=value, relationship="upgrade")
        assert people.get(("judged_wiser", None), set()) == set(upgrades["participant_id"])
        candidates = tables["pair_tallies"].filter(pl.col("marked_wiser") > 0, scope="all")
        assert len(found["incoming"]) == len(candidates.filter(wiser_value_id=value))
        assert len(found["outgoing"]) == len(candidates.filter(source_value_id=value))
    with pytest.raises(Unknown, match="no value has the id 4"):
        value_audit(reader(tables), 4, some.EASY)


@few
@given(some.publics())
def test_sections_are_ones_own_values_and_their_neighbours(public: some.Public) -> None:
    tables = lineage_of(public, some.EASY, Aggregation(h=0))
    votes = tables["votes"].filter("is_vote")
    for person in some.PEOPLE:
        found = participant_audit(reader(tables), person, Made(policy=some.EASY))
        own = {(row["case_id"], row["value_id"]) for row in found["sections"]}
        theirs = pl.concat(
            rows.filter(participant_id=person).select("case_id", "value_id")
            for rows in (votes, tables["articulations"])
        )
        assert own == set(theirs.rows())
        for section in found["sections"]:
            edges = tables["wisdom_edges"].filter(scope=f"case:{section['case_id']}")
            onward = edges.filter(source_value_id=section["value_id"])["edge_id"]
            assert {edge["edge_id"] for edge in section["wiser"]} == set(onward)
            inward = edges.filter(wiser_value_id=section["value_id"])["edge_id"]
            assert {edge["edge_id"] for edge in section["less_wise"]} == set(inward)
    with pytest.raises(Unknown, match="nobody has the pseudonym"):
        participant_audit(reader(tables), "f" * 32, Made())


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_every_rule_is_said_in_words(policy: ConsensusPolicy) -> None:
    counts = {"marked_wiser": 7, "marked_not_wiser": 8, "marked_unsure": 1, "marked_less_wise": 4}
    pair = {
        **counts,
        "is_edge": False,
        "wiser_likelihood": 0.15,
        "entropy": 1.7512,
        "judgments_both_ways": 20,
    }
    for name in [*(name for name, _ in rules(policy)), "in_cycle"]:
        assert said(pair | {"rejection_reason": name}, policy)
    assert {name for name, _ in rules(DEFAULT)} | {"in_cycle"} == SAYINGS.keys()
    assert said(pair | {"rejection_reason": "no_majority"}, DEFAULT) == (
        "7 of the 16 who were asked marked it wiser, and it takes more than 0.5 of them"
    )
    assert said(pair | {"is_edge": True, "rejection_reason": None}, DEFAULT) == "no rule rejects it"
    assert said(pair | {"rejection_reason": None}, DEFAULT) == "nobody marked it wiser"


# Cards: the only criterion is an angle in degrees, and cards agree up to 30 degrees apart.
ANGLES = Deduplication(
    name="offline-angle",
    embed_model="angle",
    word_weight=0,
    threshold=0.866,
    canonical_threshold=0.866,
    candidate_threshold=0.7,
    source="made up",
)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    angles = np.radians([float(text) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def cards_at(row: Row, angles: Sequence[int]) -> list[Row]:
    return [
        {**row, "id": place + 1, "evaluationCriteria": [str(angle)]} for place, angle in enumerate(angles)
    ]


@given(*(st.lists(st.integers(0, 11).map(lambda step: step * 10), max_size=6) for _ in range(2)))
def test_decisions_lead_from_every_card_to_its_value(own: list[int], canonical: list[int]) -> None:
    tables = world()
    cards = pl.DataFrame(cards_at(ROWS["valuesCard"][0], own), schema=tables["valuesCard"].schema)
    theirs = pl.DataFrame(cards_at(CARD, canonical), schema=tables["canonicalValuesCard"].schema)
    made = offline(all_cards(cards, theirs), embed, ANGLES)
    no_chats = TABLES["articulated_cards"].schema.to_frame()
    lineage = card_lineage(*made[:3], no_chats, cards, tables["chat"])
    ends = {
        row["value_id"]: (row["representative_card_kind"], row["representative_card_id"])
        for row in made.canonical_values.iter_rows(named=True)
    }
    same = {row[:4] for row in made.merge_decisions.filter(verdict="same").iter_rows()}
    assert len(lineage) == len(own) + len(canonical)
    for card in lineage.iter_rows(named=True):
        at = (card["card_kind"], card["card_id"])
        for decision in card["decisions"]:
            key = tuple(decision.values())
            assert key in same
            assert at in (key[:2], key[2:])
            at = key[2:] if at == key[:2] else key[:2]
        assert at == ends[card["value_id"]]
        assert (card["chat_id"] == "c1") == (card["card_kind"] == "card")
        assert card["participant_id"] == (ROWS["chat"][0]["participant_id"] if card["chat_id"] else None)
