"""The tally and its verdict, against a plain reading of the rules with loops and dictionaries."""

import math
from collections.abc import Mapping

import duckdb
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dft_pipeline.graph.consensus import with_rates, with_verdict
from dft_pipeline.graph.moral_graph import (
    edge_judgments,
    misses_judgments,
    pair_tallies,
    rejected_pairs,
    wisdom_edges,
)
from dft_pipeline.graph.scopes import scopes_of_contexts
from dft_pipeline.graph.tally import answers_by_context, contexts_of_pairs, in_scopes, tally
from dft_pipeline.policies import DEFAULT, PUBLISHED_2023, ConsensusPolicy
from dft_pipeline.tables import PAIR_KEY

FOUR = ("marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure")
FORWARD = {"upgrade": "marked_wiser", "no_upgrade": "marked_not_wiser", "not_sure": "marked_unsure"}
Key = tuple[str, int, int]

TIGHTER = (
    {"min_marked_wiser": 3},
    {"max_opposed": 0.25},
    {"min_majority": 0.75},
    {"min_likelihood": 0.6},
    {"max_entropy": 0.5},
)


def plain_scopes(context: str, links: pl.DataFrame) -> list[str]:
    return ["all", f"context:{context}", *(f"case:{case}" for of, case in links.iter_rows() if of == context)]


def plain_tallies(judgments: pl.DataFrame, links: pl.DataFrame) -> dict[Key, some.Row]:
    """The counts and contexts of every ordered pair that somebody judged, either way, per scope."""
    found: dict[Key, some.Row] = {}
    for row in judgments.iter_rows(named=True):
        a, b, answer = row["source_value_id"], row["wiser_value_id"], row["relationship"]
        for scope in plain_scopes(row["context_id"], links):
            ahead, back = (found.setdefault((scope, *pair), _nothing()) for pair in ((a, b), (b, a)))
            ahead[FORWARD[answer]] += 1
            back["marked_less_wise"] += answer == "upgrade"
            for tallied in (ahead, back):
                tallied["judgments_both_ways"] += 1
                tallied["contexts"].add(row["context_id"])
    return found


def _nothing() -> some.Row:
    return {**dict.fromkeys((*FOUR, "judgments_both_ways"), 0), "contexts": set()}


def plain_likelihood(tallied: Mapping[str, int]) -> float | None:
    marks = sum(tallied[mark] for mark in FOUR)
    return (tallied["marked_wiser"] - tallied["marked_less_wise"]) / marks if marks else None


def plain_entropy(tallied: Mapping[str, int], counts: tuple[str, ...]) -> float | None:
    total = sum(tallied[count] for count in counts)
    if total == 0:
        return None
    shares = [tallied[count] / total for count in counts if tallied[count]]
    return sum(share * math.log2(1 / share) for share in shares)


def plain_reason(tallied: Mapping[str, int], policy: ConsensusPolicy) -> str | None:
    """The first rule that rejects a pair, before loops are looked for."""
    wiser, against = tallied["marked_wiser"], tallied["marked_less_wise"]
    answers = wiser + tallied["marked_not_wiser"] + tallied["marked_unsure"]
    likelihood, entropy = plain_likelihood(tallied), plain_entropy(tallied, policy.entropy_counts)
    table = {
        "too_few_wiser": wiser < policy.min_marked_wiser,
        "contested_direction": policy.max_opposed is not None and against > policy.max_opposed * wiser,
        "no_majority": policy.min_majority is not None and wiser <= policy.min_majority * answers,
        "weak_agreement": likelihood is None or likelihood < policy.min_likelihood,
        "no_consensus": entropy is None or entropy > policy.max_entropy,
    }
    return next((name for name, rejects in table.items() if rejects), None) if wiser >= 1 else None


def assert_read_plainly(judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy) -> None:
    table, plain = pair_tallies(judgments, links, policy), plain_tallies(judgments, links)
    assert table.select(PAIR_KEY).rows() == sorted(plain), "a row for every pair judged either way, sorted"
    for row in table.iter_rows(named=True):
        told = plain[row["scope"], row["source_value_id"], row["wiser_value_id"]]
        assert {name: row[name] for name in told} == {**told, "contexts": sorted(told["contexts"])}
        assert row["wiser_likelihood"] == pytest.approx(plain_likelihood(told), abs=1e-12)
        assert row["entropy"] == pytest.approx(plain_entropy(told, policy.entropy_counts), abs=1e-12)
        if row["rejection_reason"] == "in_cycle":
            assert policy.unwind
            assert plain_reason(told, policy) is None, "only what no rule rejects is unwound"
        else:
            assert row["rejection_reason"] == plain_reason(told, policy)
        assert row["is_edge"] == (told["marked_wiser"] >= 1 and row["rejection_reason"] is None)


