"""What the gates see in raw tables: nothing in a sound world, and each planted violation by its rows."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from measuring import Seen, by_name, changed, outside
from small_world import ANN, BOB, CAT, NAMED, NOON, SHOWN, Row, another, world

from dft_pipeline.policies import ParticipantPolicy
from dft_pipeline.values.admission import set_aside
from dft_pipeline.values.raw_gates import RAW_GATES, measured_raw

DAY = NOON.date()
SECOND: Row = {**SHOWN, "id": 2, "valuesCardId": 2}  # a draw of one value is too small


def sound(**more: list[Row]) -> dict[str, pl.DataFrame]:
    """A world in which all gates hold: Ann's draw has two values, and every context has a case."""
    contexts = [{"id": f"When {number}"} for number in NAMED]
    links = [another("contextsOnCases", number) for number in NAMED]
    given = {"context": contexts, "contextsOnCases": links, "impression": [SECOND]}
    return world(**{name: given.get(name, []) + more.get(name, []) for name in {**given, **more}})


def seen_in(raw: Mapping[str, pl.DataFrame], day: date = DAY) -> Seen:
    return by_name(measured_raw(raw, set_aside(raw, ParticipantPolicy()), day))


def draw(name: str, size: int) -> list[Row]:
    """Showings of different values in one draw."""
    return [{**SHOWN, "id": 200 + n, "drawId": name, "valuesCardId": 100 + n} for n in range(size)]


SOUND = sound()
ASIDE = set_aside(SOUND, ParticipantPolicy())
BEFORE = by_name(measured_raw(SOUND, ASIDE, DAY))


def test_a_sound_world_is_within_all_bounds() -> None:
    assert outside(BEFORE) == set()
    assert list(BEFORE) == [gate.name for gate in RAW_GATES]
    assert {name for name, one in BEFORE.items() if one.value != 0} == {"newest_row_is_fresh"}
    assert all(one.rows == () and one.seen == "" for one in BEFORE.values())


def test_a_world_without_rows_is_within_all_bounds() -> None:
    seen = seen_in({name: rows.clear() for name, rows in world().items()})
    assert outside(seen) == set()
    assert seen["newest_row_is_fresh"].value is None, "nothing was done yet"


def edge_key(person: str) -> str:
    return "edge " + json.dumps({"participant_id": person, "fromId": 1, "toId": 2}, separators=(",", ":"))


PLANTS: list[tuple[str, dict[str, list[Row]], float, tuple[str, ...], str]] = [
    ("source_keys_unique", {"case": [another("case", id="weed")]}, 1, (), "case 1"),
    (
        "source_rows_keep_contracts",
        {"edge": [another("edge", participant_id=BOB, relationship="maybe")]},
        1,
        (edge_key(BOB),),
        "edge unknown_enum 1",
    ),
    (
        "source_rows_keep_contracts",
        {"edge": [another("edge", participant_id=BOB, updatedAt=NOON - timedelta(seconds=1))]},
        1,
        (edge_key(BOB),),
        "edge times_out_of_order 1",
    ),
    (
        "references_resolve",
        {"edge": [another("edge", participant_id=BOB, contextId="nowhere")]},
        1,
        (edge_key(BOB),),
        "edge unknown_context 1",
    ),
    (
        "participants_registered",
        {
            "edge": [another("edge", participant_id=CAT)],
            "survey_answers": [another("survey_answers", participant_id=CAT, question=n) for n in "?!"],
        },
        3,
        (CAT,),
        "1 participants: edge 1, survey_answers 2",
    ),
    (
        "participants_registered",
        {"edge": [another("edge", participant_id=CAT)]},
        1,
        (CAT,),
        "1 participants: edge 1",
    ),
    ("contexts_have_cases", {"context": [{"id": "When lost"}]}, 1, ("When lost",), ""),
    ("votes_were_shown", {"vote": [another("vote", 7, valuesCardId=3)]}, 1, ("7",), ""),
    ("votes_were_shown", {"vote": [another("vote", 7, drawId="d2")]}, 1, ("7",), ""),
    (
        "draws_have_one_participant",
        {"impression": [another("impression", participant_id=BOB, valuesCardId=3)]},
        1,
        ("d1",),
        "",
    ),
    ("draws_have_2_to_6_values", {"impression": draw("d2", 1)}, 1, ("d2",), ""),
    ("draws_have_2_to_6_values", {"impression": draw("d3", 7)}, 1, ("d3",), ""),
    ("once_per_draw", {"impression": [another("impression")]}, 1, (), "impression 1"),
    ("once_per_draw", {"vote": [another("vote", n) for n in (7, 8)]}, 2, (), "vote 2"),
    ("backgrounds_known", {"demographic": [another("demographic", sex="DATA_EXPIRED")]}, 1, (ANN,), ""),
    (
        "backgrounds_known",
        {"demographic": [another("demographic", n, usPoliticalAffiliation="") for n in (7, 8)]},
        1,
        (ANN,),
        "",
    ),
]


