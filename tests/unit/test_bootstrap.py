"""Resamples of participants: against a recount in which everybody stands as often as they were drawn."""

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.graph import bootstrap
from dft_pipeline.graph.bootstrap import FATES, LOST_TO, weights
from dft_pipeline.graph.consensus import rules
from dft_pipeline.graph.evidence import Said, edge_evidence
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.graph.streams import people
from dft_pipeline.policies import DEFAULT, PUBLISHED_2023, ConsensusPolicy, Evidence
from dft_pipeline.tables import PAIR_KEY

FEW = Evidence(resamples=4)
NO_VOTES = pl.DataFrame(schema={"participant_id": pl.String, "case_id": pl.String})


def survival(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy, evidence: Evidence = FEW
) -> pl.DataFrame:
    tallies = pair_tallies(judgments, links, policy)
    said = Said(tallies, judgments, links, NO_VOTES)
    return edge_evidence(said, policy, evidence).select(*PAIR_KEY, *FATES)


def copies(judgments: pl.DataFrame, counts: dict[str, int]) -> pl.DataFrame:
    """The judgments of everybody as often as they count, each time by somebody else."""
    times = [
        judgments.filter(pl.col("participant_id").replace_strict(counts) > again).with_columns(
            participant_id=pl.format("{} {}", "participant_id", pl.lit(again))
        )
        for again in range(max(counts.values(), default=0))
    ]
    return pl.concat([judgments.clear(), *times])


@settings(max_examples=4)
@given(some.judgments(), some.links(), st.one_of(some.policies(), st.just(PUBLISHED_2023)))
def test_survival_is_a_recount_of_each_resample(
    judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> None:
    named = people(judgments)["participant_id"].to_list()
    drawn = weights(len(named), 0, range(FEW.resamples))
    without_loops = policy.model_copy(update={"unwind": False})
    fates: dict[tuple[str, int, int], list[str]] = {}
    edges = survival(judgments, links, policy)
    for column in drawn.T.tolist():
        again = pair_tallies(copies(judgments, dict(zip(named, column, strict=True))), links, without_loops)
        found = {row[:3]: row[3:] for row in again.select(*PAIR_KEY, "rejection_reason", "is_edge").rows()}
        for key in edges.select(PAIR_KEY).rows():
            reason, is_edge = found.get(key, (None, False))
            fate = FATES[0] if is_edge else LOST_TO[reason or "too_few_wiser"]
            fates.setdefault(key, []).append(fate)
    for row in edges.iter_rows():
        expected = [fates[row[:3]].count(fate) / FEW.resamples for fate in FATES]
        assert list(row[3:]) == pytest.approx(expected)


def test_each_rule_has_its_part() -> None:
    assert {name for name, _ in rules(DEFAULT)} == set(LOST_TO)
    assert set(LOST_TO.values()) | {FATES[0]} == set(FATES)


def test_weights_are_poisson_and_each_resample_its_own() -> None:
    drawn = weights(20_000, 4, range(3))
    assert drawn.mean() == pytest.approx(1, abs=0.03)
    assert drawn.var() == pytest.approx(1, abs=0.05)
    assert (weights(20_000, 4, range(2, 3))[:, 0] == drawn[:, 2]).all(), "by its number alone"
    assert (weights(20_000, 5, range(1))[:, 0] != drawn[:, 0]).any()
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05


def two_of_two() -> pl.DataFrame:
    return some.frame("judgments", [some.judgment(one, 3, 7, "upgrade") for one in some.PEOPLE[:2]])


def test_survival_of_two_upgrades_by_hand() -> None:
    """Two people who agree: an edge unless both together count less than twice."""
    edges = survival(two_of_two(), pl.DataFrame(schema=some.LINKS), DEFAULT, Evidence(resamples=4000))
    both = 1 - np.exp(-2) * (1 + 2)
    assert edges["bootstrap_survival"].to_list() == pytest.approx([both, both], abs=0.03)
    assert edges["lost_to_count"].to_list() == pytest.approx([1 - both, 1 - both], abs=0.03)
    assert edges["lost_to_direction"].to_list() == edges["lost_to_entropy"].to_list() == [0, 0]


def test_answers_the_other_way_round_count_in_the_published_entropy() -> None:
    """3 → 7 is nearly at the bound; twelve denials of 7 → 3 by others make its counts more uneven."""
    said = ["upgrade"] * 6 + ["no_upgrade"] * 2 + ["not_sure"] * 2
    ahead = [some.judgment(f"{n:032x}", 3, 7, answer) for n, answer in enumerate(said)]
    back = [some.judgment(f"{n:032x}", 7, 3, "no_upgrade") for n in range(50, 62)]
    lost = [
        survival(some.frame("judgments", rows), pl.DataFrame(schema=some.LINKS), PUBLISHED_2023)
        for rows in (ahead, [*ahead, *back])
    ]
    alone, denied = (table.filter(scope="all", source_value_id=3)["lost_to_entropy"].sum() for table in lost)
    assert alone > denied == 0


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    links = pl.DataFrame(schema=some.LINKS)
    whole = survival(two_of_two(), links, DEFAULT)
    monkeypatch.setattr(bootstrap, "AT_ONCE", 1)
    assert survival(two_of_two(), links, DEFAULT).equals(whole)
