"""What the gates see in training rows: nothing in sound ones, and each planted violation by its row_ids."""

import polars as pl
import pytest
import strategies as some
from measuring import Seen, by_name, changed, outside

from dft_pipeline.dataset.gates import DATASET_GATES, measured_rows
from dft_pipeline.dataset.rows import rubric_rows

CASES = ("abortion", "drugs", "weed")


def row(number: int, **changes: object) -> some.Row:
    """A sound row, by a number from 0 on: one of two values of one of three cases."""
    case, value = CASES[number % 3], (3, 7)[number // 3]
    return {
        "row_id": f"{number:032x}",
        "prompt_id": case,
        "prompt": f"What about {case}?",
        "context_id": "When alone" if value == 3 else None,
        "context_score": 1.0,
        "value_id": value,
        "value_title": f"Value {value}",
        "value_instructions": "Do it with care",
        "criteria": ["CARE for others", "TIME to think"],
        "share": 0.5,
        "edge_ids": [f"case:{case}|3|7"] if value == 7 else [],
        "split": "train",
    } | changes


VALUES = some.frame("canonical_values", [some.a_value(value, 2) for value in (3, 7)])
EDGES = some.frame("wisdom_edges", [{"edge_id": f"case:{case}|3|7"} for case in CASES])


def seen(changes: dict[int, some.Row], rubric: pl.DataFrame | None = None) -> Seen:
    reward = some.frame("reward_rows", [row(number, **changes.get(number, {})) for number in range(6)])
    weighed = rubric_rows(reward) if rubric is None else rubric
    return by_name(measured_rows(reward, weighed, VALUES, EDGES))


BEFORE = seen({})


def test_sound_rows_are_within_all_bounds() -> None:
    assert outside(BEFORE) == set()
    assert list(BEFORE) == [gate.name for gate in DATASET_GATES]
    assert {name for name, one in BEFORE.items() if one.value} == {"not_empty"}


def test_no_rows_is_the_one_thing_wrong_with_no_rows() -> None:
    nothing = by_name(
        measured_rows(*(some.frame(name, []) for name in ("reward_rows", "rubric_rows")), VALUES, EDGES)
    )
    assert outside(nothing) == {"not_empty"}
    assert nothing["not_empty"].value == 0


def names(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:032x}" for number in numbers)


PLANTS: list[tuple[str, dict[int, some.Row], float, tuple[str, ...]]] = [
    ("points_into_this_snapshot", {1: {"value_id": 20}}, 1, names(1)),
    ("points_into_this_snapshot", {4: {"edge_ids": ["all|3|7", "case:drugs|3|7"]}}, 1, names(4)),
    ("points_into_this_snapshot", {4: {"edge_ids": ["a|1|2", "b|1|2"], "value_id": 9}}, 1, names(4)),
    ("row_ids_unique", {4: {"row_id": names(1)[0]}}, 1, names(1)),
    ("row_ids_unique", {3: {"row_id": names(1)[0]}, 4: {"row_id": names(1)[0]}}, 2, names(1)),
    ("prompts_on_one_side", {3: {"split": "test"}}, 1, ("abortion",)),
    ("prompts_on_one_side", {3: {"split": "test"}, 5: {"split": "validation"}}, 2, ("abortion", "weed")),
    ("no_empty_text", {0: {"value_title": ""}}, 1, names(0)),
    ("no_empty_text", {0: {"value_instructions": " \n\t"}, 5: {"value_title": " "}}, 2, names(0, 5)),
    ("no_empty_text", {0: {"context_id": " "}}, 1, names(0)),
    ("no_empty_text", {2: {"criteria": ["CARE for others", " "]}}, 1, names(2)),
]  # fmt: skip


@pytest.mark.parametrize(("gate", "changes", "value", "rows"), PLANTS)
def test_a_planted_violation_is_seen_by_its_gate_alone(
    gate: str, changes: dict[int, some.Row], value: float, rows: tuple[str, ...]
) -> None:
    after = seen(changes)
    assert outside(after) == changed(BEFORE, after) == {gate}
    assert after[gate][1:] == (value, rows, "")


def test_the_same_prompt_under_two_ids_is_one_prompt() -> None:
    twin = {"prompt_id": "twin", "prompt": "What about weed?", "split": "test", "edge_ids": []}
    after = seen({5: twin})
    assert outside(after) == {"prompts_on_one_side"}
    assert after["prompts_on_one_side"].rows == ("weed",), "a prompt's text is what must not be on two sides"


@pytest.mark.parametrize(("factor", "uneven"), [(1.001, ("weed",)), (0.0, ("weed",)), (1 + 1e-12, ())])
def test_weights_that_do_not_sum_to_1_are_named_by_their_prompt(
    factor: float, uneven: tuple[str, ...]
) -> None:
    rubric = rubric_rows(some.frame("reward_rows", [row(number) for number in range(6)]))
    theirs = pl.when(pl.col("prompt_id") == "weed").then(pl.col("weight") * factor).otherwise("weight")
    after = seen({}, rubric.with_columns(weight=theirs))
    assert outside(after) == changed(BEFORE, after) == ({"weights_sum_to_one"} if uneven else set())
    assert after["weights_sum_to_one"][1:] == (len(uneven), uneven, "")


PERSONAL = {
    "e-mail address": ("write to ann.lee+x@mail.example.org!", "ANN_1@example.co", "a@b.c"),
    "web address": ("see https://example.org", "HTTP://x", "at www.example.org"),
    "telephone number": (
        "+1 (415) 555-0100", "+4930123456", "call (415) 555-0100", "(415)555.0100", "415-555-0100",
        "415.555.0100", "1-415-555-0100",
    ),
    "recruitment id": ("5f3a9c0b1d2e4f6a7b8c9d0e", "id=5f3a9c0b1d2e4f6a7b8c9d0e."),
}  # fmt: skip
IMPERSONAL = (
    "24-hour care", "at 2:30", "3,295 people", "0123456789abcdef0123456789abcdef", "5f3a9c0b1d2e4f6a7b8c9d0",
    "e.g. this", "3.14", "a@b", "a @ b.c", "@handle", "a@ b.c", "1-2-3", "1999-2003", "in 2023.",
    "pages 120-134",
    "pp. 1024-1100", "2023-10-17", "10.17.2023", "+1", "C++ 11", "5 + 5 = 10", "(1999) 12", "1,000,000,000",
    "http", "www", "the www. of it", "https:/ /x", "192.168.0.1", "978-0-306-40615-7", "+/- 2.5",
    "5F3A9C0B1D2E4F6A7B8C9D0E is none, being in capitals",
)  # fmt: skip
KINDS = [(kind, text) for kind, texts in PERSONAL.items() for text in texts]


@pytest.mark.parametrize("kind", PERSONAL)
def test_text_of_a_personal_kind_is_found(kind: str) -> None:
    for text in PERSONAL[kind]:
        after = seen({1: {"value_instructions": f"Do it: {text}"}})
        assert outside(after) == changed(BEFORE, after) == {"no_personal_text"}, text
        assert after["no_personal_text"][1:] == (1, names(1), f"{kind} 1"), text


def test_near_misses_are_not_personal() -> None:
    assert seen({1: {"criteria": list(IMPERSONAL)}})["no_personal_text"] == BEFORE["no_personal_text"]


@pytest.mark.parametrize("column", ["prompt", "value_title", "value_instructions", "criteria", "context_id"])
def test_every_text_is_read(column: str) -> None:
    text = "a@b.org or 415-555-0100"
    after = seen({0: {column: ["CARE", text] if column == "criteria" else text}})
    assert outside(after) == {"no_personal_text"}
    assert after["no_personal_text"][1:] == (1, names(0), "e-mail address 1, telephone number 1")
    assert text not in str(after), "whose text it is stays unsaid"