@pytest.mark.parametrize(("gate", "more", "value", "rows", "words"), PLANTS)
def test_a_planted_violation_is_seen_by_its_gate_alone(
    gate: str, more: dict[str, list[Row]], value: float, rows: tuple[str, ...], words: str
) -> None:
    after = seen_in(sound(**more))
    assert outside(after) == {gate} == changed(BEFORE, after)
    assert after[gate][1:] == (value, rows, words)


def test_every_gate_has_a_plant() -> None:
    assert {plant[0] for plant in PLANTS} | {"newest_row_is_fresh"} == {gate.name for gate in RAW_GATES}


@pytest.mark.parametrize(("size", "values"), [(2, 2), (6, 6)])
def test_draws_of_two_and_of_six_are_draws(size: int, values: int) -> None:
    rows = draw("d2", size)
    assert len({row["valuesCardId"] for row in rows}) == values
    assert seen_in(sound(impression=rows)) == BEFORE


@settings(max_examples=15)
@example([(None, None)])
@given(
    st.lists(st.tuples(st.sampled_from((ANN, BOB, None)), st.sampled_from(("d1", "d2", None))), max_size=9)
)
def test_draws_read_plainly(rows: list[tuple[str | None, str | None]]) -> None:
    told = [
        {**SHOWN, "id": number, "participant_id": who, "drawId": name}
        for number, (who, name) in enumerate(rows)
    ]
    shown = pl.DataFrame(told, schema=SOUND["impression"].schema)
    seen = by_name(measured_raw(SOUND | {"impression": shown}, ASIDE, DAY))
    people: dict[str | None, list[str | None]] = {}
    for who, name in rows:
        people.setdefault(name, []).append(who)
    assert seen["draws_have_one_participant"].value == sum(len(set(whose)) > 1 for whose in people.values())
    assert seen["draws_have_2_to_6_values"].value == sum(
        not 2 <= len(whose) <= 6 for whose in people.values()
    )
    assert seen["once_per_draw"].value == len(rows) - len(set(rows)), "all show the same value"


def test_two_people_shown_the_same_in_one_draw_were_shown_it_once() -> None:
    twice = another("impression", participant_id=BOB)
    assert outside(seen_in(sound(impression=[twice]))) == {"draws_have_one_participant"}


@pytest.mark.parametrize(("days", "age"), [(0, 0.5), (6, 6.5), (7, 7.5)])
def test_age_is_counted_from_the_newest_row_to_the_end_of_the_day(days: int, age: float) -> None:
    seen = seen_in(sound(), DAY + timedelta(days=days))
    assert seen["newest_row_is_fresh"].value == age
    assert outside(seen) == ({"newest_row_is_fresh"} if days == 7 else set())
    reference = sound(contextsOnCases=[another("contextsOnCases", caseId="weed")])
    reference["contextsOnCases"] = reference["contextsOnCases"].with_columns(
        pl.col("createdAt") + timedelta(days=9)
    )
    again = seen_in(reference, DAY + timedelta(days=days))
    assert again["newest_row_is_fresh"] == seen["newest_row_is_fresh"], "links are no evidence"


def test_a_row_of_nobody_is_no_stranger() -> None:
    nobody = another("edge", participant_id=None)
    seen = seen_in(sound(edge=[nobody]))
    assert outside(seen) == {"source_rows_keep_contracts"}
    assert seen["participants_registered"] == BEFORE["participants_registered"]


def test_kinds_are_told_by_how_many_and_then_by_name() -> None:
    numbers = count(100)
    edges = [
        another("edge", next(numbers), participant_id=BOB, fromId=next(numbers), **change)
        for change in ({"comment": "fine"}, {"relationship": "?"}, {"contextId": None}, {"relationship": "!"})
    ]
    seen = seen_in(sound(edge=edges))["source_rows_keep_contracts"]
    assert (seen.value, seen.seen) == (3, "edge unknown_enum 2, edge missing_value 1")
