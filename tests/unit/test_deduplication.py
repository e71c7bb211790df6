"""From cards to values: who is with whom, under which id, with whose text, and how votes follow.

A card's only criterion is an angle in degrees, and so is its vector: cards agree up to 30 degrees apart.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dft_pipeline.policies import Deduplication
from dft_pipeline.table_gates import measured_table
from dft_pipeline.values import one_voice, reading
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.deduplication import Grouped, offline
from dft_pipeline.values.judging import Pair, Verdict
from tests.unit.small_world import BOB, CARD, NOON, ROWS, Row, another, world

few = settings(max_examples=8)  # an example goes the whole way
SETTINGS = Deduplication(
    name="offline-angle",
    embed_model="angle",
    word_weight=0,
    threshold=0.866,
    canonical_threshold=0.866,
    candidate_threshold=0.7,  # 45 degrees
    source="made up",
)


def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    angles = np.radians([float(text) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _card(number: int, angle: int, hours: int = 0) -> Row:
    return {
        **ROWS["valuesCard"][0],
        "id": number,
        "title": f"Card {number}",
        "evaluationCriteria": [str(angle)],
        "createdAt": NOON + timedelta(hours=hours),
    }


def _canonical(number: int, angle: int) -> Row:
    return {**CARD, "id": number, "title": f"Canonical {number}", "evaluationCriteria": [str(angle)]}


def _frame(table: str, rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=world()[table].schema)


def _grouped(cards: list[Row], canonical: list[Row], **more: object) -> Grouped:
    frames = (_frame("valuesCard", cards), _frame("canonicalValuesCard", canonical))
    return offline(all_cards(*frames), _embed, SETTINGS, **more)  # type: ignore[arg-type]


def _values(grouped: Grouped) -> dict[tuple[str, int], int]:
    rows = grouped.card_values.select("card_kind", "card_id", "value_id").iter_rows()
    return {(kind, card): value for kind, card, value in rows}


angles = st.lists(st.integers(0, 36).map(lambda tenth: 10 * tenth), max_size=7)


@st.composite
def public(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Cards and canonical cards."""
    mine, apps = draw(angles), draw(angles)
    hours = [draw(st.integers(0, 2)) for _ in mine]
    cards = [_card(10 + place, *drawn) for place, drawn in enumerate(zip(mine, hours, strict=True))]
    return cards, [_canonical(place, angle) for place, angle in enumerate(apps, start=12)]


@few
@given(public())
def test_every_card_of_either_kind_becomes_one_value(drawn: tuple[list[Row], list[Row]]) -> None:
    cards, canonical = drawn
    found = _grouped(cards, canonical)
    everybody = {("card", row["id"]) for row in cards} | {("canonical", row["id"]) for row in canonical}
    assert len(found.card_values) == len(everybody)
    assert set(_values(found)) == everybody
    assert set(found.canonical_values["value_id"]) == set(_values(found).values())
    assert found.canonical_values["card_count"].sum() == len(cards)
    for name in ("card_values", "canonical_values", "merge_decisions"):
        troubles = measured_table(name, getattr(found, name))
        assert [one.value for one in troubles] == [0, 0], f"{name}: {troubles}"


@few
@given(public())
def test_a_value_is_known_by_its_cards(drawn: tuple[list[Row], list[Row]]) -> None:
    cards, canonical = drawn
    written = {row["id"]: row["createdAt"] for row in cards}
    members: dict[int, list[tuple[str, int]]] = {}
    for card, value in _values(_grouped(cards, canonical)).items():
        members.setdefault(value, []).append(card)
    for value, group in members.items():
        apps = [number for kind, number in group if kind == "canonical"]
        earliest = (
            min((written[number], number) for kind, number in group if kind == "card") if not apps else None
        )
        assert value == (min(apps) if earliest is None else 1_000_000_000 + earliest[1])


@few
@given(public(), st.integers(0, 99))
def test_the_order_of_cards_changes_nothing(drawn: tuple[list[Row], list[Row]], seed: int) -> None:
    order = np.random.default_rng(seed)
    moved = _grouped(*([rows[place] for place in order.permutation(len(rows))] for rows in drawn))
    found = _grouped(*drawn)
    assert found.card_values.equals(moved.card_values)
    assert found.canonical_values.equals(moved.canonical_values)
    assert found.merge_decisions.equals(moved.merge_decisions)


@few
@given(public())
def test_members_are_as_similar_to_the_representative_as_it_says(drawn: tuple[list[Row], list[Row]]) -> None:
    found = _grouped(*drawn)
    angle = {
        (kind, row["id"]): float(row["evaluationCriteria"][0])
        for kind, rows in zip(("card", "canonical"), drawn, strict=True)
        for row in rows
    }
    of = {
        value: angle[kind, number]
        for value, kind, number in found.canonical_values.select(
            "value_id", "representative_card_kind", "representative_card_id"
        ).iter_rows()
    }
    for row in found.card_values.iter_rows(named=True):
        apart = np.radians(angle[row["card_kind"], row["card_id"]] - of[row["value_id"]])
        assert row["similarity"] == pytest.approx(np.cos(apart), abs=2e-6)
        assert row["similarity"] >= SETTINGS.threshold, "every member agrees with the representative"
    assert set(found.card_values["decided_by"]) <= {"offline-angle-1"}


