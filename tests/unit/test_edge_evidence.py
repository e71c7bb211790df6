"""The evidence behind each edge, against a plain reading of the judgments with loops and dictionaries."""

import math
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dft_pipeline.contracts import broken
from dft_pipeline.export import sure_graph
from dft_pipeline.graph.bootstrap import FATES
from dft_pipeline.graph.chance import shuffled_edges
from dft_pipeline.graph.direction import Asked, p_direction
from dft_pipeline.graph.evidence import BOUNDED, Said, edge_evidence, sure_enough
from dft_pipeline.graph.gates import measured_evidence
from dft_pipeline.graph.moral_graph import pair_tallies, wisdom_edges
from dft_pipeline.policies import DEFAULT, ConsensusPolicy, Evidence, bounds
from dft_pipeline.tables import PAIR_KEY, TABLES

FEW = Evidence(resamples=3, min_reverse=2)
LINKS = pl.DataFrame([(some.CONTEXTS[0], "weed")], schema=some.LINKS, orient="row")
Z = 1.959963984540054


def said(public: some.Public, policy: ConsensusPolicy) -> Said:
    tallies = pair_tallies(public.judgments, public.links, policy)
    own = public.votes.select("participant_id", "case_id")
    # The strategy leaves the cases of a judgment out.
    cases = public.links.group_by("context_id").agg(case_ids="case_id")
    judged = public.judgments.drop("case_ids").join(cases, on="context_id", how="left", maintain_order="left")
    judged = TABLES["judgments"].conform(judged.with_columns(pl.col("case_ids").fill_null([])))
    days = pl.int_range(pl.len()) % 5
    judged = judged.with_columns(pl.col("created_at") + pl.duration(days=days))
    return Said(tallies, judged, public.links, own)


def scopes(row: dict[str, Any]) -> list[str]:
    return ["all", f"context:{row['context_id']}", *(f"case:{case}" for case in row["case_ids"])]


def plain(of: Said, scope: str, source: int, wiser: int) -> dict[str, Any]:
    """What can be counted by eye."""
    rows = [row for row in of.judgments.to_dicts() if scope in scopes(row)]
    ahead = [row for row in rows if (row["source_value_id"], row["wiser_value_id"]) == (source, wiser)]
    back = [row for row in rows if (row["source_value_id"], row["wiser_value_id"]) == (wiser, source)]
    own: dict[str, set[str]] = {}
    for person, case in of.own_cases.iter_rows():
        own.setdefault(person, set()).add(case)
    off = [
        not own[row["participant_id"]] & set(row["case_ids"])
        for row in ahead
        if row["participant_id"] in own and row["case_ids"]
    ]
    days = [row["created_at"].date() for row in ahead]
    seen = sum(row["relationship"] == "upgrade" for row in ahead) / len(ahead)
    low, high = wilson(seen, len(ahead))
    return {
        "direct_answers": len(ahead),
        "asked_reverse": len(back),
        "off_case_judges": sum(off) if off else None,
        "first_day": min(days),
        "last_day": max(days),
        "wiser_share": pytest.approx(seen),
        "wiser_share_low": pytest.approx(low, abs=1e-12),
        "wiser_share_high": pytest.approx(high, abs=1e-12),
    }


def wilson(share: float, n: int) -> tuple[float, float]:
    middle, margin = share + Z**2 / (2 * n), Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return (middle - margin) / (1 + Z**2 / n), (middle + margin) / (1 + Z**2 / n)


@settings(max_examples=10)
@given(some.publics(), some.policies())
def test_what_can_be_counted_is_counted(public: some.Public, policy: ConsensusPolicy) -> None:
    of = said(public, policy)
    table = edge_evidence(of, policy, FEW)
    assert_frame_equal(table.select(PAIR_KEY), of.pair_tallies.filter("is_edge").select(PAIR_KEY))
    for row in table.to_dicts():
        expected = plain(of, *(row[name] for name in PAIR_KEY))
        assert {name: row[name] for name in expected} == expected
        assert (row["p_direction"] is None) == (row["asked_reverse"] < FEW.min_reverse)
    fates = table.select(total=pl.sum_horizontal(FATES))["total"].to_list()
    assert fates == pytest.approx([1] * len(table))
    assert broken(table, TABLES["edge_evidence"].contract, TABLES["edge_evidence"].rules).is_empty()


