"""Groupings of cards beside each other and beside participants' verdicts, small enough to count by hand."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, f1_score, precision_score, recall_score

from dft_pipeline.policies import OFFLINE_WORDLLAMA, snapshot_settings
from dft_pipeline.reports.grouping_agreement import dedup_agreement, dedup_verdicts, majority
from dft_pipeline.reports.groupings import groupings, offline_beside
from dft_pipeline.tables import TABLES
from dft_pipeline.values import canonical
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.embeddings import card_embeddings, texts_of
from dft_pipeline.values.strategies import is_embedded
from tests.unit.small_world import CARD, NOON, ROWS, Row, another, world

CARDS = range(1, 7)
SAID = {"participant_id": pl.String, "card_id": pl.Int64, "other_card_id": pl.Int64, "verdict": pl.String}


def _cards(texts: Sequence[str], given_to: Sequence[int | None] = ()) -> pl.DataFrame:
    """Cards 1, 2, … with these texts, and the canonical card that the app gave each, if any."""
    assigned = [*given_to, *[None] * (len(texts) - len(given_to))]
    rows = [
        {**ROWS["valuesCard"][0], "id": number, "evaluationCriteria": [text], "canonicalCardId": canonical_id}
        for number, (text, canonical_id) in enumerate(zip(texts, assigned, strict=True), 1)
    ]
    apps = [{**CARD, "id": number, "evaluationCriteria": [f"canonical {number}"]} for number in range(1, 8)]
    frames = world()
    return all_cards(
        pl.DataFrame(rows, frames["valuesCard"].schema),
        pl.DataFrame(apps, frames["canonicalValuesCard"].schema),
    )


def _grouping(values: Mapping[int, int]) -> pl.DataFrame:
    """Participants' cards and their values, among canonical cards that nothing is to be measured on."""
    cards = [("card", card, value) for card, value in values.items()]
    apps = [("canonical", number, number) for number in range(1, 8)]
    columns = ("card_kind", "card_id", "value_id")
    return pl.DataFrame([*cards, *apps], columns, orient="row")


