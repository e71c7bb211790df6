"""What a table promises of each of its rows, and which rows of a frame do not keep it.

What belongs here: the mechanism, for source and snapshot tables alike. The promises themselves stand with
the tables' declarations. Keys are not here: they are about all rows together (`repeated`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import dataframely as dy
import polars as pl

# The rule that a row is set aside under, by the kind of promise that dataframely says is broken.
RULES = {
    "nullability": "missing_value",
    "inner_nullability": "missing_value",
    "min": "out_of_range",
    "max": "out_of_range",
    "min_length": "out_of_range",
    "max_length": "out_of_range",
    "inner_min_length": "empty_text",
    "regex": "unknown_enum",
}
OTHER = "wrong_form"


class RowRule(NamedTuple):
    """A promise about several columns of a row; a row for which `holds` is false breaks it in `column`."""

    name: str
    column: str
    holds: pl.Expr


class Fault(NamedTuple):
    """Where dataframely says that a promise is broken, and the names under which the row is set aside."""

    mark: str
    column: str
    rule: str


def contract(name: str, columns: Mapping[str, dy.Column], rules: Sequence[RowRule] = ()) -> type[dy.Schema]:
    """The promises as a dataframely schema: it checks frames, and makes up rows that keep it (`sample`)."""
    # A rule that cannot say (null) is not broken: whether a column may be null is the column's own promise.
    named = {rule.name: _rule(rule.holds.fill_null(True)) for rule in rules}
    schema: type[dy.Schema] = type(name, (dy.Schema,), {**columns, **named})
    return schema


def broken(frame: pl.DataFrame, promised: type[dy.Schema], rules: Sequence[RowRule] = ()) -> pl.DataFrame:
    """The rows that break a promise, with the first that they break: `broken_column`, `broken_rule`.

    Has the contract's columns; a frame may have more.
    """
    rows = frame.select(promised.column_names())
    if all_kept(rows, promised, rules):
        return rows.clear().with_columns(broken_column=pl.lit(""), broken_rule=pl.lit(""))
    failed = promised.filter(rows).failure
    details = failed.details()
    marks = [mark for mark in details.columns if mark not in promised.column_names()]
    faults = sorted((_fault(mark, rules) for mark in marks), key=lambda fault: _place(fault, promised))
    first = pl.coalesce(
        pl.when(pl.col(fault.mark).cast(pl.String) == "invalid").then(
            pl.struct(broken_column=pl.lit(fault.column), broken_rule=pl.lit(fault.rule))
        )
        for fault in faults
    )
    return details.with_columns(found=first).drop(marks).unnest("found")


def all_kept(rows: pl.DataFrame, promised: type[dy.Schema], rules: Sequence[RowRule] = ()) -> bool:
    """Whether every row keeps every promise, at a fraction of the cost of asking which do not."""
    columns = promised.columns()
    if rows.schema != pl.Schema({name: column.dtype for name, column in columns.items()}):
        return False
    of_columns = (
        holds
        for name, column in columns.items()
        for holds in column.validation_rules(_values_of(name, column)).values()
    )
    # As in the contract, a promise that cannot say (null) is not broken.
    kept = [holds.all(ignore_nulls=True) for holds in (*of_columns, *(rule.holds for rule in rules))]
    return bool(rows.select(pl.all_horizontal(kept)).item())


def repeated(frame: pl.DataFrame, key: Sequence[str]) -> int:
    """How many rows repeat a key that another row has already."""
    return len(frame) - frame.select(key).n_unique()


def _values_of(name: str, column: dy.Column) -> pl.Expr:
    """The column; where its text is searched, which is slow, each run of equal values once."""
    values = pl.col(name)
    is_searched = isinstance(column, dy.String) and column.regex is not None
    return values.filter(values.ne_missing(values.shift()) | values.is_null()) if is_searched else values


def _rule(holds: pl.Expr) -> object:
    def rule(_: type[dy.Schema]) -> pl.Expr:
        return holds

    return dy.rule()(rule)


def _fault(mark: str, rules: Sequence[RowRule]) -> Fault:
    of_row = {rule.name: rule.column for rule in rules}
    if mark in of_row:
        return Fault(mark, of_row[mark], mark)
    column, _, promise = mark.partition("|")
    return Fault(mark, column, RULES.get(promise, OTHER))


def _place(fault: Fault, promised: type[dy.Schema]) -> tuple[int, str]:
    return promised.column_names().index(fault.column), fault.mark
