"""The evidence behind the real run's edges, through the commands: the published policy as of 2023-10-17."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import pytest

from dft_pipeline.graph.chance import shuffle
from dft_pipeline.graph.tally import PAIR
from resources.lake import Lake
from tests.conftest import Dft, fresh_database

DAY = date(2023, 10, 17)
EXPORT = ("export", "graph", "--as-of", DAY)
# By bootstrap_survival, then votes_to_flip, then the ids.
LEAST = [(165, 167), (311, 308), (208, 285), (166, 260), (198, 208),
         (333, 290), (342, 353), (170, 172), (219, 284), (201, 169)]  # fmt: skip
MOST = [(287, 305), (294, 304), (172, 283), (332, 305), (298, 303),
        (302, 306), (219, 304), (296, 283), (330, 301), (315, 336)]  # fmt: skip


@pytest.fixture(scope="module")
def built(real: Path, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` where the real run is built under the published policy."""
    with fresh_database(server) as url:
        dft = Dft(tmp_path_factory.mktemp("evidence"), url)
        assert dft("load", real).returncode == 0
        done = dft("build", "--as-of", DAY, "--policy", "published-2023")
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.fixture(scope="module")
def published(built: Dft) -> Lake:
    return Lake(str(built.folder / "home" / "lake"))


@pytest.fixture(scope="module")
def evidence(published: Lake) -> pl.DataFrame:
    return published.snapshot("edge_evidence", DAY).filter(scope="all")


def test_fewer_than_half_of_the_edges_survive_nine_of_ten_resamples(evidence: pl.DataFrame) -> None:
    assert len(evidence) == 69
    assert (evidence["bootstrap_survival"] >= 0.9).sum() == 28


def test_hardly_anybody_was_asked_the_reverse(evidence: pl.DataFrame) -> None:
    assert (evidence["asked_reverse"] == 0).sum() == 63, "more than nine in ten"
    assert evidence["p_direction"].null_count() == 69


def test_no_edge_stands_out_from_how_readily_people_agree(evidence: pl.DataFrame) -> None:
    assert evidence["p_base"].min() == pytest.approx(0.020007, abs=1e-6)
    assert evidence["q_base"].min() > 0.5


def test_shuffled_answers_give_as_many_edges(published: Lake) -> None:
    edges = published.snapshot("shuffled_edges", DAY)["edges"]
    assert len(edges) == 20
    assert edges.mean() == pytest.approx(67.05)


def test_ten_least_and_ten_most_certain(evidence: pl.DataFrame) -> None:
    ordered = evidence.sort("bootstrap_survival", "votes_to_flip", "source_value_id", "wiser_value_id")
    pairs = ordered.select("source_value_id", "wiser_value_id").rows()
    assert (pairs[:10], pairs[-10:]) == (LEAST, MOST)


def test_p_is_what_ten_thousand_shuffles_of_the_run_come_to(published: Lake, evidence: pl.DataFrame) -> None:
    judged = published.snapshot("judgments", DAY).sort("participant_id", "source_value_id", "wiser_value_id")
    pair = judged.join(evidence.with_row_index("pair"), on=["source_value_id", "wiser_value_id"], how="left")
    place = pair.sort("participant_id", "source_value_id", "wiser_value_id")["pair"].fill_null(69).to_numpy()
    person = judged["participant_id"].rle_id().to_numpy()
    said = (judged["relationship"] == "upgrade").to_numpy()
    rng = np.random.default_rng(17)
    observed = np.bincount(place, said, minlength=70)[:69]
    reached = np.zeros(69)
    for _ in range(10_000):
        reached += np.bincount(place, said[shuffle(person, rng)], minlength=70)[:69] >= observed
    assert (1 + reached) / 10_001 == pytest.approx(evidence["p_base"].to_numpy(), abs=0.02)


def test_the_night_says_how_many_edges_chance_gives(built: Dft) -> None:
    pages = (built.folder / "home" / "data-docs" / f"as_of={DAY}").rglob("*.html")
    said = "the answers give 69 edges, shuffled ones 67.0 on average"
    assert any(said in page.read_text() for page in pages)


def test_only_the_edges_that_are_sure_enough_are_exported(built: Dft, evidence: pl.DataFrame) -> None:
    """With the values that they join, in every format; the other bound leaves nothing of this graph."""
    out = built.folder / "sure"
    for form, name in (("json", "graph.json"), ("graphml", "graph.graphml"), ("parquet", "graph")):
        done = built(*EXPORT, "--format", form, "--output", out / name, "--min-survival", 0.9)
        assert done.returncode == 0, done.stderr
        assert "and 28 edges" in done.stdout
    sure = evidence.filter(pl.col("bootstrap_survival") >= 0.9)
    pairs = set(sure.select("source_value_id", "wiser_value_id").rows())
    ends = {value for pair in pairs for value in pair}
    graph = json.loads((out / "graph.json").read_text())
    assert {(edge["sourceValueId"], edge["wiserValueId"]) for edge in graph["edges"]} == pairs
    assert {value["id"] for value in graph["values"]} == ends
    drawn = nx.read_graphml(out / "graph.graphml", node_type=int)
    assert (set(drawn.edges), set(drawn.nodes)) == (pairs, ends)
    edges, values = (
        pl.read_parquet(out / f"graph/{name}.parquet") for name in ("wisdom_edges", "graph_values")
    )
    assert (set(edges.select(*PAIR).rows()), set(values["value_id"])) == (pairs, ends)
    none = built(*EXPORT, "--format", "json", "--output", out / "none.json", "--max-q", 0.1)
    assert json.loads((out / "none.json").read_text()) == {"values": [], "edges": []}, none.stderr


@pytest.mark.parametrize(
    ("bound", "number"), [("--min-survival", "1.5"), ("--max-q", "-0.1"), ("--max-q", "nan")]
)
def test_a_bound_that_is_no_share_is_wrong_usage(built: Dft, bound: str, number: str) -> None:
    done = built(*EXPORT, "--format", "json", "--output", built.folder / "no.json", bound, number)
    assert done.returncode == 2
    assert bound.strip("-").replace("-", "_") in done.stderr
    assert not (built.folder / "no.json").exists()


def test_the_status_says_how_many_edges_chance_gives(built: Dft) -> None:
    (snapshot,) = json.loads(built("status", "--json").stdout)["snapshots"]
    assert (snapshot["edges"], snapshot["edges_by_chance"]) == (69, pytest.approx(67.05))
    assert {"69", "67.0"} <= set(built("status").stdout.split())


def test_rows_and_pairs_say_how_sure_they_are(published: Lake) -> None:
    """What Γ chose of the real run, and every edge of its prompts with its own evidence."""
    rows, edges = (published.snapshot(table, DAY) for table in ("reward_rows", "edge_evidence"))
    known = {row["edge_id"]: row for row in edges.to_dicts()}
    for row in rows.to_dicts():
        behind = [known[edge] for edge in row["edge_ids"]]
        assert row["edge_survival"] == max((edge["bootstrap_survival"] for edge in behind), default=None)
        assert row["edge_q_base"] == min((edge["q_base"] for edge in behind), default=None)
    assert 0 < rows["row_survival"].min() < rows["row_survival"].max() <= 1
    figures = ("asked_reverse", "p_base", "q_base", "p_direction", "bootstrap_survival", "votes_to_flip")
    for pair in published.snapshot("value_pairs", DAY).to_dicts():
        assert {name: pair[name] for name in figures} == {
            name: known[pair["edge_id"]][name] for name in figures
        }
