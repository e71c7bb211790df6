"""References within a snapshot: each kind of name, single and in lists, is followed."""

import polars as pl
import pytest

from dft_pipeline.history.references import NAMED, dangling
from dft_pipeline.tables import TABLES

HERE = {
    "canonical_values": {"value_id": [1, 2]},
    "wisdom_edges": {"edge_id": ["all|1|2"], "source_value_id": [1], "wiser_value_id": [2]},
    "reward_rows": {"row_id": ["r"], "value_id": [2], "edge_ids": [["all|1|2"]]},
}


def read(changed: dict[tuple[str, str], list[object]]):  # type: ignore[no-untyped-def]
    """A snapshot of two values, an edge and a row, with other contents of some columns."""

    def columns(table: str, names: list[str]) -> pl.DataFrame:
        (name,) = names
        content = changed.get((table, name), HERE.get(table, {}).get(name, []))
        return pl.DataFrame({name: content}, schema={name: TABLES[table].schema[name]})

    return columns


def test_nothing_dangles_where_everything_is_there() -> None:
    assert dangling(read({})) == []


@pytest.mark.parametrize(
    ("table", "column", "content", "said"),
    [
        ("votes", "value_id", [1, 3, 3], "votes.value_id names 1 that canonical_values has not, such as 3"),
        ("judgments", "wiser_value_id", [9, 8], "judgments.wiser_value_id names 2 .* such as 8, 9"),
        ("contested", "value_ids", [[1, 2], [2, 7]], "contested.value_ids names 1 .* such as 7"),
        ("reward_rows", "edge_ids", [["all|2|1"], []], "reward_rows.edge_ids names 1 that wisdom_edges"),
        ("value_pairs", "edge_id", ["all|2|1"], "value_pairs.edge_id names 1 that wisdom_edges has not"),
        ("completions", "revises_id", ["x"], "completions.revises_id names 1 that completions has not"),
        ("rubric_rows", "row_ids", [["r", "s"]], "rubric_rows.row_ids names 1 that reward_rows has not"),
    ],
)
def test_what_leads_nowhere_is_named(table: str, column: str, content: list[object], said: str) -> None:
    (found,) = dangling(read({(table, column): content}))
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(found)


def test_what_may_be_gone_is_not_asked_for() -> None:
    assert dangling(read({("value_events", "value_id"): [9], ("edge_judgments", "edge_id"): ["x"]})) == []


def test_every_column_of_values_is_followed() -> None:
    ends = {name for table in TABLES.values() for name in table.columns if name.endswith("value_id")}
    assert ends <= NAMED.keys()
