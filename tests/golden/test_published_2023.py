"""The real run, through the commands: the authors' graph to the last digit, and that of `default`."""

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import networkx as nx
import polars as pl
import psycopg
import pytest

from resources.lake import Lake
from resources.publication import show
from resources.sql import text
from tests.conftest import CHECKOUT, Dft, fresh_database

DAY = date(2023, 10, 17)
# The published edges that `default` does not have, and why.
REJECTED = {
    (166, 260): "no_majority",
    (189, 295): "no_majority",
    (208, 285): "no_majority",
    (282, 208): "no_majority",
    (292, 260): "no_consensus",
    (323, 324): "no_majority",
    (234, 284): "in_cycle",
    (303, 289): "in_cycle",
}


@pytest.fixture(scope="module")
def loaded(real: Path, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a database that holds the real run."""
    with fresh_database(server) as url:
        dft = Dft(tmp_path_factory.mktemp("golden"), url)
        done = dft("load", real, "--json")
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.fixture(scope="module")
def published(loaded: Dft) -> Lake:
    return _build(loaded, "published-2023")


@pytest.fixture(scope="module")
def default(loaded: Dft) -> Lake:
    return _build(loaded, "default")


def _build(dft: Dft, policy: str) -> Lake:
    lake = dft.folder / policy
    done = dft("build", "--as-of", DAY, "--policy", policy, DFT_LAKE=str(lake))
    assert done.returncode == 0, done.stderr
    return Lake(str(lake))


def _pairs(edges: pl.DataFrame) -> set[tuple[int, int]]:
    of_all = edges.filter(scope="all")
    return set(of_all.select("source_value_id", "wiser_value_id").iter_rows())


def _graph(edges: pl.DataFrame, scope: str) -> "nx.DiGraph[int]":
    in_scope = edges.filter(pl.col("scope") == scope)
    return nx.DiGraph(in_scope.select("source_value_id", "wiser_value_id").rows())


def test_the_export_is_the_published_graph(real: Path, loaded: Dft, published: Lake) -> None:
    output = loaded.folder / "graph.json"
    done = loaded(
        "export", "graph", "--as-of", DAY, "--format", "json", "--output", output, DFT_LAKE=published.url
    )
    assert done.returncode == 0, done.stderr
    ours, theirs = json.loads(output.read_text()), json.loads((real / "published-graph.json").read_text())
    assert ours["values"] == sorted(theirs["values"], key=lambda value: value["id"])
    assert len(ours["edges"]) == 69
    for edge, expected in zip(ours["edges"], sorted(theirs["edges"], key=_ends), strict=True):
        _assert_same_edge(edge, expected)


def _ends(edge: dict[str, Any]) -> tuple[int, int]:
    return edge["sourceValueId"], edge["wiserValueId"]


def _assert_same_edge(edge: dict[str, Any], expected: dict[str, Any]) -> None:
    assert edge.keys() == expected.keys()
    assert (_ends(edge), edge["counts"]) == (_ends(expected), expected["counts"])
    assert edge["contexts"] == sorted(expected["contexts"])
    assert edge["summary"] == pytest.approx(expected["summary"], abs=1e-12, rel=0)


def test_published_2023_has_the_authors_loops(published: Lake) -> None:
    graph = _graph(published.snapshot("wisdom_edges", DAY), "all")
    assert len(list(nx.simple_cycles(graph))) == 4
    loops = [component for component in nx.strongly_connected_components(graph) if len(component) > 1]
    assert sorted(map(sorted, loops)) == [[165, 167, 208, 282, 285], [234, 284, 289, 298, 303]]
    contested = published.snapshot("contested", DAY).filter(scope="all")
    assert contested["value_ids"].to_list() == sorted(map(sorted, loops))
    assert contested["unwound_edges"].list.len().to_list() == [0, 0]


def test_default_is_acyclic_and_names_why_eight_edges_go(published: Lake, default: Lake) -> None:
    edges = default.snapshot("wisdom_edges", DAY)
    assert len(_pairs(edges)) == 61
    for scope in edges["scope"].unique():
        assert nx.is_directed_acyclic_graph(_graph(edges, scope)), scope
    gone = _pairs(published.snapshot("wisdom_edges", DAY)) - _pairs(edges)
    assert _pairs(edges) <= _pairs(published.snapshot("wisdom_edges", DAY))
    rejected = default.snapshot("rejected_pairs", DAY).filter(scope="all")
    why = {
        (row["source_value_id"], row["wiser_value_id"]): row["rejection_reason"]
        for row in rejected.to_dicts()
    }
    assert {pair: why[pair] for pair in gone} == REJECTED


def test_a_component_goes_whole(loaded: Dft, default: Lake) -> None:
    component = _build(loaded, "default-component")
    found = component.snapshot("contested", DAY).filter(scope="all", kind="across_contexts")
    assert found["edges"].equals(found["unwound_edges"])
    inside = {
        (edge["source_value_id"], edge["wiser_value_id"]) for edge in found["edges"].explode().to_list()
    }
    before, after = (_pairs(lake.snapshot("wisdom_edges", DAY)) for lake in (default, component))
    assert len(inside) == 7
    assert after == before - inside
    assert len(after) == 56


def test_pairs_to_train_on(default: Lake) -> None:
    pairs = default.snapshot("value_pairs", DAY)
    scopes = {edge.split("|")[0] for edge in pairs["edge_id"]}
    edges = default.snapshot("wisdom_edges", DAY).filter(pl.col("scope").is_in(scopes))
    assert set(pairs["edge_id"]) == set(edges["edge_id"])
    assert (len(pairs), int(pairs["is_contested"].sum())) == (176, 39)
    assert default.snapshot("balanced_pairs", DAY).is_empty(), "hardly a pair was asked both ways"


def test_what_was_set_aside_and_what_is_missing(published: Lake) -> None:
    aside = published.snapshot("quarantine", DAY).group_by("table", "rule").len()
    assert set(aside.rows()) == {
        ("impression", "superseded", 51),
        ("vote", "superseded", 11),
        ("valuesCard", "invalid_card", 5),
    }
    manifest = published.manifest(DAY)
    assert manifest is not None
    assert [why.split(":")[0] for why in manifest["missing_evidence"]] == ["articulated"]


def test_weights_of_each_of_the_three_prompts_sum_to_one(default: Lake) -> None:
    sums = (
        default.snapshot("rubric_rows", DAY)
        .group_by("prompt_id")
        .agg(pl.col("weight").sum())
        .sort("prompt_id")
    )
    assert sums["prompt_id"].to_list() == ["abortion", "parenting", "weapons"]
    assert sums["weight"].to_list() == pytest.approx([1, 1, 1])


def test_policies_that_allow_loops_carry_nothing(published: Lake, default: Lake) -> None:
    assert published.snapshot("reward_rows", DAY)["h"].unique().to_list() == [0]
    assert default.snapshot("reward_rows", DAY)["h"].unique().to_list() == [1]


def test_verify_names_the_file_that_was_tampered_with(loaded: Dft, published: Lake) -> None:
    assert loaded("verify", "--as-of", DAY, DFT_LAKE=published.url).returncode == 0
    path = Path(published.at(f"contested/as_of={DAY}/part-0.parquet"))
    content = path.read_bytes()
    try:
        path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        done = loaded("verify", "--as-of", DAY, DFT_LAKE=published.url)
        assert done.returncode == 1
        assert f"contested/as_of={DAY}/part-0.parquet was changed" in done.stderr
    finally:
        path.write_bytes(content)


# The pages that the project shows of the run.


@pytest.fixture(scope="module")
def made() -> ModuleType:
    """The script that writes them."""
    spec = importlib.util.spec_from_file_location("make_first_run", CHECKOUT / "docs" / "make_first_run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_say_what_the_tables_give(
    loaded: Dft, default: Lake, published: Lake, made: ModuleType
) -> None:
    pages = made.pages(loaded.environment["DFT_DATABASE_URL"], default, published)
    assert sorted(pages) == ["first-run.md", "published-figures.md"]
    for name, content in pages.items():
        assert (CHECKOUT / "docs" / name).read_text(encoding="utf-8") == content, "run `make first-run`"


def test_the_pages_hold_no_participant_s_words_or_names(real: Path) -> None:
    pages = "".join(
        (CHECKOUT / "docs" / name).read_text() for name in ("first-run.md", "published-figures.md")
    )
    said = [edge[of] for edge in json.loads((real / "edge.json").read_text()) for of in ("story", "comment")]
    assert not re.search(r"\b[0-9a-f]{32}\b", pages), "a pseudonym"
    assert not [words for words in said if words and len(words) > 20 and words in pages]


def test_the_query_of_the_graph_counts_as_the_pipeline_does(loaded: Dft, published: Lake) -> None:
    edges = published.snapshot("wisdom_edges", DAY).filter(scope="all")
    ends = {*edges["source_value_id"], *edges["wiser_value_id"]}
    with psycopg.connect(loaded.environment["DFT_DATABASE_URL"]) as connection:
        found = connection.execute(text("published/graph"), {"before": datetime(2023, 10, 18)}).fetchone()
    assert found == (len(ends), len(edges), len(list(nx.simple_cycles(_graph(edges, "all")))))


# The whole run, to its last day: what is known to be wrong with it, as the gates and counts say it.
LAST = date(2024, 10, 17)
KNOWN = {
    "participants_registered": "2 participants: impression 41, vote 19, edge 45",
    "contexts_have_cases": "10 contexts",
    "once_per_draw": "vote 8, impression 46",
    "backgrounds_known": "2 participants",
}


def test_what_is_known_of_the_run_is_said_of_it(loaded: Dft) -> None:
    lake = {"DFT_LAKE": str(loaded.folder / "whole")}
    done = loaded("build", "--as-of", LAST, **lake)
    assert done.returncode == 0, done.stderr
    status = json.loads(loaded("status", "--json", **lake).stdout)
    found = {check["check"]: check["found"] for check in status["last_run"]["failed_checks"]}
    assert not any(check["blocks"] for check in status["last_run"]["failed_checks"])
    for name, said in KNOWN.items():
        assert said in found[name], name
    counts = {(row["table"], row["outcome"]): row["rows"] for row in status["snapshots"][0]["row_counts"]}
    assert counts["valuesCard", "invalid_card"] == 5
    assert counts["valuesCard", "used"] == 625
    assert counts["edge", "used"] == 1592
    assert counts["vote", "superseded"] == 11, "once per value and case, which is stricter than per draw"
    assert not any(outcome not in ("used", "superseded", "invalid_card") for _, outcome in counts)


def test_those_missing_from_the_user_table_can_be_left_out(loaded: Dft) -> None:
    policy, lake = loaded.folder / "registered.toml", loaded.folder / "registered"
    policy.write_text("exclude_unknown = true")
    done = loaded("build", "--as-of", LAST, "--participants", policy, DFT_LAKE=str(lake))
    assert done.returncode == 0, done.stderr
    aside = Lake(str(lake)).snapshot("set_aside", LAST).filter(rule="unknown_participant")
    assert dict(aside["table"].value_counts().iter_rows()) == {"edge": 45, "vote": 19, "impression": 41}
    effects = Lake(str(lake)).snapshot("exclusion_effects", LAST)
    ours, theirs = (Lake(str(one)).snapshot("wisdom_edges", LAST) for one in (lake, loaded.folder / "whole"))
    pairs = [
        set(edges.select("scope", "source_value_id", "wiser_value_id").rows()) for edges in (ours, theirs)
    ]
    told = {
        effect: set(effects.filter(effect=effect).drop("rule", "effect").rows())
        for effect in ("gained", "lost")
    }
    assert told == {"gained": pairs[0] - pairs[1], "lost": pairs[1] - pairs[0]}
    assert told["lost"] | told["gained"], "two people's judgments make a difference here"


def test_sql_walks_from_edges_and_rows_to_the_same_answers(loaded: Dft, published: Lake) -> None:
    """Under this policy nothing is carried along edges, so a row's support is its own supporters."""
    url = loaded.environment["DFT_DATABASE_URL"]
    show(published, url)
    there, rows = published.snapshot("edge_judgments", DAY), published.snapshot("reward_rows", DAY)
    with psycopg.connect(url) as connection:
        columns = ", ".join(there.columns)
        shown = connection.execute(f"SELECT {columns} FROM dft.edge_judgments".encode()).fetchall()
        assert Counter(shown) == Counter(there.iter_rows())
        assert not rows.is_empty()
        for row in rows.iter_rows(named=True):
            supporters = connection.execute(text("audit/row_supporters").encode(), {"row": row["row_id"]})
            assert len({participant for participant, _ in supporters}) == row["support"]
