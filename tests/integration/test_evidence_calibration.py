"""Evidence on deliberations whose truth is known: what it calls sure is planted, what is planted is found."""

from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from dft_pipeline.graph.chance import shuffled_edges
from dft_pipeline.graph.evidence import Said, edge_evidence
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.policies import DEFAULT, ConsensusPolicy, Evidence
from dft_pipeline.simulate import simulate
from dft_pipeline.tables import TABLES

FEW = Evidence(resamples=20, shuffles=5)
LINKS = pl.DataFrame(schema={"context_id": pl.String, "case_id": pl.String})
OWN_CASES = pl.DataFrame(schema={"participant_id": pl.String, "case_id": pl.String})
# Whatever has an `upgrade` is an edge, so that every pair's chances can be seen.
ANY = ConsensusPolicy(
    name="any", min_marked_wiser=1, max_opposed=None, min_majority=None, min_likelihood=0.001, max_entropy=2.4
)


class Found(NamedTuple):
    judgments: pl.DataFrame
    edges: pl.DataFrame  # of the scope `all`, with is_planted, is_fought_over


def evidence(judgments: pl.DataFrame, policy: ConsensusPolicy = DEFAULT) -> pl.DataFrame:
    tallies = pair_tallies(judgments, LINKS, policy)
    said = Said(tallies, judgments, LINKS, OWN_CASES)
    return edge_evidence(said, policy, FEW).filter(scope="all")


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """Table `judgments` of the columns that matter here."""
    columns = TABLES["judgments"].schema
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in columns.items() if name not in rows.columns]
    return TABLES["judgments"].conform(
        rows.with_columns(lacking).with_columns(case_ids=pl.lit([], pl.List(pl.String)))
    )


def planted(people: int, seed: int) -> Found:
    deliberation = simulate(people, seed)
    truth = deliberation.truth
    rows = pl.DataFrame([row for row in deliberation.tables["edge"] if row["relationship"] != "maybe"])
    judgments = table(
        rows.unique(["userId", "fromId", "toId"], keep="first", maintain_order=True).select(
            "relationship",
            participant_id=pl.col("userId").cast(pl.String).str.zfill(32),
            source_value_id="fromId",
            wiser_value_id="toId",
            context_id="contextId",
            created_at=pl.col("createdAt").str.to_datetime(time_unit="us", time_zone="UTC"),
        )
    )
    wise = {pair[:2] for pair in truth.wisdom_pairs}
    fought = set(permutations(truth.contested_cycle, 2)) | set(permutations(truth.contested_pair[:2]))
    pairs = evidence(judgments)
    ends = pairs.select("source_value_id", "wiser_value_id").rows()
    return Found(
        judgments,
        pairs.with_columns(
            pl.Series("is_planted", [pair in wise for pair in ends], pl.Boolean),
            pl.Series("is_fought_over", [pair in fought for pair in ends], pl.Boolean),
        ),
    )


@pytest.fixture(scope="module")
def large() -> list[Found]:
    return [planted(400, seed) for seed in range(4)]


def test_a_tenth_of_what_q_keeps_is_false_at_most(large: list[Found]) -> None:
    """False is what was not planted as wisdom; the sides of the planted loop, which most agree to, are."""
    kept = pl.concat(found.edges for found in large).filter(pl.col("q_base") <= 0.1)
    assert (~kept["is_planted"]).mean() <= 0.1
    assert kept.filter(~pl.col("is_fought_over"))["is_planted"].mean() > 0.98
    assert len(kept) > 100


@pytest.mark.parametrize(("people", "least"), [(400, 0.8), (1000, 0.98)])
def test_what_was_planted_is_found(people: int, least: float) -> None:
    """With 12 judgments each, four of five of the 39 planted pairs at 400 people, and all at 1,000."""
    found = planted(people, 11).edges.filter("is_planted", pl.col("q_base") <= 0.1)
    assert len(found) / len(set(simulate(20, 0).truth.wisdom_pairs)) >= least


def test_direction_points_as_planted(large: list[Found]) -> None:
    known = pl.concat(found.edges for found in large).drop_nulls("p_direction")
    assert len(known) >= 40
    assert known["p_direction"].mean() == pytest.approx(known["is_planted"].mean(), abs=0.05)
    assert known.filter("is_planted")["p_direction"].min() > 0.95


def test_readiness_to_agree_makes_a_graph_and_no_evidence() -> None:
    """Everybody says `upgrade` at a rate of their own, to whatever they are asked."""
    below, kept, edges = [], 0, 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        pairs = np.array(list(combinations(range(11), 2)))
        person, asked = np.repeat(np.arange(300), 10), rng.permuted(np.tile(np.arange(55), (300, 1)), axis=1)
        asked = asked[:, :10].ravel()
        agrees = rng.random(3000) < rng.beta(4, 1.5, 300)[person]
        rows = pl.DataFrame(
            {
                "participant_id": [f"{number:032x}" for number in person],
                "source_value_id": pairs[asked, 0],
                "wiser_value_id": pairs[asked, 1],
                "relationship": np.where(agrees, "upgrade", "no_upgrade"),
                "context_id": ["When in doubt"] * 3000,
                "created_at": pl.Series([0] * 3000).cast(pl.Datetime("us", "UTC")),
            }
        )
        every = evidence(table(rows), ANY)
        below += (every["p_base"] <= 0.05).to_list()
        kept += int((every["q_base"] <= 0.1).sum())
        edges += len(evidence(table(rows)))
    assert edges > 250, "nearly all of 5 · 55 pairs: that is what a graph can be made of"
    assert np.mean(below) <= 0.07, "p of chance is below 0.05 in 5 of 100, or fewer"
    assert kept <= 2


def test_a_graph_from_shuffled_answers_is_as_large(large: list[Found]) -> None:
    """Why the number of edges alone says nothing."""
    shuffled = shuffled_edges(large[0].judgments, DEFAULT, FEW)["edges"].mean()
    assert shuffled == pytest.approx(len(large[0].edges), rel=0.15)