@settings(max_examples=15)
@given(some.judgments(), some.links(), st.sampled_from((DEFAULT, PUBLISHED_2023)))
def test_named_policies_as_read_plainly(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    assert_read_plainly(judgments, links, policy)


@settings(max_examples=15)
@given(some.judgments(), some.links(), some.policies())
def test_drawn_policies_as_read_plainly(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    assert_read_plainly(judgments, links, policy)


def answered(ahead: tuple[int, int, int], back: int = 0) -> pl.DataFrame:
    """Judgments 3 → 7 that say upgrade, no_upgrade, not_sure so often; and upgrades 7 → 3."""
    said = [answer for answer, count in zip(FORWARD, ahead, strict=True) for _ in range(count)]
    rows = [some.judgment(f"a{place}", 3, 7, answer) for place, answer in enumerate(said)]
    rows += [some.judgment(f"b{place}", 7, 3, "upgrade") for place in range(back)]
    return some.frame("judgments", rows)


@pytest.mark.parametrize(
    ("ahead", "back", "default", "published"),
    [
        ((1, 0, 0), 0, "too_few_wiser", "too_few_wiser"),
        ((2, 0, 0), 0, None, None),
        ((4, 0, 0), 2, None, None),  # a third against, of six who see an upgrade, is not yet too many
        ((3, 0, 0), 2, "contested_direction", "weak_agreement"),
        ((5, 0, 0), 2, None, None),
        ((4, 4, 0), 0, "no_majority", None),
        ((5, 4, 0), 0, None, None),
        ((5, 3, 1), 2, "weak_agreement", "weak_agreement"),  # 3 of 11
        ((9, 4, 4), 0, "no_consensus", "no_consensus"),  # asked one way only, the two bounds are one
        ((1, 1, 1), 1, "too_few_wiser", "too_few_wiser"),
        ((0, 2, 0), 0, None, None),
    ],
)
def test_first_rule_that_rejects(
    ahead: tuple[int, int, int], back: int, default: str | None, published: str | None
) -> None:
    for policy, reason in ((DEFAULT, default), (PUBLISHED_2023, published)):
        table = pair_tallies(answered(ahead, back), pl.DataFrame(schema=some.LINKS), policy)
        row = table.row(
            by_predicate=(pl.col("scope") == "all") & (pl.col("source_value_id") == 3), named=True
        )
        assert row["rejection_reason"] == reason
        assert row["is_edge"] == (reason is None and ahead[0] > 0)


def test_null_rate_counts_as_rejected() -> None:
    policy = DEFAULT.model_copy(update={"entropy_counts": ("marked_less_wise",)})
    table = pair_tallies(answered((3, 0, 0)), pl.DataFrame(schema=some.LINKS), policy)
    row = table.row(by_predicate=(pl.col("scope") == "all") & (pl.col("source_value_id") == 3), named=True)
    assert (row["entropy"], row["rejection_reason"]) == (None, "no_consensus")


def test_nobody_judged_anything() -> None:
    nobody = some.frame("judgments", [])
    table = pair_tallies(nobody, pl.DataFrame(schema=some.LINKS), DEFAULT)
    assert table.is_empty()
    assert wisdom_edges(table, DEFAULT).is_empty()


@settings(max_examples=6)
@given(some.judgments(), some.links(), some.policies(), st.integers(0, 99))
def test_order_of_rows_changes_nothing(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy, seed: int
) -> None:
    table = pair_tallies(judgments, links, policy)
    again = pair_tallies(some.shuffled(judgments, seed), some.shuffled(links, seed), policy)
    assert_frame_equal(table, again, check_exact=True)


@settings(max_examples=8)
@given(some.judgments(), some.links())
def test_two_directions_mirror_each_other(judgments: pl.DataFrame, links: pl.DataFrame) -> None:
    rows = {tuple(row[name] for name in PAIR_KEY): row
            for row in pair_tallies(judgments, links, DEFAULT).iter_rows(named=True)}  # fmt: skip
    for (scope, source, wiser), row in rows.items():
        turned = rows[scope, wiser, source]
        assert row["marked_wiser"] == turned["marked_less_wise"]
        assert row["judgments_both_ways"] == turned["judgments_both_ways"]
        assert row["contexts"] == turned["contexts"]


@settings(max_examples=8)
@given(some.judgments(), some.links(), some.policies(unwind=st.none()), st.sampled_from(TIGHTER))
def test_tighter_bound_adds_no_edge(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy, tighter: Mapping[str, float]
) -> None:
    before = wisdom_edges(pair_tallies(judgments, links, policy), policy)
    tightened = policy.model_copy(update=dict(tighter))
    after = wisdom_edges(pair_tallies(judgments, links, tightened), tightened)
    assert set(after["edge_id"]) <= set(before["edge_id"])


@pytest.mark.parametrize(
    ("tighter", "ahead", "back"),
    [
        ({"min_marked_wiser": 3}, (2, 0, 0), 0),
        ({"max_opposed": 0.25}, (9, 0, 0), 3),
        ({"min_majority": 0.75}, (3, 1, 0), 0),
        ({"min_likelihood": 0.6}, (5, 0, 0), 2),
        ({"max_entropy": 0.5}, (5, 1, 0), 0),
    ],
)
def test_every_bound_takes_an_edge_away(
    tighter: Mapping[str, float], ahead: tuple[int, int, int], back: int
) -> None:
    for update, is_edge in (({}, True), (tighter, False)):
        policy = DEFAULT.model_copy(update=dict(update))
        edges = wisdom_edges(
            pair_tallies(answered(ahead, back), pl.DataFrame(schema=some.LINKS), policy), policy
        )
        assert ("all|3|7" in edges["edge_id"].to_list()) == is_edge


@settings(max_examples=5)
@given(some.judgments(), some.links(), some.policies())
def test_duckdb_says_the_same_as_polars(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    scopes = scopes_of_contexts(judgments["context_id"], links)
    with duckdb.connect() as engine:
        elsewhere = in_scopes(
            answers_by_context(engine.from_arrow(judgments.drop("case_ids").to_arrow())),
            engine.from_arrow(scopes.to_arrow()),
        )
        here = in_scopes(answers_by_context(judgments), scopes)
        tables = [with_verdict(with_rates(tally(rows), policy), policy) for rows in (here, elsewhere)]
        contexts = [contexts_of_pairs(rows) for rows in (here, elsewhere)]
        ours, theirs = (table.collect("polars").to_native().sort(PAIR_KEY) for table in tables)
        seen, seen_there = (rows.collect("polars").to_native().unique().sort(pl.all()) for rows in contexts)
    assert_frame_equal(ours, theirs, abs_tol=1e-12, rel_tol=0)
    assert_frame_equal(seen, seen_there)


@settings(max_examples=8)
@given(some.judgments(), some.links(), some.policies())
def test_rates_are_null_or_numbers(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    table = pair_tallies(judgments, links, policy)
    assert table["wiser_likelihood"].drop_nulls().is_between(-1, 1).all()
    assert table["entropy"].drop_nulls().is_between(0, math.log2(5)).all()
    unmarked = pl.sum_horizontal(FOUR) == 0
    assert table.filter(unmarked)["wiser_likelihood"].is_null().all()
    assert table.filter(~unmarked)["wiser_likelihood"].is_not_null().all()


def test_pair_asked_the_other_way_only_has_no_rate() -> None:
    judged = some.frame("judgments", [some.judgment("a", 3, 7, "no_upgrade")])
    table = pair_tallies(judged, pl.DataFrame(schema=some.LINKS), DEFAULT)
    row = table.row(by_predicate=(pl.col("scope") == "all") & (pl.col("source_value_id") == 7), named=True)
    assert (row["wiser_likelihood"], row["entropy"]) == (None, None)
    assert row["judgments_both_ways"] == 1
    assert (row["rejection_reason"], row["is_edge"]) == (None, False), "a pair that is no candidate"


@settings(max_examples=8)
@given(some.judgments(), some.links(), some.policies())
def test_candidates_are_edges_or_rejected(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    table = pair_tallies(judgments, links, policy)
    edges, rejected = wisdom_edges(table, policy), rejected_pairs(table)
    candidates = table.filter(pl.col("marked_wiser") >= 1).select(PAIR_KEY)
    assert_frame_equal(
        candidates, pl.concat([edges.select(PAIR_KEY), rejected.select(PAIR_KEY)]).sort(PAIR_KEY)
    )
    expected = [f"{scope}|{source}|{wiser}" for scope, source, wiser in edges.select(PAIR_KEY).iter_rows()]
    assert edges["edge_id"].to_list() == expected


@settings(max_examples=8)
@given(some.judgments(), some.links(), some.policies())
def test_judgments_behind_candidates_read_plainly(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    table = pair_tallies(judgments, links, policy)
    candidates = {edge_id for edge_id, count in _ids(table) if count >= 1}
    expected = set()
    for row in judgments.iter_rows(named=True):
        ends = (row["source_value_id"], row["wiser_value_id"])
        for scope in plain_scopes(row["context_id"], links):
            for direction, (a, b) in (("forward", ends), ("reverse", ends[::-1])):
                if f"{scope}|{a}|{b}" in candidates:
                    expected.add((f"{scope}|{a}|{b}", direction, row["participant_id"], row["relationship"]))
    behind = edge_judgments(judgments, links, table)
    found = behind.select("edge_id", "direction", "participant_id", "relationship").rows()
    assert len(found) == len(expected)
    assert set(found) == expected
    assert misses_judgments(table, behind) == []
    if candidates:
        lost = behind["edge_id"][0]
        assert misses_judgments(table, behind[1:]) == [lost], "one judgment less is noticed"


def _ids(table: pl.DataFrame) -> list[tuple[str, int]]:
    return [
        (f"{scope}|{a}|{b}", count) for scope, a, b, count in table.select(*PAIR_KEY, "marked_wiser").rows()
    ]
