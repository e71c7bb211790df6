"""Whether what the rows of a snapshot name is there: values, edges and rows, by the columns' names."""

from collections.abc import Callable, Iterator

import polars as pl

from dft_pipeline.tables import TABLES

Read = Callable[[str, list[str]], pl.DataFrame]

VALUES, EDGES, ROWS, COMPLETIONS = (
    ("canonical_values", "value_id"),
    ("wisdom_edges", "edge_id"),
    ("reward_rows", "row_id"),
    ("completions", "completion_id"),
)
# What a column of such a name refers to, itself or each of its list.
NAMED = {
    "value_id": VALUES,
    "source_value_id": VALUES,
    "wiser_value_id": VALUES,
    "less_wise_value_id": VALUES,
    "one_value_id": VALUES,
    "other_value_id": VALUES,
    "value_ids": VALUES,
    "edge_id": EDGES,
    "edge_ids": EDGES,
    "row_id": ROWS,
    "row_ids": ROWS,
    "completion_id": COMPLETIONS,
    "revises_id": COMPLETIONS,
    "chosen_id": COMPLETIONS,
    "rejected_id": COMPLETIONS,
    "answer_value_ids": VALUES,
    "options": VALUES,
}
# Events tell of values that are gone; judgments are kept of candidates that became no edge, and ratings of
# what is not there are left out for that.
FREE = {
    ("value_events", "value_id"),
    ("value_events", "other_value_id"),
    ("edge_judgments", "edge_id"),
    ("ratings_left_out", "completion_id"),
    ("ratings_left_out", "value_id"),
}
SHOWN = 5  # of what leads nowhere, in a message


def dangling(read: Read) -> list[str]:
    """References that lead nowhere, in words. `read` gives columns of a table."""
    there = {key: _distinct(read(key[0], [key[1]])[key[1]]) for key in {*NAMED.values()}}
    found = []
    for table, column in _references():
        named = _distinct(read(table, [column])[column])
        lost = named.filter(~named.is_in(there[NAMED[column]].implode()))
        if len(lost):
            shown = ", ".join(map(str, lost.head(SHOWN)))
            found.append(
                f"{table}.{column} names {len(lost)} that {NAMED[column][0]} has not, such as {shown}"
            )
    return found


def _references() -> Iterator[tuple[str, str]]:
    for table in TABLES.values():
        for column in table.columns:
            is_own = NAMED.get(column) == (table.name, column)
            if column in NAMED and not is_own and (table.name, column) not in FREE:
                yield table.name, column


def _distinct(column: pl.Series) -> pl.Series:
    each = column.explode() if isinstance(column.dtype, pl.List) else column
    return each.drop_nulls().unique().sort()
