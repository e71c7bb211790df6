"""The page about disputes: what a person reads, and that no title can be markup."""

import polars as pl
import strategies as some

from dft_pipeline.reports.disputes import MOST_ROWS, disputes_report


def a_record(scope: str, kind: str, people: int, removed: list[tuple[int, int]]) -> some.Row:
    edges = [
        {"source_value_id": a, "wiser_value_id": b, "wiser_likelihood": 0.5, "marked_wiser": 4}
        for a, b in removed
    ]
    return {
        "scope": scope,
        "component_id": 3,
        "kind": kind,
        "is_dispute": kind != "across_contexts",
        "value_ids": [3, 7],
        "edges": edges,
        "unwound_edges": edges,
        "participant_count": people,
        "answers_by_group": [],
    }


def values(title: str = "Calm First") -> pl.DataFrame:
    return some.frame("canonical_values", [some.a_value(3, 1) | {"title": title}, some.a_value(7, 1)])


def test_nothing_is_disputed() -> None:
    said = disputes_report(some.frame("contested", []), values())
    assert said == (
        "0 disputes and 0 loops across contexts in 0 scopes; 0 directed pairs are no edge because of them."
    )


def test_disputes_come_first_and_the_whole_before_its_parts() -> None:
    records = [
        a_record("all", "across_contexts", 90, [(3, 7)]),
        a_record("case:weed", "contested_direction", 80, [(3, 7), (7, 3)]),
        a_record("all", "within_context", 6, [(7, 3)]),
        a_record("all", "contested_direction", 9, []),
    ]
    summary, _, *lines = disputes_report(some.frame("contested", records), values()).split("\n")
    assert summary.startswith("3 disputes and 1 loops across contexts in 2 scopes; 4 directed pairs")
    assert lines[2:] == [
        "| all | dispute over the direction | Calm First (3); Value 7 (7) | 9 participants | nothing |",
        "| all | dispute: a loop in one context | Calm First (3); Value 7 (7) | 6 participants "
        "| Value 7 (7) → Calm First (3) (4 upgrades) |",
        "| case:weed | dispute over the direction | Calm First (3); Value 7 (7) | 80 participants "
        "| Calm First (3) → Value 7 (7) (4 upgrades); Value 7 (7) → Calm First (3) (4 upgrades) |",
        "| all | loop across contexts | Calm First (3); Value 7 (7) | 90 participants "
        "| Calm First (3) → Value 7 (7) (4 upgrades) |",
    ]


def test_no_title_is_markup() -> None:
    records = [a_record("all", "within_context", 6, [])]
    said = disputes_report(some.frame("contested", records), values("<b>x|y</b> [a](http://b) `c`\n# d"))
    assert "&lt;b>x&#124;y&lt;/b> &#91;a](http://b) &#96;c&#96; # d (3)" in said
    assert len(said.split("\n")) == 5


def test_of_many_the_first_are_told() -> None:
    records = [a_record(f"case:{n}", "within_context", n, []) for n in range(MOST_ROWS + 2)]
    said = disputes_report(some.frame("contested", records), values())
    assert said.endswith("2 more are in the table.")
    assert said.count("participants") == MOST_ROWS
