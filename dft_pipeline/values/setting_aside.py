"""Rows that leave the flow, as rows of the tables `set_aside` and `quarantine`."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES

VALUE_LENGTH = 200  # characters of an offending value that are kept
NONE = TABLES["quarantine"].schema.to_frame()


class Rule(NamedTuple):
    """A row for which `breaks` holds is set aside under `name`, for its `column`."""

    name: str
    column: str
    breaks: pl.Expr


class Sorted(NamedTuple):
    """The rows that stay, and those that leave (columns of the table `quarantine`)."""

    kept: pl.DataFrame
    set_aside: pl.DataFrame


def sort_out(name: str, rows: pl.DataFrame, rules: Sequence[Rule]) -> Sorted:
    """Asks each rule, in order, of the rows of a source table that the rules before it left."""
    aside = []
    for rule in rules:
        breaks = rows.select(broken=rule.breaks.fill_null(False))["broken"]
        if breaks.any():  # rows are copied only where some leave
            aside.append(quarantined(name, rows.filter(breaks), rule.column, rule.name))
            rows = rows.filter(~breaks)
    return Sorted(rows, pl.concat([NONE, *aside]))


def quarantined(name: str, rows: pl.DataFrame, column: str, rule: str) -> pl.DataFrame:
    """Rows of a source table, participants under pseudonyms, as rows of `quarantine`."""
    source = SOURCE_TABLES[name]
    return rows.select(
        table=pl.lit(name),
        key=pl.struct(source.pseudonymous_key).struct.json_encode(),
        column=pl.lit(column),
        rule=pl.lit(rule),
        value=_shown(source.by_name[column].type, source.by_name[column].pseudonymous),
        source=pl.lit(f"raw/{name}"),
    ).select(NONE.columns)


def without(name: str, rows: pl.DataFrame, set_aside: pl.DataFrame) -> pl.DataFrame:
    """The rows of a source table but for those that were set aside from the raw table."""
    theirs = set_aside.filter(pl.col("source") == f"raw/{name}")
    key = list(SOURCE_TABLES[name].pseudonymous_key)
    keys = pl.Struct({column: rows.schema[column] for column in key})
    left = theirs.select(pl.col("key").str.json_decode(keys)).unnest("key")
    return rows.join(left, on=key, how="anti", nulls_equal=True, maintain_order="left")


def _shown(kind: str, column: str) -> pl.Expr:
    text = pl.col(column).list.join("; ") if kind == "texts" else pl.col(column).cast(pl.String)
    return text.str.slice(0, VALUE_LENGTH)
