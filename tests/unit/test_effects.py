"""What an exclusion does to the graph, against the graph built again by hand."""

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.graph.effects import exclusion_effects
from dft_pipeline.graph.moral_graph import pair_tallies, wisdom_edges
from dft_pipeline.tables import TABLES

Edge = tuple[str, int, int]


def graph_of(judgments: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    return wisdom_edges(pair_tallies(judgments, links, some.EASY), some.EASY)


def edges_of(judgments: pl.DataFrame, links: pl.DataFrame) -> set[Edge]:
    graph = graph_of(judgments, links)
    return set(graph.select("scope", "source_value_id", "wiser_value_id").rows())


@settings(max_examples=5)
@given(
    some.judgments(),
    some.links(),
    st.lists(st.sampled_from(some.PEOPLE), min_size=2, max_size=2, unique=True),
)
def test_effects_read_plainly(judgments: pl.DataFrame, links: pl.DataFrame, people: list[str]) -> None:
    left = judgments.filter(~pl.col("participant_id").is_in(people))
    without = {  # the judgments that there would be without either rule
        rule: judgments.filter(pl.col("participant_id") != other)
        for rule, other in zip(("test_user", "admin"), reversed(people), strict=True)
    }
    edges, expected = edges_of(left, links), set()
    for rule, rows in without.items():
        otherwise = edges_of(rows, links)
        expected |= {(rule, *edge, "gained") for edge in edges - otherwise}
        expected |= {(rule, *edge, "lost") for edge in otherwise - edges}
    found = exclusion_effects(graph_of(left, links), without, links, some.EASY)
    assert found.rows() == sorted(expected)


ANSWERS = {"bob": "upgrade", "cat": "no_upgrade", "dan": "no_upgrade", "ann": "upgrade"}


@pytest.mark.parametrize(
    ("left_out", "effect"),
    [({"cat", "dan"}, "gained"), ({"ann", "bob"}, "lost"), ({"ann"}, None), (set(), None)],
)
def test_effects_by_hand(left_out: set[str], effect: str | None) -> None:
    """Two say yes and two say no: a likelihood of a half, where 0.6 or 0.3 is needed."""
    policy = some.EASY.model_copy(update={"min_likelihood": 0.6 if effect == "gained" else 0.3})
    judgments = some.frame("judgments", (some.judgment(who, 3, 7, said) for who, said in ANSWERS.items()))
    no_links = pl.DataFrame(schema=some.LINKS)
    left = judgments.filter(~pl.col("participant_id").is_in(left_out))
    edges = wisdom_edges(pair_tallies(left, no_links, policy), policy)
    found = exclusion_effects(edges, {"admin": judgments}, no_links, policy)
    scopes = ("all", f"context:{some.CONTEXTS[0]}")
    assert found.rows() == [("admin", scope, 3, 7, effect) for scope in scopes if effect]


def test_no_rule_has_no_effect() -> None:
    edges = some.frame("wisdom_edges", [])
    found = exclusion_effects(edges, {}, pl.DataFrame(schema=some.LINKS), some.EASY)
    assert found.is_empty()
    assert found.schema == TABLES["exclusion_effects"].schema
