"""Which rows of a snapshot's tables an export keeps, and the weights and rewards of those it keeps.

A reward row is kept that has enough evidence and share. What rests on reward rows follows from those kept:
rubrics and rewards are made anew from them, so that a prompt's weights sum to 1; a completion needs a kept
row of its prompt, and the row that guided it; a pair needs all its rows, and its edge the same evidence.
"""

import polars as pl

from dft_pipeline.dataset.rows import rubric_rows
from dft_pipeline.formats.making import Tables
from dft_pipeline.graph.evidence import sure_enough
from dft_pipeline.policies import Bounds, Filters

VALUE = ("prompt_id", "value_id")


def kept(tables: Tables, filters: Filters) -> Tables:
    """The tables, less the rows that do not pass; those without a filter as they are."""
    if filters == Filters():
        return tables
    rows = _sure_rows(tables["reward_rows"], filters)
    found = {**tables, "reward_rows": rows, "rubric_rows": rubric_rows(rows)}
    sure_edges = _sure("edge_evidence", tables, filters)
    if "value_pairs" in tables:
        found["value_pairs"] = sure_enough("value_pairs", tables["value_pairs"], _bounds(filters))
    if "completions" in tables:
        found["completions"] = _completions(tables["completions"], rows)
    if "completion_scores" in tables:
        found["completion_scores"] = _scores(tables["completion_scores"], found)
    if "criterion_scores" in tables:
        of = tables["criterion_scores"].join(rows, on=VALUE, how="semi", maintain_order="left")
        found["criterion_scores"] = of.join(
            found["completions"], on="completion_id", how="semi", maintain_order="left"
        )
    if "preference_pairs" in tables:
        found["preference_pairs"] = _pairs(tables["preference_pairs"], rows, sure_edges)
    return found


def _bounds(filters: Filters) -> Bounds:
    return Bounds(min_survival=filters.min_survival, max_q=filters.max_q)


def _sure_rows(rows: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    sure = sure_enough("reward_rows", rows, _bounds(filters))
    return sure if filters.min_share is None else sure.filter(pl.col("share") >= filters.min_share)


def _sure(table: str, tables: Tables, filters: Filters) -> pl.DataFrame:
    return sure_enough(table, tables[table], _bounds(filters)).select("edge_id")


def _completions(completions: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    of_prompt = pl.col("prompt_id").is_in(rows["prompt_id"].implode())
    guided_by = pl.col("row_id").is_null() | pl.col("row_id").is_in(rows["row_id"].implode())
    return completions.filter(of_prompt, guided_by)


def _scores(scores: pl.DataFrame, found: Tables) -> pl.DataFrame:
    """weight, share, context_score, row_ids and reward anew, as `completion_scores` has them."""
    best = pl.col("context_score") * pl.col("share")
    rows = found["reward_rows"].sort(best, "row_id", descending=[True, False])
    of_rows = rows.group_by(VALUE, maintain_order=True).agg(
        share=pl.col("share").first(),
        context_score=pl.col("context_score").first(),
        row_ids=pl.col("row_id").sort(),
    )
    weights = found["rubric_rows"].group_by(VALUE, maintain_order=True).agg(weight=pl.col("weight").sum())
    theirs = ("weight", "share", "context_score", "row_ids")
    joined = (
        scores.drop(theirs)
        .join(found["completions"], on="completion_id", how="semi", maintain_order="left")
        .join(of_rows, on=VALUE, maintain_order="left")
        .join(weights, on=VALUE, maintain_order="left")
    )
    is_whole = pl.col("executed").is_not_null().all().over("completion_id")
    reward = (pl.col("weight") * pl.col("executed")).sum().over("completion_id")
    return joined.with_columns(reward=pl.when(is_whole).then(reward)).select(scores.columns)


def _pairs(pairs: pl.DataFrame, rows: pl.DataFrame, sure_edges: pl.DataFrame) -> pl.DataFrame:
    there = pl.element().is_in(rows["row_id"].implode())
    has_rows = pl.col("row_ids").list.eval(there).list.all()
    has_edge = pl.col("edge_id").is_null() | pl.col("edge_id").is_in(sure_edges["edge_id"].implode())
    return pairs.filter(has_rows, has_edge)