@settings(max_examples=5)
@given(some.publics(), some.policies(), st.integers(0, 99))
def test_order_of_rows_changes_nothing(public: some.Public, policy: ConsensusPolicy, seed: int) -> None:
    of = said(public, policy)
    mixed = Said(*(some.shuffled(rows, seed) for rows in of))
    one, other = (edge_evidence(rows, policy, FEW) for rows in (of, mixed))
    assert_frame_equal(one, other, check_exact=True)


def test_another_key_of_the_pseudonyms_changes_nothing() -> None:
    """What is drawn for a person is drawn for their judgments, whoever they are called."""
    rows = [
        row for first, pair in enumerate(((3, 7), (7, 20))) for row in answers(pair, 4, 3, first=2 * first)
    ]
    for place, row in enumerate(rows):
        row["created_at"] += timedelta(minutes=place)
    names = {row["participant_id"]: f"{97 - place:032x}" for place, row in enumerate(rows)}
    renamed = [{**row, "participant_id": names[row["participant_id"]]} for row in rows]
    evidence = Evidence(resamples=40, shuffles=5)
    assert_frame_equal(evidence_of(rows, evidence), evidence_of(renamed, evidence), check_exact=True)
    drawn = [shuffled_edges(some.frame("judgments", said), some.EASY, evidence) for said in (rows, renamed)]
    assert_frame_equal(*drawn)


def answers(pair: tuple[int, int], upgrade: int, other: int = 0, first: int = 0) -> list[some.Row]:
    said = ["upgrade"] * upgrade + ["no_upgrade"] * other
    return [some.judgment(f"{first + n:032x}", *pair, answer) for n, answer in enumerate(said)]


def evidence_of(rows: list[some.Row], evidence: Evidence = FEW) -> pl.DataFrame:
    judged = some.frame("judgments", rows)
    of = Said(pair_tallies(judged, LINKS, DEFAULT), judged, LINKS, pl.DataFrame(schema=CASES))
    return edge_evidence(of, DEFAULT, evidence).filter(scope="all")


CASES = pl.Schema({"participant_id": pl.String, "case_id": pl.String})


def test_p_and_q_by_hand() -> None:
    """Four people say `upgrade` to 3 → 7 and deny 7 → 20 and 20 → 101: each would by chance in a third."""
    rows = [row for pair in ((7, 20), (20, 101)) for row in answers(pair, 0, 4)]
    table = evidence_of([*answers((3, 7), 4), *rows])
    assert table.select("source_value_id", "p_base", "q_base").rows() == [
        (3, pytest.approx(1 / 81), pytest.approx(3 / 81))
    ], "three pairs were asked often enough, the two that nobody agrees on among them"


def test_a_pair_asked_too_rarely_to_be_an_edge_is_no_competitor() -> None:
    once = answers((7, 20), 0, 1)
    table = evidence_of([*answers((3, 7), 4), *answers((20, 101), 0, 4), *once])
    others = [1 / 3] + [1 / 2] * 3
    assert table["q_base"].to_list() == [pytest.approx(2 * math.prod(others))]


def test_the_prior_is_centred_on_the_share_of_all_answers() -> None:
    """The same answers both ways leave the direction open; upgrades elsewhere change how far others count."""
    ahead, back = answers((3, 7), 9), answers((7, 3), 0, 2, first=50)
    surely = evidence_of([*ahead, *back])["p_direction"].to_list()
    elsewhere = answers((20, 101), 0, 60, first=100)
    less = evidence_of([*ahead, *back, *elsewhere])["p_direction"].to_list()
    prior = (9 + 1) / (9 + 2 + 2)
    assert surely == p_direction(*(Asked(*map(np.array, ([n], [m]))) for n, m in ((9, 0), (0, 2))), prior, 2)
    assert 0.9 < surely[0] < 1
    assert surely[0] < less[0] < 1, "where most say no, nine upgrades say more, and two denials no less"
    stiff = evidence_of([*ahead, *back], Evidence(resamples=3, min_reverse=2, prior_strength=100))
    assert 0.5 < stiff["p_direction"].to_list()[0] < surely[0]