def _background(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(rows, world()["deduplication"].schema)


def _put(card: int, deduplicated: int, generation: int = 1, hours: int = 0) -> Row:
    changed = NOON + timedelta(hours=hours)
    names = {"valuesCardId": card, "deduplicatedCardId": deduplicated, "generation": generation}
    return {**names, "createdAt": NOON, "updatedAt": changed}


def _by_names(table: pl.DataFrame) -> dict[tuple[str, ...], dict[str, Any]]:
    return {(row["population"], row["grouping"], row["reference"]): row for row in table.to_dicts()}


def test_two_groupings_by_hand() -> None:
    """Of five cards, 1 and 2 say the same. The snapshot: 1 2 3 | 4 5; the app's: 1 2 | 3 4 5."""
    every = _cards(["a", "a", "b", "c", "d"], [1, 1, 2, 2, 2])
    snapshot = _grouping({1: 7, 2: 7, 3: 7, 4: 8, 5: 8})
    found = _by_names(dedup_agreement(every, groupings(every, snapshot, None, _background())))
    assert {names[1:] for names in found} == {
        ("exact", "snapshot"),
        ("exact", "given"),
        ("snapshot", "given"),
    }
    of_all = found["all_cards", "snapshot", "given"]
    assert list(of_all.values())[3:7] == [5, 4, 4, 2], "1 with 2 and 4 with 5 are together in both"
    assert (of_all["precision"], of_all["recall"], of_all["f1"]) == (0.5, 0.5, 0.5)
    assert of_all["adjusted_rand"] == pytest.approx((2 - 1.6) / (4 - 1.6)), "16 / 10 are expected by chance"
    # One of 1 and 2 is left: 1 3 | 4 5 against 1 | 3 4 5.
    of_texts = found["distinct_texts", "snapshot", "given"]
    assert list(of_texts.values())[3:7] == [4, 2, 3, 1]
    assert (of_texts["precision"], of_texts["recall"], of_texts["f1"]) == (1 / 2, 1 / 3, 2 / 5)
    baseline = found["distinct_texts", "exact", "given"]
    assert (baseline["precision"], baseline["recall"], baseline["f1"]) == (None, 0, 0), "it says nothing here"


def test_only_cards_that_both_have_are_compared() -> None:
    """Card 1, the first with its text, is in no generation: of those compared, card 2 is the first."""
    every = _cards(["a", "a", "b", "c"])
    snapshot = _grouping({1: 7, 2: 8, 3: 8, 4: 9, 99: 8})
    background = _background(*(_put(card, 5) for card in (2, 3, 98)))
    found = _by_names(dedup_agreement(every, groupings(every, snapshot, None, background)))
    for population in ("all_cards", "distinct_texts"):
        row = found[population, "snapshot", "generation:1"]
        assert (row["cards"], row["pairs_in_both"]) == (2, 1), population
        assert row["adjusted_rand"] is None, "both put all cards together"


def test_groupings_without_any_card_are_left_out() -> None:
    every = _cards(["a", "b"])
    snapshot = canonical.card_values(every)
    assert list(groupings(every, snapshot, None, _background(_put(99, 1)))) == ["exact"]
    table = dedup_agreement(every, groupings(every, snapshot, None, _background()))
    assert (len(table), table.schema) == (0, TABLES["dedup_agreement"].schema), "one alone agrees with nobody"
    none = _cards([])
    assert groupings(none, canonical.card_values(none), None, _background()) == {}


def test_generations_are_told_apart_and_come_by_their_number() -> None:
    every = _cards(["a", "b", "c"], [1, 1, 1])
    background = _background(_put(1, 5, 10), _put(2, 5, 10), _put(1, 6, 2), _put(2, 7, 2), _put(3, 7, 2))
    found = groupings(every, canonical.card_values(every), every.with_columns(value_id=1), background)
    assert list(found) == ["exact", "offline", "snapshot", "generation:2", "generation:10", "given"]
    assert [rows["card_id"].to_list() for rows in found.values()] == [
        *[[1, 2, 3]] * 3,
        [1, 2, 3],
        [1, 2],
        [1, 2, 3],
    ]
    pairs = set(dedup_agreement(every, found).select("grouping", "reference").iter_rows())
    assert ("generation:2", "generation:10") in pairs
    assert len(pairs) == 6 * 5 / 2, "each two once"
    assert not pairs & {(two, one) for one, two in pairs}


def test_a_card_that_stands_twice_in_a_generation_is_where_it_was_put_last() -> None:
    every = _cards(["a", "b"])
    rows = [_put(1, 9), _put(1, 4, hours=1), _put(2, 3), _put(2, 4)]
    for order in (rows, rows[::-1]):
        found = groupings(every, _grouping({}), None, _background(*order))["generation:1"]
        assert sorted(found.select("card_id", "value_id").iter_rows()) == [(1, 4), (2, 4)]


def _embeddings(every: pl.DataFrame) -> pl.DataFrame:
    texts = texts_of(every, OFFLINE_WORDLLAMA)
    return card_embeddings(texts, np.eye(len(texts), dtype=np.float32), "a model")


def test_offline_stands_beside_what_is_made_otherwise() -> None:
    every = _cards(["a", "a", "b"])
    wanted = snapshot_settings(dedup="offline")
    assert offline_beside(wanted, every, _embeddings(every)) is None, "the snapshot is that already"
    for wanted in (snapshot_settings(dedup="given"), snapshot_settings(dedup="model", has_model=True)):
        beside = offline_beside(wanted, every, _embeddings(every))
        assert beside is not None
        assert set(beside["decided_by"]) == {OFFLINE_WORDLLAMA.decider}
        assert len(beside) == len(every)


def test_no_server_is_asked_for_the_sake_of_a_comparison() -> None:
    every = _cards(["a", "b"])
    of_a_server = OFFLINE_WORDLLAMA.model_copy(update={"embed_model": "of a server"})
    wanted = snapshot_settings(dedup="given").model_copy(update={"deduplication": of_a_server})
    assert not is_embedded(wanted, every)
    assert offline_beside(wanted, every, _embeddings(every.clear())) is None
    compares = wanted.model_copy(update={"dedup": "model"})
    assert is_embedded(compares, every), "the snapshot needs the vectors too"
    assert offline_beside(compares, every, _embeddings(every)) is not None


values = st.lists(st.integers(0, 3), min_size=len(CARDS), max_size=len(CARDS))


@settings(max_examples=10)
@given(values, values, st.integers(0, 99))
def test_figures_are_those_of_scikit_learn_in_any_order(one: list[int], two: list[int], seed: int) -> None:
    every = _cards([f"text {card % 4}" for card in CARDS], [value + 1 for value in two])
    snapshot = _grouping(dict(zip(CARDS, one, strict=True)))
    table = dedup_agreement(every, groupings(every, snapshot, None, _background()))
    firsts = {"all_cards": range(6), "distinct_texts": range(4)}
    for population, places in firsts.items():
        row = _by_names(table)[population, "snapshot", "given"]
        found, true = [one[place] for place in places], [two[place] for place in places]
        if row["adjusted_rand"] is not None:
            assert row["adjusted_rand"] == pytest.approx(adjusted_rand_score(true, found))
        ends = [(a, b) for a in range(len(found)) for b in range(a)]
        together, truly = ([side[a] == side[b] for a, b in ends] for side in (found, true))
        for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
            expected = score(truly, together, zero_division=np.nan)
            assert row[name] == (None if np.isnan(expected) else pytest.approx(expected))
    again = groupings(every, some.shuffled(snapshot, seed), None, _background())
    assert dedup_agreement(every, again).equals(table)


def _said(*verdicts: tuple[str, int, int, str]) -> pl.DataFrame:
    return pl.DataFrame(verdicts, SAID, orient="row")


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        (["same"], "same"),
        (["same", "different", "same"], "same"),
        (["different", "different", "same", "unsure"], "different"),
        (["same", "different"], "unsure"),
        (["same", "unsure"], "unsure"),
        (["different", "different", "unsure", "unsure"], "unsure"),
        (["unsure", "unsure", "same"], "unsure"),
        (["same", "different", "unsure"], "unsure"),
    ],
)
def test_the_verdict_on_two_cards_is_what_most_said(answers: list[str], verdict: str) -> None:
    said = _said(*((f"person {place}", 1, 2, answer) for place, answer in enumerate(answers)))
    for rows in (said, said.reverse()):
        assert majority(rows).rows() == [(1, 2, verdict)]


