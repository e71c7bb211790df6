"""From cards to values: who is with whom, under which id, with whose text, and how votes follow.

A card's only criterion is an angle in degrees, and so is its vector: cards agree up to 30 degrees apart.
"""

from collections.abc import Collection, Mapping, Sequence
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
from dft_pipeline.values.card_texts import all_cards, distinct_texts
from dft_pipeline.values.deduplication import by_model, offline
from dft_pipeline.values.grouping import Grouped
from dft_pipeline.values.judging import Asks, Card, Pair, Verdict
from tests.unit.small_world import BOB, CARD, NOON, ROWS, Row, another, world

CARD_ID = ("card_kind", "card_id")
TEXT = ("text_hash", *CARD_ID)
REPRESENTATIVE = ("representative_card_kind", "representative_card_id")
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


def _every(cards: list[Row], canonical: list[Row]) -> pl.DataFrame:
    return all_cards(_frame("valuesCard", cards), _frame("canonicalValuesCard", canonical))


def _grouped(cards: list[Row], canonical: list[Row]) -> Grouped:
    return offline(_every(cards, canonical), _embed, SETTINGS)


class Model:
    """Says that all are the same but those in `different`, rates cards by id, and keeps what it was asked."""

    def __init__(self, *different: tuple[int, int], **ratings: int | None) -> None:
        self.different: Collection[tuple[int, int]] = different
        self.ratings = {int(name.removeprefix("card_")): rating for name, rating in ratings.items()}
        self.pairs: list[tuple[int, int]] = []
        self.cards: list[int] = []

    def judge(self, pairs: Sequence[Pair]) -> Sequence[Verdict]:
        self.pairs += self._ids(pairs)
        return [
            Verdict(*pair[:2], "different" if ids in self.different else "same", "model-1", f"why {ids}", "1")
            for pair, ids in zip(pairs, self._ids(pairs), strict=True)
        ]

    @staticmethod
    def _ids(pairs: Sequence[Pair]) -> list[tuple[int, int]]:
        return [(pair.first.card_id, pair.second.card_id) for pair in pairs]

    def rate(self, cards: Sequence[Card]) -> Sequence[int | None]:
        self.cards += [card.card_id for card in cards]
        return [self.ratings.get(card.card_id, 3) for card in cards]

    def groups(self, cards: list[Row], canonical: list[Row]) -> Grouped:
        return by_model(_every(cards, canonical), _embed, SETTINGS, Asks(self.judge, self.rate))


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
        assert row["similarity"] == pytest.approx(np.cos(apart), abs=5e-4)
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
    ], "what is compared is a text with one that leads: 0 degrees, which a canonical card says first"
    assert found["similarity"].to_list() == pytest.approx(np.cos(np.radians([10, 45, 0])), abs=5e-4)


def test_a_model_judges_and_its_best_written_text_leads() -> None:
    cards = [_card(20, 10), _card(21, 10), _card(22, 20), _card(23, 200)]
    model = Model(card_1=2, card_20=4, card_22=5)
    found = model.groups(cards, [_canonical(1, 0)])
    assert sorted(model.cards) == [1, 20, 22], "a text once, and none that is like no other"
    assert sorted(model.pairs) == [(1, 22), (20, 22)], "each is compared with the best, not with each other"
    columns = ("value_id", "representative_card_id", "card_count")
    assert found.canonical_values.select(columns).rows() == [(1, 22, 3), (1_000_000_023, 23, 1)]
    said = found.card_values.select("card_id", "decided_by", "motivation").rows()
    assert said == [
        (1, "model-1", "why (1, 22)"),
        (20, "model-1", "why (20, 22)"),
        (21, "model-1", "why (20, 22)"),
        (22, "offline-angle-1", None),
        (23, "offline-angle-1", None),
    ]


def test_a_card_without_a_rating_comes_last() -> None:
    found = Model(card_20=None, card_22=1).groups([_card(20, 10), _card(21, 10), _card(22, 20)], [])
    assert found.canonical_values["representative_card_id"].to_list() == [22]


def test_who_differs_from_the_leader_is_asked_among_the_others() -> None:
    cards = [_card(20, 0), _card(21, 10), _card(22, 20), _card(23, 30)]
    model = Model((20, 22), (20, 23), card_20=5, card_22=4)
    found = _values(model.groups(cards, []))
    assert [found["card", number] - 1_000_000_000 for number in (20, 21, 22, 23)] == [20, 20, 22, 22]
    assert model.pairs[3:] == [(22, 23)]