# Rows as (survival, q), and what is kept of them by their places; the last three lack one or both.
KNOWN = ((0.5, 0.1), (0.9, 0.3), (0.4, None), (None, 0.05), (None, None))
KEPT = (
    ((None, None), [0, 1, 2, 3, 4]),
    ((0.9, None), [1]),
    ((None, 0.1), [0, 3]),
    ((0.5, 0.3), [0, 1]),
    ((0.9, 0.1), []),
    ((0.0, 1.0), [0, 1]),
)


@pytest.mark.parametrize(("asked", "kept"), KEPT)
@pytest.mark.parametrize("table", BOUNDED)
def test_bounds_keep_what_has_enough_evidence(
    table: str, asked: tuple[float | None, float | None], kept: list[int]
) -> None:
    rows = some.frame(table, [dict(zip(BOUNDED[table], row, strict=True)) for row in KNOWN])
    rows = rows.with_row_index("place")
    assert sure_enough(table, rows, bounds(*asked))["place"].to_list() == kept


def test_what_bounds_look_at() -> None:
    """An edge's own survival and q; of what was chosen its own survival, and the best q of its edges."""
    own = ("bootstrap_survival", "q_base")
    assert {
        "edge_evidence": own,
        "value_pairs": own,
        "reward_rows": ("row_survival", "edge_q_base"),
    } == BOUNDED


@pytest.mark.parametrize(
    ("asked", "named"), [((1.01, None), "min_survival"), ((0.5, -0.1), "max_q"), ((None, math.nan), "max_q")]
)
def test_a_bound_that_is_no_share_is_refused(asked: tuple[float | None, float | None], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        bounds(*asked)


def test_values_leave_the_graph_with_their_last_edge() -> None:
    """3 → 7 → 20, of which 7 → 20 is sure in `all`, and 3 → 7 in its context."""
    judged = some.frame("judgments", [*answers((3, 7), 9), *answers((7, 20), 9)])
    edges = wisdom_edges(pair_tallies(judged, LINKS, DEFAULT), DEFAULT)
    here = f"context:{some.CONTEXTS[0]}"
    sure = edges.with_columns(
        bootstrap_survival=pl.when(pl.col("edge_id").is_in(["all|7|20", f"{here}|3|7"]))
        .then(0.9)
        .otherwise(0.8)
    )
    ends = [{"scope": scope, "value_id": value} for scope in ("all", here) for value in (3, 7, 20)]
    kept, values = sure_graph(edges, some.frame("graph_values", ends), sure, bounds(0.9, None))
    assert kept["edge_id"].to_list() == ["all|7|20", f"{here}|3|7"]
    assert values.select("scope", "value_id").rows() == [("all", 7), ("all", 20), (here, 3), (here, 7)]
    assert kept.columns == edges.columns


def test_gate_names_edges_without_evidence_and_evidence_without_an_edge() -> None:
    judged = some.frame("judgments", [*answers((3, 7), 4), *answers((7, 20), 4)])
    tallies = pair_tallies(judged, LINKS, DEFAULT)
    rows = [
        {"scope": scope, "source_value_id": a, "wiser_value_id": b, "edge_id": f"{scope}|{a}|{b}"}
        for scope, a, b in tallies.filter("is_edge").select(PAIR_KEY).iter_rows()
    ]
    shuffles = some.frame("shuffled_edges", [{"shuffle": n, "edges": n} for n in range(4)])
    (sound,) = measured_evidence(tallies, some.frame("edge_evidence", rows), shuffles)
    assert (sound.value, sound.rows) == (0, ())
    assert sound.seen == "the answers give 2 edges, shuffled ones 1.5 on average"
    odd = {**rows[0], "wiser_value_id": 101, "edge_id": "all|3|101"}
    (torn,) = measured_evidence(tallies, some.frame("edge_evidence", [odd, *rows[1:]]), shuffles[:0])
    assert (torn.value, torn.rows, torn.seen) == (2, ("all|3|101", "all|3|7"), "")