PAIRS = [(one, two) for one in CARDS for two in CARDS if one < two]


def test_verdicts_by_hand() -> None:
    """1 2 3 | 4 5, and card 6 is nowhere."""
    every = _cards(["a", "b", "c", "d", "e", "f"])
    said = _said(
        ("ann", 1, 2, "same"), ("bob", 1, 2, "same"), ("ann", 4, 5, "same"), ("ann", 3, 4, "same"),
        ("ann", 1, 3, "different"), ("ann", 1, 4, "different"), ("ann", 2, 4, "different"),
        ("bob", 2, 5, "different"), ("ann", 2, 3, "same"), ("bob", 2, 3, "different"),
        ("ann", 5, 6, "same"),
    )  # fmt: skip
    found = groupings(every, _grouping({1: 7, 2: 7, 3: 7, 4: 8, 5: 8}), None, _background())
    rows = {row["grouping"]: list(row.values())[1:] for row in dedup_verdicts(said, found).to_dicts()}
    assert rows == {
        "snapshot": [9, 2, 1, 1, 3, 1, 1, 2 / 3, 2 / 3, 2 / 3],
        "exact": [9, 0, 4, 0, 4, 1, 0, None, 0, 0],
    }


def test_nobody_was_asked() -> None:
    every = _cards(["a", "b"], [1, 1])
    table = dedup_verdicts(_said(), groupings(every, _grouping({}), None, _background()))
    assert (len(table), table.schema) == (0, TABLES["dedup_verdicts"].schema)


answers = st.tuples(
    st.sampled_from(("ann", "bob", "cat")),
    st.sampled_from(PAIRS),
    st.sampled_from(("same", "different", "unsure")),
)


@given(st.lists(answers, unique_by=lambda one: one[:2], min_size=1, max_size=20), values, st.integers(0, 99))
def test_every_pair_is_counted_once_in_any_order(
    told: list[tuple[str, tuple[int, int], str]], where: list[int], seed: int
) -> None:
    """Cards of value 3 are in no group."""
    every = _cards([f"text {card}" for card in CARDS])
    placed = {card: value for card, value in zip(CARDS, where, strict=True) if value < 3}
    said = _said(*((who, *pair, verdict) for who, pair, verdict in told))
    found = groupings(every, _grouping(placed), None, _background())
    table = dedup_verdicts(said, found)
    counts = ("same_together", "same_apart", "different_together", "different_apart", "unsure", "not_grouped")
    assert table["pairs"].to_list() == [len({pair for _, pair, _ in told})] * len(found)
    assert table.select(pl.sum_horizontal(counts)).to_series().equals(table["pairs"], check_names=False)
    for row in table.filter(grouping="snapshot").to_dicts():
        rows = majority(said).rows()
        both = [row for row in rows if {*row[:2]} <= {*placed}]
        grouped = [(placed[one] == placed[two], verdict) for one, two, verdict in both]
        assert row["not_grouped"] == len(rows) - len(grouped)
        assert row["same_together"] == grouped.count((True, "same"))
        assert row["different_apart"] == grouped.count((False, "different"))
        asked = [(together, verdict == "same") for together, verdict in grouped if verdict != "unsure"]
        if any(sum(pair) for pair in asked):
            together, same = zip(*asked, strict=True)
            assert row["f1"] == pytest.approx(f1_score(same, together))
        else:
            assert row["f1"] is None
    assert dedup_verdicts(some.shuffled(said, seed), found).equals(table)


def test_one_small_world_has_its_generation() -> None:
    """What the source tables' names are: `deduplication` names a participant's card and what it became."""
    frames = world(deduplication=[another("deduplication", 4)])
    every = all_cards(frames["valuesCard"], frames["canonicalValuesCard"])
    found = groupings(every, canonical.card_values(every), None, frames["deduplication"])
    assert list(found) == ["exact", "snapshot", "generation:1", "generation:4", "given"]
