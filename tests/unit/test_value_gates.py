"""What the gates see in values: nothing in sound ones, and each planted violation by its rows."""

from typing import Any

import polars as pl
import pytest
import strategies as some
from measuring import Seen, by_name, changed, is_within, outside

from dft_pipeline.values.gates import TOTALS, VALUE_GATES, measured_answers, measured_totals, measured_values

VALUES = (3, 7, 20)
CARDS = pl.Schema({"card_kind": pl.String, "card_id": pl.Int64})


def values_of(changes: dict[int, some.Row], counts: tuple[int, ...] = (1, 1, 1)) -> pl.DataFrame:
    """Values with two criteria, and so many cards each."""
    rows = [
        some.a_value(value, 2) | {"card_count": count} for value, count in zip(VALUES, counts, strict=True)
    ]
    return some.frame("canonical_values", (row | changes.get(row["value_id"], {}) for row in rows))


def cards_of(values: dict[int, int | None]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cards of all kinds that take part, and the value that each became."""
    became = [
        {"card_kind": "card", "card_id": card, "value_id": value, "decided_by": "given"}
        for card, value in values.items()
        if value is not None
    ]
    canonical = {"card_kind": "canonical", "card_id": 5, "value_id": 3, "decided_by": "given"}
    cards = [("canonical", 5), *(("card", card) for card in values)]
    every = pl.DataFrame(cards, CARDS, orient="row")
    return every, some.frame("card_values", [*became, canonical])


def seen(
    cards: dict[int, int | None] | None = None,
    values: pl.DataFrame | None = None,
    before: pl.DataFrame | None = None,
) -> Seen:
    known = values_of({}) if values is None else values
    given = cards_of(cards or dict(enumerate(VALUES)))
    return by_name(measured_values(*given, known, known if before is None else before))


BEFORE = seen()


def test_sound_values_are_within_all_bounds() -> None:
    assert outside(BEFORE) == set()
    assert list(BEFORE) == [gate.name for gate in VALUE_GATES]
    assert BEFORE["no_value_takes_all"].value == pytest.approx(1 / 3)
    assert BEFORE["singletons_steady"].seen == "1.000 before, 1.000 now"


def test_no_values_are_within_all_bounds() -> None:
    nothing = some.frame("canonical_values", [])
    found = by_name(measured_values(pl.DataFrame(schema=CARDS), cards_of({})[1], nothing, values_of({})))
    assert outside(found) == set()
    assert found["no_value_takes_all"].value is found["singletons_steady"].value is None


CRITERIA: list[tuple[str, list[str], float]] = [
    ("criteria_2_to_10", ["CARE"], 1),
    ("criteria_2_to_10", [], 1),
    ("criteria_2_to_10", ["CARE"] * 11, 1),
    ("criteria_2_to_10", ["CARE"] * 10, 0),
    ("criteria_begin_capitalised", ["CARE", "care for others", "Care for others"], 2),
    ("criteria_begin_capitalised", ["A moment of care", "CARE"], 1),
    ("criteria_begin_capitalised", ["PEOPLE'S needs", "SELF-CARE", "ÜBERMUT", "OPEN’S"], 0),
    ("criteria_are_impersonal", ["MOMENTS when I am calm", "WORDS for my son", "CARE for him"], 3),
    ("criteria_are_impersonal", ["THINGS that are hers", "MINE alone, myself", "CARE of me; HE is"], 3),
    ("criteria_are_impersonal", ["MOMENTS of theism", "THE meaning of history", "SHE-OAKS, HIS, ME"], 0),
    ("criteria_are_impersonal", ["INTERESTS of theirs", "HERO worship; mythical heroes; mermaids"], 0),
]  # fmt: skip


@pytest.mark.parametrize(("gate", "criteria", "value"), CRITERIA)
def test_criteria(gate: str, criteria: list[str], value: float) -> None:
    after = seen(values=values_of({7: {"criteria": criteria}}))
    assert after[gate].value == value
    assert outside(after) == changed(BEFORE, after) == ({gate} if value else set())
    named = "7" if gate == "criteria_2_to_10" else "value 7"
    assert after[gate].rows == ((named,) if value else ())


def test_a_blank_criterion_is_no_criterion() -> None:
    after = seen(values=values_of({7: {"criteria": ["CARE", " \n"]}}))
    assert outside(after) == {"criteria_2_to_10", "criteria_begin_capitalised"}
    assert after["criteria_2_to_10"].rows == ("7",)


def test_a_card_without_a_value_is_named() -> None:
    cards = dict(enumerate(VALUES)) | {5: None}
    after = seen(cards)
    assert outside(after) == changed(BEFORE, after) == {"cards_have_a_value"}
    assert after["cards_have_a_value"][1:] == (1, ("5",), ""), "the canonical card of that number is another"


def test_a_written_card_that_nobody_assigns_is_told_of_and_no_reproach() -> None:
    every, became = cards_of(dict(enumerate(VALUES)))
    written = pl.DataFrame([("written", 0), ("written", 9)], CARDS, orient="row")
    found = by_name(measured_values(pl.concat([every, written]), became, values_of({}), values_of({})))
    assert outside(found) == set()
    told = found["cards_have_a_value"]
    assert told[1:] == (0, (), "and 2 that a model wrote, which the app does not assign")


@pytest.mark.parametrize(("counts", "share"), [((2, 3, 1), 0.5), ((2, 2, 5), 5 / 9), ((0, 0, 1), 1.0)])
def test_a_value_may_hold_half_of_the_cards(counts: tuple[int, ...], share: float) -> None:
    now = values_of({}, counts)
    found = seen(values=now)["no_value_takes_all"]
    assert found.value == share
    assert is_within(found) == (share == 0.5)
    assert found.rows == (f"value {VALUES[counts.index(max(counts))]}",)


def shares(singles: int) -> pl.DataFrame:
    """Ten values, of which so many have one card."""
    rows = [some.a_value(value, 2) | {"card_count": 1 if value < singles else 2} for value in range(10)]
    return some.frame("canonical_values", rows)


@pytest.mark.parametrize("then", range(10))
def test_singletons_may_move_by_a_tenth_either_way(then: int) -> None:
    for before, now in ((then, then + 1), (then + 1, then)):
        assert is_within(seen(values=shares(now), before=shares(before))["singletons_steady"])
    if then < 9:
        found = seen(values=shares(then + 2), before=shares(then))["singletons_steady"]
        assert not is_within(found)
        assert found.seen == f"0.{then}00 before, {(then + 2) / 10:.3f} now"


def test_without_an_earlier_snapshot_nothing_moved() -> None:
    found = by_name(measured_values(*cards_of({1: 3}), values_of({}), None))
    assert found["singletons_steady"].value is None
    assert changed(BEFORE, found) == {"singletons_steady"}


@pytest.mark.parametrize("words", [[], ["edge: 3 rows were not set aside, and 2 are used"], ["a", "b"]])
def test_tables_that_do_not_add_up_are_told(words: list[str]) -> None:
    found: Any = measured_totals(words)
    assert found.gate is TOTALS
    assert (found.value, found.seen) == (len(words), "; ".join(words))
    assert is_within(found) == (not words)


def test_answers_that_are_not_believed_are_counted_by_reason() -> None:
    assert measured_answers({}).value == 0
    found = measured_answers({"no_answer": 3, "unknown_pair": 1})
    assert (found.value, found.seen) == (4, "no_answer 3, unknown_pair 1")
    assert not found.gate.blocks, "what has no answer keeps two cards apart, and harms nothing"
