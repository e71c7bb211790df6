"""The days of each edge, and which snapshots are kept: against plain Python."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.history.edge_history import NOT_JUDGED, SCHEMA, Night, edge_history
from dft_pipeline.history.retention import no_longer_kept

DAYS = [date(2024, 1, 10) + timedelta(days=number) for number in range(6)]
PAIRS = [(scope, 1, 2) for scope in ("all", "case:a")] + [("all", 2, 1)]
FATES = st.sampled_from(("edge", "no_majority", "in_cycle", None))
KEY = {"scope": pl.String, "source_value_id": pl.Int64, "wiser_value_id": pl.Int64}


def night(day: date, fates: list[str | None]) -> Night:
    """A night in which each of PAIRS is an edge, rejected by that rule, or not judged."""
    told = list(zip(PAIRS, fates, strict=True))
    return Night(
        day,
        pl.DataFrame([pair for pair, fate in told if fate == "edge"], schema=KEY, orient="row"),
        pl.DataFrame(
            [(*pair, fate) for pair, fate in told if fate not in ("edge", None)],
            schema={**KEY, "rejection_reason": pl.String},
            orient="row",
        ),
    )


def test_an_edge_that_ends_and_comes_back() -> None:
    fates = ["edge", "edge", "in_cycle", "edge", None]
    nights = [night(day, [fate, None, None]) for day, fate in zip(DAYS, fates, strict=False)]
    assert edge_history(nights).rows() == [
        ("all", 1, 2, DAYS[0], DAYS[1], DAYS[2], "in_cycle"),
        ("all", 1, 2, DAYS[3], DAYS[3], DAYS[4], NOT_JUDGED),
    ]


@given(st.lists(st.lists(FATES, min_size=3, max_size=3), max_size=6))
def test_the_spans_of_each_edge(fates: list[list[str | None]]) -> None:
    expected = []
    for place, pair in enumerate(PAIRS):
        own = [each[place] for each in fates]
        for number, fate in enumerate(own):
            if fate == "edge" and (number == 0 or own[number - 1] != "edge"):
                end = next((later for later in range(number, len(own)) if own[later] != "edge"), None)
                last = DAYS[len(own) - 1] if end is None else DAYS[end - 1]
                why = None if end is None else (own[end] or NOT_JUDGED)
                expected.append((*pair, DAYS[number], last, None if end is None else DAYS[end], why))
    found = edge_history(night(day, each) for day, each in zip(DAYS, fates, strict=False))
    assert found.schema == SCHEMA
    assert found.rows() == sorted(expected, key=lambda row: row[:4])


FIRST = date(2024, 1, 1)
DATES = st.sets(st.integers(0, 60).map(lambda number: FIRST + timedelta(days=number)), max_size=40)


@given(DATES, st.integers(1, 40), DATES)
def test_every_day_for_a_while_then_one_a_week(days: set[date], keep_daily: int, exported: set[date]) -> None:
    gone = no_longer_kept(sorted(days), keep_daily, exported)
    for day in days:
        later_in_week = any(
            other > day and other.isocalendar()[:2] == day.isocalendar()[:2] for other in days
        )
        is_old = (max(days) - day).days >= keep_daily
        assert (day in gone) == (is_old and later_in_week and day not in exported)
    assert gone == sorted(gone)
    left = sorted(days - set(gone))
    assert no_longer_kept(left, keep_daily, exported) == [], "what is kept once is kept"


def test_all_are_kept_for_ever_unless_said_otherwise() -> None:
    assert no_longer_kept(DAYS, None, []) == []
    assert no_longer_kept([], 1, []) == []
    # Wednesday to Monday: of the first week, the Sunday stays.
    assert no_longer_kept(DAYS, 1, [DAYS[1]]) == [DAYS[0], DAYS[2], DAYS[3]]