def test_impossible_answers_merge_nothing() -> None:
    """Of 1 and 22 the judge answers twice, of 20 and 22 nothing, and it says that 1 is 1."""

    def judge(pairs: Sequence[Pair]) -> Sequence[Verdict]:
        said = [Verdict(*pair[:2], "same", "model-1") for pair in pairs if 1 in (pair[0][1], pair[1][1])]
        return [*said, *said, *(one._replace(second=one.first) for one in said)]

    asks = Asks(judge, lambda cards: [5 if card.card_id == 22 else 3 for card in cards])
    every = _every([_card(20, 10), _card(22, 45)], [_canonical(1, 0)])
    found = by_model(every, _embed, SETTINGS, asks)
    columns = ("card_id", "other_card_id", "judge", "verdict", "motivation", "prompt_version")
    no_answer = ("offline-angle-1", "unsure", "no answer that can be trusted", None)
    decisions = found.merge_decisions.select(columns).rows()
    assert [row for row in decisions if row[:2] != (1, 20)] == [(1, 22, *no_answer), (20, 22, *no_answer)]
    assert found.set_aside == {"answered_twice": 4, "no_answer": 1, "unknown_pair": 2}
    assert len(set(_values(found).values())) == 3


@few
@given(
    public(), st.sets(st.tuples(st.integers(10, 18), st.integers(10, 18)), max_size=20), st.integers(0, 99)
)
def test_under_a_model_too_the_order_changes_nothing_and_members_agree(
    drawn: tuple[list[Row], list[Row]], different: set[tuple[int, int]], seed: int
) -> None:
    model = Model(*different)
    found = model.groups(*drawn)
    order = np.random.default_rng(seed)
    moved = Model(*different).groups(
        *([rows[place] for place in order.permutation(len(rows))] for rows in drawn)
    )
    for one, other in zip(found[:3], moved[:3], strict=True):
        assert one.equals(other)
    for name in ("card_values", "canonical_values", "merge_decisions"):
        assert [one.value for one in measured_table(name, getattr(found, name))] == [0, 0]
    same = {
        frozenset((row[:2], row[2:4])) for row in found.merge_decisions.filter(verdict="same").iter_rows()
    }
    first = {row[0]: row[1:] for row in distinct_texts(_every(*drawn)).select(TEXT).iter_rows()}
    theirs = dict(
        zip(
            found.canonical_values["value_id"],
            found.canonical_values.select(REPRESENTATIVE).rows(),
            strict=True,
        )
    )
    for *card, text, value in (
        _every(*drawn)
        .select(*CARD_ID, "text_hash")
        .join(found.card_values.select(*CARD_ID, "value_id"), on=CARD_ID)
        .iter_rows()
    ):
        assert first[text] == theirs[value] or frozenset((first[text], theirs[value])) in same, card


def test_two_nights_between_which_a_group_splits() -> None:
    """On the first night a card between two canonical ones holds them together; on the second each has cards.

    The votes and judgments of both nights name canonical cards, and are of the value that these are then in.
    """
    canonical = [_canonical(1, 0), _canonical(2, 40)]
    first = [_card(10, 21), _card(11, 21)]
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
    assert two["card", 10] == two["card", 11] == 2, "a degree nearer"
    assert sorted(heard_two.votes["value_id"]) == [1, 2]
    assert set(heard_two.judgments.select("source_value_id", "wiser_value_id").iter_rows()) == {(1, 2)}
    assert "merged_away" not in heard_two.set_aside["rule"]


def test_a_hundredth_more_cards_asks_about_as_much_more() -> None:
    """400 texts of 40 values; four more arrive, of which one is better written than the best of its value."""
    draw = np.random.default_rng(5)
    centres = draw.standard_normal((40, 32))
    vectors = {
        f"{place % 40}:{place}": centres[place % 40] + 0.3 * draw.standard_normal(32) for place in range(404)
    }
    cards = [{**_card(10 + place, 0), "evaluationCriteria": [text]} for place, text in enumerate(vectors)]
    value = {card["id"]: card["evaluationCriteria"][0].split(":")[0] for card in cards}

    def asked(some: list[Row]) -> set[object]:
        model = Values(value)
        found = by_model(
            _every(some, []),
            lambda texts: np.array([vectors[text] for text in texts], np.float32),
            SETTINGS,
            Asks(model.judge, model.rate),
        )
        assert len(found.canonical_values) == 40
        return {*model.pairs, *model.cards}

    before = asked(cards[:400])
    assert len(before) == 400 + 360, "a rating for each text, a verdict for each that leads no value"
    assert len(asked(cards) - before) <= 0.03 * len(before)


class Values(Model):
    """Knows the value of each card."""

    def __init__(self, value: Mapping[int, str]) -> None:
        super().__init__(**{f"card_{card}": 1 + card % 5 for card in value})
        self.value = value

    def judge(self, pairs: Sequence[Pair]) -> Sequence[Verdict]:
        self.different = [pair for pair in self._ids(pairs) if self.value[pair[0]] != self.value[pair[1]]]
        return super().judge(pairs)