@few
@given(public())
def test_a_card_that_nobody_is_like_changes_nobodys_value(drawn: tuple[list[Row], list[Row]]) -> None:
    cards, canonical = drawn
    few = [row for row in cards if float(row["evaluationCriteria"][0]) < 180]
    apps = [row for row in canonical if float(row["evaluationCriteria"][0]) < 180]
    before = _grouped(few, apps)
    after = _values(_grouped([*few, _card(5, 255, hours=-9)], apps))
    assert after.pop(("card", 5)) == 1_000_000_005
    assert after == _values(before)


def test_a_value_has_the_text_of_its_representative() -> None:
    """The participants' text in the middle is nearer to both others than the canonical one."""
    cards = [_card(20, 20), _card(21, 20, hours=-1), _card(22, 40)]
    found = _grouped(cards, [_canonical(1, 0)])
    columns = ("value_id", "title", "card_count", "representative_card_kind", "representative_card_id")
    assert found.canonical_values.select(columns).rows() == [(1, "Card 21", 3, "card", 21)]


def test_every_decision_is_recorded() -> None:
    cards = [_card(20, 10), _card(21, 10, hours=1), _card(22, 45), _card(23, 120)]
    found = _grouped(cards, [_canonical(1, 0)]).merge_decisions
    shown = found.drop("similarity", "motivation", "prompt_version").rows()
    assert shown == [
        ("canonical", 1, "card", 20, "offline-angle-1", "same"),
        ("canonical", 1, "card", 22, "offline-angle-1", "different"),
        ("card", 20, "card", 21, "exact-1", "same"),
        ("card", 20, "card", 22, "offline-angle-1", "different"),
    ]
    assert found["similarity"].to_list() == pytest.approx(np.cos(np.radians([10, 45, 0, 35])), abs=1e-6)


def test_another_judge_can_take_the_thresholds_place() -> None:
    def contrary(pairs: Sequence[Pair]) -> Sequence[Verdict]:
        """Says the opposite of the threshold; of 1 and 22 twice, of 1 and 20 nothing, and 1 is 1."""
        said = {
            (pair.first.card_id, pair.second.card_id): Verdict(*pair[:2], "same", "model-1", "why", "p1")
            for pair in pairs
        }
        return [said[20, 22], said[1, 22], said[1, 22], said[1, 20]._replace(second=said[1, 20].first)]

    found = _grouped([_card(20, 10), _card(22, 45)], [_canonical(1, 0)], judge=contrary)
    columns = ("card_id", "other_card_id", "judge", "verdict", "motivation", "prompt_version")
    no_answer = (1, 20, "offline-angle-1", "unsure", "no answer that can be trusted", None)
    assert found.merge_decisions.select(columns).rows() == [
        no_answer,
        (1, 22, *no_answer[2:]),
        (20, 22, "model-1", "same", "why", "p1"),
    ]
    assert found.set_aside == {"answered_twice": 2, "no_answer": 1, "unknown_pair": 1}
    assert _values(found)["card", 20] == _values(found)["card", 22] != 1


def test_two_nights_between_which_a_group_splits() -> None:
    """On the first night a card between two canonical ones holds them together; on the second each has cards.

    The votes and judgments of both nights name canonical cards, and are of the value that these are then in.
    """
    canonical = [_canonical(1, 0), _canonical(2, 40)]
    first = [_card(10, 20), _card(11, 20)]
    second = [*first, *(_card(12 + place, angle, hours=24) for place, angle in enumerate((0, 0, 40, 40, 40)))]
    votes = [another("vote", 100, valuesCardId=1), another("vote", 101, valuesCardId=2)]
    raw = {
        **world(vote=votes, edge=[another("edge", 100, participant_id=BOB)]),
        **{name: world()[name].clear() for name in ("impression", "deduplicationVerification")},
        "canonicalValuesCard": _frame("canonicalValuesCard", canonical),
    }
    links = reading.links(raw["contextsOnCases"])
    nights = []
    for cards in (first, second):
        grouped = _grouped(cards, canonical)
        heard = one_voice.voices(
            {**raw, "valuesCard": _frame("valuesCard", cards)}, grouped.card_values, links
        )
        nights.append((_values(grouped), heard))
    (one, heard_one), (two, heard_two) = nights
    assert set(one.values()) == {1}, "one value, under the lower canonical id"
    assert heard_one.votes["value_id"].to_list() == [1]
    assert sorted(heard_one.set_aside["rule"]) == ["merged_away", "merged_away", "superseded", "superseded"]
    assert {card: value for card, value in two.items() if card[0] == "canonical"} == {
        ("canonical", 1): 1,
        ("canonical", 2): 2,
    }
    assert [two["card", number] for number in range(12, 17)] == [1, 1, 2, 2, 2]
    assert two["card", 10] == two["card", 11] == 2, "as like to both: to the one that more cards say"
    assert sorted(heard_two.votes["value_id"]) == [1, 2]
    assert set(heard_two.judgments.select("source_value_id", "wiser_value_id").iter_rows()) == {(1, 2)}
    assert "merged_away" not in heard_two.set_aside["rule"]
