"""What two makings of a snapshot differ in: edges, verdicts, values, ranks and training rows.

What belongs here: the comparison of tables. Why they differ, such as that somebody's data is gone from the
second, is for whoever made them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

Read = Callable[[str], pl.DataFrame]
Changes = dict[str, list[dict[str, Any]]]

PAIR = ("scope", "source_value_id", "wiser_value_id")
VALUE = ("scope", "value_id")
RANKS = ("wisdom", "pagerank", "votes")
PAGERANK_DIGITS = 10  # what it is exact to


def compared(before: Read, after: Read) -> dict[str, Changes]:
    """By subject what came, what went and what changed, each list by its key; `read` gives a table."""
    return {
        "edges": _changes(_edges(before), _edges(after), PAIR, ()),
        "verdicts": _changes(_verdicts(before), _verdicts(after), PAIR, ("is_edge", "rejection_reason")),
        "values": _changes(_values(before), _values(after), ("value_id",), ()),
        "ranks": _changes(_ranks(before), _ranks(after), VALUE, RANKS),
        "rows": _changes(_rows(before), _rows(after), ("row_id",), ("row_hash",)),
    }


def is_same(found: dict[str, Changes]) -> bool:
    return not any(changes for of_subject in found.values() for changes in of_subject.values())


def _edges(read: Read) -> pl.DataFrame:
    return read("wisdom_edges").select("edge_id", *PAIR)


def _verdicts(read: Read) -> pl.DataFrame:
    return read("pair_tallies").select(*PAIR, "is_edge", "rejection_reason")


def _values(read: Read) -> pl.DataFrame:
    return read("canonical_values").select("value_id", "title")


def _ranks(read: Read) -> pl.DataFrame:
    return read("graph_values").select(*VALUE, *RANKS).with_columns(pl.col("pagerank").round(PAGERANK_DIGITS))


def _rows(read: Read) -> pl.DataFrame:
    return read("reward_rows").select("row_id", "prompt_id", "context_id", "value_id", "row_hash")


def _changes(one: pl.DataFrame, other: pl.DataFrame, key: Sequence[str], told: Sequence[str]) -> Changes:
    """Rows that are only in the other (`came`) or the one (`went`), and those whose `told` differ."""
    differs = pl.any_horizontal(False, *(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in told))
    both = one.join(other.select(*key, *told), on=key, suffix="_after").filter(differs)
    return {
        "came": other.join(one, on=key, how="anti").sort(key).to_dicts(),
        "went": one.join(other, on=key, how="anti").sort(key).to_dicts(),
        "changed": both.sort(key).to_dicts(),
    }
