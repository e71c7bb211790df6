"""The real run as of 2023-10-17, policy `default`: what Γ chooses at every h, and whom that covers.

Everything is counted again here, with sets, from judgments, votes and edges.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from dft_pipeline.dataset.coverage_by_h import coverage_by_h
from dft_pipeline.dataset.gradient import gradients
from dft_pipeline.dataset.questions import Snapshot, numbered, participants
from dft_pipeline.dataset.rows import reward_rows, rubric_rows
from dft_pipeline.graph.disputes import erased_votes
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.graph.moral_graph import pair_tallies, wisdom_edges
from dft_pipeline.policies import DEFAULT, Aggregation
from dft_pipeline.raw.tables import SOURCE_TABLES, SourceTable
from dft_pipeline.tables import TABLES
from dft_pipeline.training.rewards import completion_scores
from dft_pipeline.values import canonical, one_voice, reading
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.pseudonyms import pseudonymised
from dft_pipeline.values.small_cells import Known
from resources.extraction import raw_schema

END = datetime(2023, 10, 18, tzinfo=UTC)  # of 2023-10-17
KEY = b"a key for tests"
HOPS = (0, 1, 2, None)
Held = dict[str, set[int]]

# What was chosen for each case, in order; a supporter of one of them is counted below.
CHOSEN = {
    ("abortion", 0): [283, 304, 209, 301, 324],
    ("abortion", 1): [304, 283, 209, 284, 208],
    ("abortion", 2): [304, 283, 209, 284, 208],
    ("abortion", None): [304, 283, 209, 284, 208],
    ("parenting", 0): [301, 304, 306, 305, 283],
    ("parenting", 1): [304, 301, 321, 305, 283],
    ("parenting", 2): [304, 283, 301, 321, 337],
    ("parenting", None): [304, 283, 337, 301, 321],
    ("weapons", 0): [303, 327, 328, 294, 331],
    ("weapons", 1): [303, 327, 328, 288, 331],
    ("weapons", 2): [303, 327, 328, 288, 331],
    ("weapons", None): [303, 327, 328, 288, 331],
}
# Participants who are active, those who support a chosen value, and those to whom such support is carried.
COVERED = {
    ("abortion", 0): (422, 229, 229),
    ("abortion", 1): (422, 222, 299),
    ("abortion", 2): (422, 222, 311),
    ("abortion", None): (422, 222, 317),
    ("parenting", 0): (451, 246, 246),
    ("parenting", 1): (451, 248, 296),
    ("parenting", 2): (451, 227, 315),
    ("parenting", None): (451, 227, 320),
    ("weapons", 0): (359, 150, 150),
    ("weapons", 1): (359, 141, 222),
    ("weapons", 2): (359, 141, 245),
    ("weapons", None): (359, 141, 252),
}


class Asked(NamedTuple):
    """A case, or one of its contexts: who supports what, who is exposed to it, refusals, edges, ranks."""

    supported: Held
    exposed: Held
    refused: set[tuple[str, int, int]]
    edges: list[tuple[int, int]]
    ranks: Mapping[int, float]
    in_context: bool


@pytest.fixture(scope="module")
def raw(real: Path) -> Mapping[str, pl.DataFrame]:
    return {table.name: _raw(real / f"{table.name}.json", table) for table in SOURCE_TABLES.values()}


def _raw(path: Path, table: SourceTable) -> pl.DataFrame:
    schema = raw_schema(table.extracted)
    texts = {name: pl.String if isinstance(dtype, pl.Datetime) else dtype for name, dtype in schema.items()}
    rows = pl.read_json(path, schema=texts) if path.exists() else pl.DataFrame(schema=texts)
    times = pl.col([name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)])
    rows = rows.with_columns(times.str.to_datetime(time_unit="us", time_zone="UTC"))
    rows = rows.filter(pl.col("createdAt") < END) if table.evidence else rows
    whose = table.participant_column
    return rows if whose is None else pseudonymised(rows, whose, KEY)


@pytest.fixture(scope="module")
def snapshot(raw: Mapping[str, pl.DataFrame]) -> Snapshot:
    every = all_cards(raw["valuesCard"], raw["canonicalValuesCard"])
    cards, links = canonical.card_values(every), reading.links(raw["contextsOnCases"])
    voices = one_voice.voices(raw, cards, links)
    values = canonical.canonical_values(every, cards)
    edges = wisdom_edges(pair_tallies(voices.judgments, links, DEFAULT), DEFAULT)
    nodes = graph_values(edges, values, voices.votes, links)
    rows = (voices.judgments, voices.votes, voices.articulations)
    fights = TABLES["contested"].schema.to_frame()
    erased = erased_votes(fights, voices.judgments, links, DEFAULT)
    sure = TABLES["edge_evidence"].schema.to_frame()
    return Snapshot(raw["case"], links, *rows, values, edges, nodes, fights, erased, sure)


def asked(snapshot: Snapshot, case: str, context: str | None) -> Asked:
    own = {of for of, belongs in snapshot.links.iter_rows() if belongs == case}
    contexts, scope = (own, f"case:{case}") if context is None else ({context}, f"context:{context}")
    votes = [row for row in snapshot.votes.to_dicts() if row["case_id"] == case]
    judged = [row for row in snapshot.judgments.to_dicts() if row["context_id"] in contexts]
    people = {row["participant_id"] for row in (*votes, *judged)}
    supported: Held = {person: set() for person in people}
    exposed: Held = {person: set() for person in people}
    for row in votes:
        exposed[row["participant_id"]].add(row["value_id"])
        if row["is_vote"]:
            supported[row["participant_id"]].add(row["value_id"])
    for row in judged:
        exposed[row["participant_id"]].add(row["wiser_value_id"])
        if row["relationship"] == "upgrade":
            supported[row["participant_id"]].add(row["wiser_value_id"])
    pairs = snapshot.wisdom_edges.filter(scope=scope).select("source_value_id", "wiser_value_id")
    return Asked(
        supported,
        exposed,
        {(row["participant_id"], row["source_value_id"], row["wiser_value_id"])
         for row in judged if row["relationship"] != "upgrade"},
        pairs.rows(),
        dict(snapshot.graph_values.filter(scope=scope).select("value_id", "pagerank").iter_rows()),
        context is not None,
    )  # fmt: skip


def walked(start: Held, there: Asked, h: int | None) -> Held:
    held = {person: set(values) for person, values in start.items()}
    for _ in range(len(there.edges) if h is None else h):
        for person, values in held.items():
            values |= {b for a, b in there.edges if a in values and (person, a, b) not in there.refused}
    return held


def best(there: Asked, h: int | None) -> list[tuple[int, int]]:
    """The chosen values in their order, with their support."""
    supported, exposed = walked(there.supported, there, h), walked(there.exposed, there, h)
    support, seen = counts(supported), counts(exposed)
    candidates = {
        value
        for value, count in support.items()
        if count >= 5 and count / seen[value] >= 1 / 3
        and (not there.in_context or value in {b for _, b in there.edges})
    }  # fmt: skip
    wise = candidates - {a for a, b in there.edges if {a, b} <= candidates}
    ordered = sorted(wise, key=lambda value: (-support[value], -there.ranks.get(value, 0), value))
    return [(value, support[value]) for value in ordered[:5]]


def counts(held: Held) -> dict[int, int]:
    every = sorted(set().union(*held.values()))
    return {value: sum(value in values for values in held.values()) for value in every}


def questions(snapshot: Snapshot) -> Iterator[tuple[str, str | None]]:
    for case in snapshot.cases["id"]:
        yield case, None
        yield from ((case, context) for context, belongs in snapshot.links.iter_rows() if belongs == case)


@pytest.mark.parametrize("h", HOPS)
def test_what_is_chosen_by_case_and_context(snapshot: Snapshot, h: int | None) -> None:
    rows = reward_rows(snapshot, "default", Aggregation(h=h))
    found = {
        key: sorted(part.select("value_id", "support").rows())
        for key, part in rows.group_by("prompt_id", "context_id")
    }
    expected = {key: sorted(best(asked(snapshot, *key), h)) for key in questions(snapshot)}
    assert found == {key: values for key, values in expected.items() if values}
    for case in ("abortion", "parenting", "weapons"):
        assert [value for value, _ in best(asked(snapshot, case, None), h)] == CHOSEN[case, h]


def test_coverage_by_h(raw: Mapping[str, pl.DataFrame], snapshot: Snapshot) -> None:
    table = coverage_by_h(
        list(gradients(numbered(snapshot), Aggregation())),
        participants(snapshot),
        reading.groups(raw["demographic"]),
        Known(),
    )
    everybody = table.filter(group="all")
    for (case, h), told in COVERED.items():
        there = asked(snapshot, case, None)
        values = set(CHOSEN[case, h])
        carried = walked(there.supported, there, h)
        by_hand = [
            sum(bool(held & values) for held in start.values()) for start in (there.supported, carried)
        ]
        assert (len(there.supported), *by_hand) == told
        row = everybody.filter(pl.col("h").eq_missing(h), case_id=case).to_dicts()[0]
        assert (row["participants"], row["supporters"], row["carried_supporters"]) == told
        assert row["value_ids"] == CHOSEN[case, h]
    longest = everybody.group_by("case_id").agg(pl.col("h").max()).sort("case_id").rows()
    assert longest == [("abortion", 5), ("parenting", 5), ("weapons", 6)]


def test_coverage_of_groups(raw: Mapping[str, pl.DataFrame], snapshot: Snapshot) -> None:
    groups = reading.groups(raw["demographic"])
    table = coverage_by_h(
        list(gradients(numbered(snapshot), Aggregation())), participants(snapshot), groups, Known()
    )
    belongs = dict(groups.iter_rows())
    there, values = asked(snapshot, "parenting", None), set(CHOSEN["parenting", 2])
    for row in table.filter(pl.col("group") != "all", case_id="parenting", h=2).to_dicts():
        members = [person for person in there.supported if belongs.get(person, "unknown") == row["group"]]
        covered = sum(bool(there.supported[person] & values) for person in members)
        assert (row["participants"], row["supporters"]) == (len(members), covered), row["group"]
    told = table.filter("is_recommended").select("case_id", "h").unique().sort("case_id").rows()
    assert told == [("abortion", 5), ("parenting", 1)], "half of the weapons' participants support none"


@pytest.mark.parametrize("h", HOPS)
def test_weights_sum_to_one_and_rewards_go_from_none_to_all(snapshot: Snapshot, h: int | None) -> None:
    """Three made-up answers to each case: one meets all criteria, one none, one the first of each value."""
    rows = reward_rows(snapshot, "default", Aggregation(h=h))
    rubric = rubric_rows(rows)
    sums = rubric.group_by("prompt_id").agg(pl.col("weight").sum()).sort("prompt_id")
    assert sums["prompt_id"].to_list() == ["abortion", "parenting", "weapons"]
    assert sums["weight"].to_list() == pytest.approx([1, 1, 1])
    meets = {"all": pl.lit(True), "none": pl.lit(False), "first": pl.col("criterion_index") == 0}
    completions = pl.DataFrame(
        [
            {
                "completion_id": f"{case} {name}",
                "prompt_id": case,
                "split": "train",
                "moderated_by": "words-1",
            }
            for case in sums["prompt_id"]
            for name in meets
        ],
        TABLES["completions"].schema,
    )
    said = pl.concat(
        rubric.select(
            "prompt_id",
            "value_id",
            "criterion_index",
            completion_id=pl.format("{} {}", "prompt_id", pl.lit(name)),
            rater_role=pl.lit("model"),
            is_met=met,
        )
        for name, met in meets.items()
    )
    found = completion_scores(completions, said, rubric, rows)
    assert (found["weight"].is_between(0, 1) & found["reward"].is_between(0, 1)).all()
    rewards = dict(found.select("completion_id", "reward").unique().iter_rows())
    for case in sums["prompt_id"]:
        assert rewards[f"{case} all"] == pytest.approx(1)
        assert rewards[f"{case} none"] == 0
        first = rubric.filter(prompt_id=case, criterion_index=0)["weight"].sum()
        assert rewards[f"{case} first"] == pytest.approx(first)
