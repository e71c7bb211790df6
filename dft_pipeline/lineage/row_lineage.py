"""Which question a training row answers, along which edges, and how many support its value themselves."""

import polars as pl

from dft_pipeline.graph.scopes import case_scope, context_scope
from dft_pipeline.tables import TABLES

OF_CASE = pl.format(case_scope("{}"), "case_id")
OF_CONTEXT = pl.format(context_scope("{}"), "context_id")


QUESTION = ("case_id", "scope", "value_id")


def row_lineage(rows: pl.DataFrame, judgments: pl.DataFrame, value_support: pl.DataFrame) -> pl.DataFrame:
    """Table `row_lineage` of rows: row_id, case_id, context_id (null: all of the case), value_id, edge_ids.

    Who supports a row's value there by themselves are the rows of `value_support` with the value, and with
    the case or one of `context_ids`, that are not erased in the scope.
    """
    scoped = rows.with_columns(scope=pl.coalesce(OF_CONTEXT, OF_CASE)).join(
        _contexts(judgments), on="scope", how="left"
    )
    known = scoped.with_columns(
        pl.col("context_ids").fill_null(pl.lit([], pl.List(pl.String))),
        source_value_ids=pl.col("edge_ids").list.eval(_source()).list.sort(),
    )
    # Once of each question: many prompts may lead to the same.
    support = _direct_support(known.unique(QUESTION, maintain_order=True), value_support)
    counted = known.join(support, on=QUESTION, how="left").with_columns(pl.col("direct_support").fill_null(0))
    return TABLES["row_lineage"].conform(counted)


def _contexts(judgments: pl.DataFrame) -> pl.DataFrame:
    """The contexts in which anybody judged, by the scope of their case and their own: scope, context_ids."""
    contexts = judgments.select("context_id", "case_ids").unique("context_id")
    cases = contexts.explode("case_ids").drop_nulls("case_ids").rename({"case_ids": "case_id"})
    scopes = (contexts.select("context_id", scope=OF_CONTEXT), cases.select("context_id", scope=OF_CASE))
    return pl.concat(scopes).group_by("scope").agg(context_ids=pl.col("context_id").sort())


def _source() -> pl.Expr:
    """The source of an edge_id: its last part but one; what stands before may hold the mark itself."""
    return pl.element().str.extract(r"\|(-?\d+)\|-?\d+$").cast(pl.Int64)


def _direct_support(asked: pl.DataFrame, value_support: pl.DataFrame) -> pl.DataFrame:
    """QUESTION, direct_support: distinct participants, however many reasons each has."""
    of_contexts = asked.select(*QUESTION, context_id="context_ids").explode("context_id")
    whose = ("participant_id", "value_id", "erased_in")
    in_cases, in_contexts = (value_support.select(*whose, place) for place in ("case_id", "context_id"))
    found = (
        asked.select(QUESTION).join(in_cases, on=["value_id", "case_id"]),
        of_contexts.join(in_contexts, on=["value_id", "context_id"]),
    )
    every = pl.concat(
        part.filter(~pl.col("erased_in").list.contains(pl.col("scope"))).select(*QUESTION, "participant_id")
        for part in found
    )
    return every.group_by(QUESTION).agg(direct_support=pl.col("participant_id").n_unique().cast(pl.Int64))
