"""What became of values overnight, against a plain reading of two groupings."""

import pytest
import strategies as some
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.values.events import value_events

Grouping = dict[int, int]  # card → value

groupings = st.dictionaries(st.integers(1, 8), st.sampled_from((10, 20, 30, 40)), max_size=8)


def events(before: Grouping, after: Grouping) -> set[tuple]:
    frames = (
        some.frame(
            "card_values",
            ({"card_kind": "card", "card_id": card, "value_id": value, "decided_by": "given"}
             for card, value in grouping.items()),
        )
        for grouping in (before, after)
    )  # fmt: skip
    found = value_events(*frames)
    assert found.height == found.unique(("value_id", "event", "other_value_id")).height
    return set(found.select("value_id", "event", "other_value_id", "cards").rows())


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {1: 10, 2: 10}, {(10, "created", None, 2)}),
        ({1: 10}, {1: 10, 2: 10}, {(10, "grew", None, 1)}),
        ({1: 10, 2: 20}, {1: 10, 2: 10}, {(10, "merged", 20, 1)}),
        ({1: 10, 2: 10}, {1: 10, 2: 20}, {(10, "split", 20, 1), (20, "created", None, 0)}),
        ({1: 10, 2: 10}, {1: 10}, {(10, "shrank", None, 1)}),
        ({1: 10}, {}, {(10, "retired", None, 1)}),
        ({1: 10}, {1: 10}, set()),
        ({1: 10, 2: 20}, {1: 20, 2: 20}, {(20, "merged", 10, 1)}),
    ],
)
def test_each_event_by_itself(before: Grouping, after: Grouping, expected: set[tuple]) -> None:
    assert events(before, after) == expected


@given(groupings, groupings)
def test_events_read_plainly(before: Grouping, after: Grouping) -> None:
    plain: dict[tuple, int] = {}

    def add(value: int, event: str, other: int | None = None, cards: int = 1) -> None:
        plain[value, event, other] = plain.get((value, event, other), 0) + cards

    were, are = set(before.values()), set(after.values())
    for value in are - were:
        add(value, "created", cards=0)
    for card in before | after:
        then, now = before.get(card), after.get(card)
        if then is None:
            add(now, "grew" if now in were else "created")
        elif now is None:
            add(then, "shrank" if then in are else "retired")
        elif then != now and then in are:
            add(then, "split", now)
        elif then != now:
            add(now, "merged", then)
    assert events(before, after) == {(*key, cards) for key, cards in plain.items()}
