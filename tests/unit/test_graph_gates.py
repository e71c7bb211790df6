"""What the gates see in a moral graph: nothing in a sound one, and each planted violation by its rows."""

from typing import Any

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import Seen, by_name, changed, is_within, outside

from dft_pipeline.graph.gates import CONSENSUS_GATES, RANKING_GATES, measured_consensus, measured_ranking
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.graph.moral_graph import edge_judgments, pair_tallies, wisdom_edges
from dft_pipeline.policies import DEFAULT, PUBLISHED_2023, ConsensusPolicy

PATH = ((3, 7), (7, 20), (20, 101), (3, 20), (3, 101))
LINKS = pl.DataFrame([(some.CONTEXTS[0], "weed")], schema=some.LINKS, orient="row")
JUDGED = some.frame(
    "judgments", [some.judgment(person, *pair, "upgrade") for pair in PATH for person in some.PEOPLE[:3]]
)
TALLIES = pair_tallies(JUDGED, LINKS, DEFAULT)
EDGES = wisdom_edges(TALLIES, DEFAULT)
BEHIND = edge_judgments(JUDGED, LINKS, TALLIES)
BALLOT = some.frame("votes", [some.vote(some.PEOPLE[0], 7, "weed")])
KNOWN = some.frame("canonical_values", [some.a_value(value, 2) for value in some.VALUES])
NODES = graph_values(EDGES, KNOWN, BALLOT, LINKS)


def consensus(
    tallies: pl.DataFrame = TALLIES,
    edges: pl.DataFrame = EDGES,
    behind: pl.DataFrame = BEHIND,
    policy: ConsensusPolicy = DEFAULT,
    before: pl.DataFrame | None = EDGES,
) -> Seen:
    return by_name(measured_consensus(tallies, edges, behind, policy, before))


def ranking(edges: pl.DataFrame = EDGES, values: pl.DataFrame = NODES) -> Seen:
    return by_name(measured_ranking(edges, values))


def test_a_sound_graph_is_within_all_bounds() -> None:
    seen, ranked = consensus(), ranking()
    assert outside(seen) == outside(ranked) == set()
    assert [*seen, *ranked] == [gate.name for gate in (*CONSENSUS_GATES, *RANKING_GATES)]
    assert {one.value for one in (*seen.values(), *ranked.values())} == {0}
    assert len(EDGES.filter(scope="all")) == 5, "an edge is a fifth of them"


def test_a_graph_without_edges_is_within_all_bounds() -> None:
    seen = consensus(*(rows.clear() for rows in (TALLIES, EDGES, BEHIND)), before=EDGES.clear())
    assert outside(seen) == outside(ranking(EDGES.clear(), NODES.clear())) == set()
    assert (seen["edges_steady"].value, seen["edges_steady"].seen) == (None, "0 edges, none before")


def plain_torn(tallies: pl.DataFrame) -> list[str]:
    """The pairs, by name, whose reverse is not there or has other counts."""
    rows = {tuple(row[:3]): row[3:] for row in tallies.select(*PAIR, *COUNTS).iter_rows()}
    names = []
    for (scope, a, b), (wiser, less_wise, both) in rows.items():
        if rows.get((scope, b, a)) != (less_wise, wiser, both):
            names.append(f"{scope}|{a}|{b}")
    return sorted(names)


PAIR = ("scope", "source_value_id", "wiser_value_id")
COUNTS = ("marked_wiser", "marked_less_wise", "judgments_both_ways")
AT = (pl.col("scope") == "case:weed", pl.col("source_value_id") == 3, pl.col("wiser_value_id") == 7)


