"""How an audit reads a snapshot: rows by filter, never whole tables of people; and what values are called."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import polars as pl

Found = dict[str, Any]  # what an audit found, as `--json` prints it
ROW = ("row_id", "scope", "case_id", "context_id", "value_id", "source_value_ids", "direct_support")


class Unknown(LookupError):
    """The snapshot has nothing of that name; the message says what was looked for."""


class Rows(Protocol):
    """The rows of a snapshot's table that fit `where`, all of them without; with all columns or those."""

    def __call__(
        self, table: str, where: pl.Expr | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame: ...


def titles(rows: Rows, value_ids: Iterable[int]) -> list[Found]:
    """The values' names: value_id, title; sorted."""
    wanted = pl.col("value_id").is_in(sorted(set(value_ids)))
    return rows("canonical_values", wanted, ("value_id", "title")).sort("value_id").to_dicts()


def cards_of(rows: Rows, where: pl.Expr) -> list[Found]:
    """Cards with their chat and the value they became, as in `card_lineage`, and why, where that was said."""
    cards = rows("card_lineage", where)
    there = pl.col("value_id").is_in(cards["value_id"].unique().to_list())
    why = rows("card_values", there, ("card_kind", "card_id", "motivation"))
    return (
        cards.join(why, on=("card_kind", "card_id"), how="left")
        .sort("value_id", "card_kind", "card_id")
        .to_dicts()
    )


def rows_of(rows: Rows, where: pl.Expr) -> list[Found]:
    """Training rows, as in `row_lineage`, but for the contexts of their case."""
    return rows("row_lineage", where, ROW).sort("scope", "value_id", "row_id").to_dicts()
