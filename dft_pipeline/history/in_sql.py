"""A snapshot's tables as PostgreSQL takes them: which, in what types, and their rows as CSV for COPY."""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.tables import TABLES

# The tables of the newest snapshot that can be read in SQL; one more is one line here.
PUBLISHED = (
    "canonical_values",
    "card_values",
    "judgments",
    "votes",
    "articulations",
    "pair_tallies",
    "wisdom_edges",
    "rejected_pairs",
    "contested",
    "edge_evidence",
    "graph_values",
    "reward_rows",
    "rubric_rows",
    "value_support",
    "card_lineage",
    "row_lineage",
)
# The columns, beside a table's key, by which its rows are looked up.
LOOKED_UP: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "card_values": (("value_id",),),
    "judgments": (("source_value_id", "wiser_value_id"), ("wiser_value_id",)),
    "votes": (("value_id",),),
    "articulations": (("value_id",),),
    "pair_tallies": (("source_value_id", "wiser_value_id"),),
    "wisdom_edges": (("edge_id",),),
    "reward_rows": (("row_id",),),
    "value_support": (("value_id",),),
    "card_lineage": (("value_id",),),
}
SCALARS: Mapping[pl.DataType, str] = {
    pl.Int64(): "bigint",
    pl.Float64(): "double precision",
    pl.Float32(): "real",
    pl.Boolean(): "boolean",
    pl.String(): "text",
    pl.Date(): "date",
    pl.Datetime("us", "UTC"): "timestamptz",
}


def columns(table: str) -> dict[str, str]:
    """The table's columns with their types in PostgreSQL."""
    return {name: postgres_type(dtype) for name, dtype in TABLES[table].schema.items()}


def postgres_type(dtype: pl.DataType) -> str:
    """A list of plain values is an array, anything deeper `jsonb`."""
    if isinstance(dtype, pl.List) and dtype.inner in SCALARS:
        return f"{SCALARS[dtype.inner]}[]"  # type: ignore[index]
    return SCALARS.get(dtype, "jsonb")


def csv(rows: pl.DataFrame) -> bytes:
    """The rows for COPY: texts in quotes, null as nothing at all, arrays and JSON in their own notation."""
    cells = rows.select(_cell(name, dtype) for name, dtype in rows.schema.items())
    return cells.write_csv(include_header=False, quote_style="non_numeric").encode()


def _cell(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if postgres_type(dtype) == "jsonb":
        wrapped = pl.struct(column.alias("of")).struct.json_encode()
        return pl.when(column.is_not_null()).then(wrapped.str.slice(6).str.head(-1)).alias(name)
    if isinstance(dtype, pl.List):
        return _array(column, dtype).alias(name)
    return column


def _array(column: pl.Expr, dtype: pl.List) -> pl.Expr:
    element = pl.element().cast(pl.String)
    if dtype.inner == pl.String():
        for mark in ("\\", '"'):
            element = element.str.replace_all(mark, f"\\{mark}", literal=True)
        element = pl.concat_str(pl.lit('"'), element, pl.lit('"'))
    inside = column.list.eval(element.fill_null("NULL")).list.join(",")
    return pl.concat_str(pl.lit("{"), inside, pl.lit("}"))