def one_more(rows: pl.DataFrame, column: str, at: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(pl.when(at).then(pl.col(column) + 1).otherwise(column).alias(column))


@settings(max_examples=8)
@given(some.judgments(people=6), some.links(), st.data())
def test_tallies_mirror(judgments: pl.DataFrame, links: pl.DataFrame, data: st.DataObject) -> None:
    tallies = pair_tallies(judgments, links, some.EASY)
    seen = consensus(tallies)["tallies_mirror"]
    assert (seen.value, seen.rows) == (0, ()) == (len(plain_torn(tallies)), ())
    if tallies.is_empty():
        return
    place, column = data.draw(st.integers(0, len(tallies) - 1)), data.draw(st.sampled_from(COUNTS))
    for torn in (
        tallies.with_row_index().filter(pl.col("index") != place).drop("index"),
        one_more(tallies, column, pl.int_range(pl.len()) == place),
    ):
        seen, names = consensus(torn)["tallies_mirror"], plain_torn(torn)
        assert (seen.value, seen.rows) == (len(names), tuple(names[:5]))
        assert not is_within(seen)


def test_a_torn_tally_is_seen_alone() -> None:
    after = consensus(one_more(TALLIES, "marked_less_wise", pl.all_horizontal(*AT)).filter(~AT[0] | AT[1]))
    assert "tallies_mirror" in outside(after)
    back = pl.all_horizontal(AT[0], pl.col("source_value_id") == 7, pl.col("wiser_value_id") == 3)
    after = consensus(one_more(TALLIES, "judgments_both_ways", back))
    assert outside(after) == changed(consensus(), after) == {"tallies_mirror"}
    assert after["tallies_mirror"].rows == ("case:weed|3|7", "case:weed|7|3"), "the pair and its reverse"


def loop(scope: str) -> pl.DataFrame:
    """An edge that leads back from 20 to 3."""
    there = EDGES.filter(pl.all_horizontal(pl.col("scope") == scope, pl.col("source_value_id") == 3)).head(1)
    return pl.concat(
        [EDGES, there.with_columns(source_value_id=pl.lit(20), wiser_value_id=pl.lit(3)).cast(EDGES.schema)]
    )


def test_a_loop_is_named_by_its_scope() -> None:
    after = consensus(edges=loop("case:weed"))
    assert outside(after) == changed(consensus(), after) == {"acyclic"}
    assert after["acyclic"][1:] == (1, ("case:weed",), "")
    both = consensus(edges=pl.concat([loop("all"), loop("case:weed")]).unique())
    assert both["acyclic"].rows == ("all", "case:weed")


def test_a_policy_that_keeps_loops_has_nothing_to_measure() -> None:
    seen = consensus(edges=loop("all"), policy=PUBLISHED_2023)
    assert outside(seen) == set()
    assert seen["acyclic"].value is None


def edges(count: int) -> pl.DataFrame:
    """So many edges in `all`, and as many as one likes elsewhere."""
    rows: list[Any] = [{"scope": "all", "source_value_id": n, "wiser_value_id": n + 1} for n in range(count)]
    return some.frame(
        "wisdom_edges", [*rows, {"scope": "case:weed", "source_value_id": 1, "wiser_value_id": 2}]
    )


@pytest.mark.parametrize(
    ("then", "now", "drop"),
    [
        (5, 4, 0.2),
        (10, 8, 0.2),
        (35, 28, 0.2),
        (69, 61, 8 / 69),
        (5, 9, 0),
        (9, 7, 2 / 9),
        (5, 0, 1),
        (1, 0, 1),
    ],
)
def test_a_fifth_of_the_edges_may_go(then: int, now: int, drop: float) -> None:
    seen = consensus(edges=edges(now), before=edges(then))["edges_steady"]
    assert seen.value == pytest.approx(drop)
    assert is_within(seen) == (5 * (then - now) <= then), "exactly 20 % is allowed"
    assert seen.seen == f"{then} edges before, {now} now"


def test_without_an_earlier_snapshot_nothing_is_gone() -> None:
    seen = consensus(before=None)
    assert changed(consensus(), seen) == {"edges_steady"}
    assert (seen["edges_steady"].value, seen["edges_steady"].rows) == (None, ())
    assert seen["edges_steady"].seen == "no earlier snapshot to compare with"


@pytest.mark.parametrize("lost", ["one row", "all rows of a pair", "one row turned", "one answer changed"])
def test_judgments_that_do_not_add_up_are_named_by_their_pair(lost: str) -> None:
    theirs = pl.col("edge_id") == "case:weed|3|7"
    first = theirs & (pl.col("participant_id") == some.PEOPLE[0])
    behind = {
        "one row": BEHIND.filter(~first),
        "all rows of a pair": BEHIND.filter(~theirs),
        "one row turned": BEHIND.with_columns(
            direction=pl.when(first).then(pl.lit("reverse")).otherwise("direction")
        ),
        "one answer changed": BEHIND.with_columns(
            relationship=pl.when(first).then(pl.lit("not_sure")).otherwise("relationship")
        ),
    }[lost]
    after = consensus(behind=behind)
    assert outside(after) == changed(consensus(), after) == {"judgments_add_up"}
    assert after["judgments_add_up"][1:] == (1, ("case:weed|3|7",), "")


def test_an_end_that_is_no_value_of_the_scope_is_named() -> None:
    gone = NODES.filter((pl.col("scope") != "case:weed") | (pl.col("value_id") != 101))
    after = ranking(values=gone)
    assert after["ends_are_known_values"][1:] == (1, ("101",), "")
    even = gone.with_columns(pl.col("pagerank") / pl.col("pagerank").sum().over("scope"))
    assert (
        outside(ranking(values=even)) == changed(ranking(), ranking(values=even)) == {"ends_are_known_values"}
    )


@pytest.mark.parametrize(
    ("factor", "scopes"), [(1.001, ("case:weed",)), (0.5, ("case:weed",)), (1 + 1e-12, ())]
)
def test_pageranks_that_do_not_sum_to_1_are_named_by_their_scope(
    factor: float, scopes: tuple[str, ...]
) -> None:
    rank = pl.when(AT[0]).then(pl.col("pagerank") * factor).otherwise("pagerank")
    after = ranking(values=NODES.with_columns(pagerank=rank))
    assert outside(after) == changed(ranking(), after) == ({"pagerank_sums_to_1"} if scopes else set())
    assert after["pagerank_sums_to_1"][1:] == (len(scopes), scopes, "")
