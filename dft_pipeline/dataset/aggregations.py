"""Other ways than Γ to take the best values of a case, for comparison; training rows are Γ's alone."""

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from dft_pipeline.dataset.gamma import Question, chosen, standing
from dft_pipeline.dataset.gradient import Choice, Gradient
from dft_pipeline.graph.rank import wilson
from dft_pipeline.policies import Aggregation
from dft_pipeline.tables import TABLES

# By what the values of an aggregation are ordered.
SCORES: Mapping[str, str] = {
    "votes": "votes",
    "vote_rate": "vote_rate_low",
    "wisdom": "wisdom",
    "pagerank": "pagerank",
    "sinks": "sink_wisdom",
}
QUARTER = 0.25


def aggregations(
    gradients: Iterable[Gradient], canonical_values: pl.DataFrame, settings: Aggregation
) -> pl.DataFrame:
    """Table `aggregations`. Raises CyclicGraph as Γ does."""
    table = TABLES["aggregations"]
    titles = canonical_values.select("value_id", value_title="title")
    rows = [best.with_columns(case_id=pl.lit(of.case_id)) for of in gradients for best in _best(of, settings)]
    return table.conform(pl.concat(rows).join(titles, on="value_id")) if rows else table.schema.to_frame()


def _best(of: Gradient, settings: Aggregation) -> Iterator[pl.DataFrame]:
    """The rows of each aggregation of a case."""
    stand = standing(of.asked, settings)
    support = pl.DataFrame({"value_id": stand.values, "support": stand.support})
    values = _with_minority(_received(support, of.asked), of)
    best = chosen(of.asked, stand, settings).select("value_id")
    yield _ranked(best.join(values, on="value_id", maintain_order="left"), "gamma", "support")
    for name, score in SCORES.items():
        scored = values.filter(pl.col(score) > 0)
        yield _ranked(_descending(scored, score).head(settings.top_k), name, score)
    few = values.filter("is_minority_wisdom")
    yield _ranked(_descending(few, "vote_rate_low"), "minority_wisdom", "vote_rate_low")


def _descending(values: pl.DataFrame, score: str) -> pl.DataFrame:
    return values.sort(score, "value_id", descending=[True, False], nulls_last=True)


def _ranked(values: pl.DataFrame, aggregation: str, score: str) -> pl.DataFrame:
    return values.with_columns(
        aggregation=pl.lit(aggregation),
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        score=pl.col(score).cast(pl.Float64),
    )


def _received(support: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """Every value of the case with how it was received there, and its place in the graph."""
    met = asked.votes.group_by("value_id").agg(
        votes=pl.col("is_vote").sum().cast(pl.Int64), shown=(~pl.col("is_vote")).sum().cast(pl.Int64)
    )
    ranks = asked.nodes.select("value_id", "wisdom", "pagerank")
    values = support.join(met, on="value_id", how="left").join(ranks, on="value_id", how="left")
    values = values.with_columns(pl.col("votes", "shown", "wisdom", "pagerank").fill_null(0))
    low = pl.Series(wilson(values["votes"].to_numpy(), values["shown"].to_numpy())[0]).fill_nan(None)
    was_shown = pl.when(pl.col("shown") > 0)
    is_sink = pl.col("value_id").is_in(asked.edges["wiser_value_id"].implode()) & ~pl.col("value_id").is_in(
        asked.edges["source_value_id"].implode()
    )
    return values.with_columns(
        vote_rate=was_shown.then(pl.col("votes") / pl.col("shown")),
        vote_rate_low=was_shown.then(low),
        sink_wisdom=pl.when(is_sink).then("wisdom"),
    )


def _with_minority(values: pl.DataFrame, of: Gradient) -> pl.DataFrame:
    """Adds is_minority_wisdom: few saw it and found it wise, or Γ raises it from low at h = 0."""
    at_first = of.supports.rename({"support": "first_support"})
    few = _lowest("shown", pl.col("shown") > 0) & _highest("vote_rate", pl.col("shown") > 0)
    further = [choice for choice in of.choices if choice.h]
    low = ~_is_in(of.choices[:1]) | _lowest("first_support", pl.col("first_support") > 0)
    raised = low & _is_in(further)
    marked = values.join(at_first, on="value_id").with_columns(is_minority_wisdom=few | raised)
    return marked.with_columns(pl.col("is_minority_wisdom").fill_null(False))


def _lowest(column: str, among: pl.Expr) -> pl.Expr:
    """Whether it is in the lowest quarter of those that it is taken from."""
    return among & (pl.col(column) <= pl.col(column).filter(among).quantile(QUARTER, "linear"))


def _highest(column: str, among: pl.Expr) -> pl.Expr:
    return among & (pl.col(column) >= pl.col(column).filter(among).quantile(1 - QUARTER, "linear"))


def _is_in(choices: Iterable[Choice]) -> pl.Expr:
    """Whether it is chosen at one of these h."""
    values = {value for choice in choices for value in choice.chosen["value_id"]}
    return pl.col("value_id").is_in(sorted(values))
