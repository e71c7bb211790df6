"""Gates in words: what is allowed, what was found, and where to look."""

from math import inf, nan
from typing import Any

import pytest

from dft_pipeline.gates import Gate, Measured


def gate(**changes: Any) -> Gate:
    return Gate(
        **({"name": "keys_unique", "asset": "raw/edge", "says": "no two rows have the same key"} | changes)
    )


NONE = gate(high=0)
SHARE = gate(low=0, high=1, unit="share")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, 0, "0"),
        (0, 0, "0"),
        (5, 5, "5"),
        (None, 5, "at most 5"),
        (0, None, "at least 0"),
        (1200, None, "at least 1,200"),
        (0, 1, "0 to 1"),
        (-0.5, 0.12346, "-0.5 to 0.1235"),
        (-1, 0, "-1 to 0"),
    ],
)
def test_bounds_are_told_in_words(low: float | None, high: float | None, words: str) -> None:
    assert gate(low=low, high=high).bounds == words


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (Measured(NONE, 0), "0 rows"),
        (Measured(SHARE, 0.68), "0.68 share, within 0 to 1"),
        (Measured(gate(high=5), 5), "5 rows, at most 5"),
        (Measured(gate(low=1), 1), "1 row, at least 1"),
        (Measured(gate(low=5, high=5, unit="kinds"), 5), "5 kinds"),
        (Measured(gate(high=5), 2, ("7", "9"), "both of May"), "2 rows, at most 5: 7, 9; both of May"),
        (Measured(NONE, None), "nothing to measure"),
        (Measured(NONE, None, seen="there are no votes"), "nothing to measure; there are no votes"),
    ],
)
def test_a_gate_that_holds_says_what_was_seen(measured: Measured, words: str) -> None:
    assert measured.found(passed=True) == words


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (Measured(NONE, 3, ("12", "15", "20")), "3 rows (0 allowed): 12, 15, 20; look at raw/edge"),
        (Measured(NONE, 34512, ("12", "15")), "34,512 rows (0 allowed): 12, 15, …; look at raw/edge"),
        (Measured(NONE, 1, seen="its key is 7"), "1 row (0 allowed); its key is 7; look at raw/edge"),
        (Measured(gate(high=0, unit="entries"), 1), "1 entry (0 allowed); look at raw/edge"),
        (Measured(gate(low=10), 3), "3 rows (at least 10 needed); look at raw/edge"),
        (Measured(SHARE, 1.2, ("of A",)), "1.2 share (0 to 1 allowed): of A; look at raw/edge"),
        (Measured(NONE, nan), "not a number (0 allowed); look at raw/edge"),
        (Measured(NONE, inf), "inf rows (0 allowed); look at raw/edge"),
    ],
)
def test_a_gate_that_fails_says_what_is_wrong_and_where(measured: Measured, words: str) -> None:
    assert measured.found(passed=False) == words


def test_a_number_is_not_rounded_onto_a_bound_that_it_misses() -> None:
    assert Measured(SHARE, 1.0000001).found(passed=False).startswith("1.0000001 share (0 to 1")
    assert Measured(SHARE, 0.99999).found(passed=True) == "0.99999 share, within 0 to 1"


@pytest.mark.parametrize(
    "changes",
    [{}, {"low": 2, "high": 1}, {"high": nan}, {"low": -inf}, {"high": 0, "name": "Keys unique"}],
    ids=["no bound", "bounds crossed", "not a number", "infinite", "not snake_case"],
)
def test_a_gate_that_means_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bounds|snake_case"):
        gate(**changes)


def test_a_gate_of_two_tables_has_two_keys() -> None:
    assert gate(high=0).key == "raw/edge.keys_unique" != gate(high=0, asset="edges").key
