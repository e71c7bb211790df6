"""The moral graph of every scope: judged pairs with their verdict, edges, and what was rejected.

What belongs here: the order of the steps, on Polars. The tally and the rules themselves are in
`tally`, `consensus` and `unwinding`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from dft_pipeline.graph.consensus import with_rates, with_verdict
from dft_pipeline.graph.scopes import scopes_of_contexts
from dft_pipeline.graph.tally import answers_by_context, contexts_of_pairs, in_scopes, tally
from dft_pipeline.graph.unwinding import components, unwound
from dft_pipeline.policies import ConsensusPolicy, Unwinding
from dft_pipeline.tables import PAIR_KEY, TABLES

IN_CYCLE = "in_cycle"


def pair_tallies(judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy) -> pl.DataFrame:
    """Table `pair_tallies` of `judgments`; `links` says which context belongs to which case."""
    # Collected once: everything after it is as small as the number of judged pairs.
    answers = answers_by_context(judgments).collect().to_native()
    return tallied(answers, scopes_of_contexts(judgments["context_id"], links), policy)


def tallied(answers: pl.DataFrame, scopes: pl.DataFrame, policy: ConsensusPolicy) -> pl.DataFrame:
    """The same of answers that are counted already, by pair and context, in these scopes of contexts."""
    scoped = in_scopes(nw.from_native(answers.lazy()), scopes.lazy())
    rated = with_verdict(with_rates(tally(scoped), policy), policy).collect().to_native()
    contexts = contexts_of_pairs(scoped).collect().to_native().group_by(PAIR_KEY).agg(_distinct_contexts())
    pairs = rated.join(contexts, on=PAIR_KEY).sort(PAIR_KEY)
    pairs = _without_loops(pairs, policy.unwind) if policy.unwind else pairs
    return TABLES["pair_tallies"].conform(pairs.with_columns(is_edge=_passes()))


def wisdom_edges(pair_tallies: pl.DataFrame, policy: ConsensusPolicy) -> pl.DataFrame:
    """Table `wisdom_edges`: the judged pairs that are edges."""
    edges = pair_tallies.filter("is_edge").with_columns(edge_id(), policy=pl.lit(policy.name))
    return TABLES["wisdom_edges"].conform(edges)


def rejected_pairs(pair_tallies: pl.DataFrame) -> pl.DataFrame:
    """Table `rejected_pairs`: the candidates that are not edges, with the rule that says so."""
    return TABLES["rejected_pairs"].conform(pair_tallies.filter(pl.col("rejection_reason").is_not_null()))


def edge_judgments(judgments: pl.DataFrame, links: pl.DataFrame, pair_tallies: pl.DataFrame) -> pl.DataFrame:
    """Table `edge_judgments`: every judgment, either way, of a pair that is an edge or a candidate."""
    candidates = pair_tallies.filter(pl.col("marked_wiser") >= 1).select(*PAIR_KEY, edge_id())
    scoped = judgments.join(scopes_of_contexts(judgments["context_id"], links), on="context_id")
    forward = scoped.join(candidates, on=PAIR_KEY)
    reverse = scoped.join(
        candidates, left_on=PAIR_KEY, right_on=("scope", "wiser_value_id", "source_value_id")
    )
    both = (
        forward.with_columns(direction=pl.lit("forward")),
        reverse.with_columns(direction=pl.lit("reverse")),
    )
    columns = TABLES["edge_judgments"].columns.keys()
    return TABLES["edge_judgments"].conform(pl.concat(rows.select(columns) for rows in both))


def misses_judgments(pair_tallies: pl.DataFrame, edge_judgments: pl.DataFrame) -> list[str]:
    """The candidates whose judgments in `edge_judgments` do not add up to their counts, by edge_id."""
    forward, upgrade = pl.col("direction") == "forward", pl.col("relationship") == "upgrade"
    counted = edge_judgments.group_by("edge_id").agg(
        wiser=(forward & upgrade).sum(), less_wise=(~forward & upgrade).sum(), both_ways=pl.len()
    )
    stated = pair_tallies.filter(pl.col("marked_wiser") >= 1).select(
        edge_id(), "marked_wiser", "marked_less_wise", "judgments_both_ways"
    )
    compared = stated.join(counted, on="edge_id", how="left")
    agrees = (
        (pl.col("marked_wiser") == pl.col("wiser"))
        & (pl.col("marked_less_wise") == pl.col("less_wise"))
        & (pl.col("judgments_both_ways") == pl.col("both_ways"))
    )
    return compared.filter(~agrees.fill_null(False))["edge_id"].to_list()


def unknown_ends(wisdom_edges: pl.DataFrame, graph_values: pl.DataFrame) -> list[int]:
    """The ends of edges that are no value of the graph in their scope."""
    ends = pl.concat(
        wisdom_edges.select("scope", pl.col(end).alias("value_id"))
        for end in ("source_value_id", "wiser_value_id")
    )
    unknown = ends.join(graph_values, on=["scope", "value_id"], how="anti")
    return unknown["value_id"].unique().sort().to_list()


def edge_id() -> pl.Expr:
    """`scope|source|wiser`."""
    return pl.format("{}|{}|{}", *PAIR_KEY).alias("edge_id")


class Component(NamedTuple):
    """A strongly connected component of two values or more in one scope, its edges strongest first."""

    scope: str
    edges: pl.DataFrame


def loops(passing: pl.DataFrame) -> Iterator[Component]:
    """The components with loops among the pairs that pass the rules; by scope, then smallest value."""
    for (scope,), edges in passing.sort("scope").group_by("scope", maintain_order=True):
        for component in _components(edges):
            yield Component(str(scope), component)


def _components(edges: pl.DataFrame) -> list[pl.DataFrame]:
    nodes = np.unique(np.concatenate([edges["source_value_id"], edges["wiser_value_id"]]))
    sources = np.searchsorted(nodes, edges["source_value_id"])
    targets = np.searchsorted(nodes, edges["wiser_value_id"])
    labels = components(sources, targets, len(nodes))
    inside = edges.with_columns(component=pl.Series(labels[sources])).filter(
        labels[sources] == labels[targets]
    )
    parts = inside.partition_by("component", include_key=False)
    return sorted((part.sort(_strength(), descending=True) for part in parts), key=_smallest_value)


def _strength() -> list[str]:
    return ["wiser_likelihood", "marked_wiser", "source_value_id", "wiser_value_id"]


def _smallest_value(edges: pl.DataFrame) -> int:
    return int(min(edges["source_value_id"].to_list()))


def _without_loops(pairs: pl.DataFrame, how: Unwinding) -> pl.DataFrame:
    removed = [_removed(component.edges, how) for component in loops(pairs.filter(_passes()))]
    if not removed:
        return pairs
    marked = pl.concat(removed).select(*PAIR_KEY, unwound=pl.lit(IN_CYCLE))
    reason = pl.coalesce("unwound", "rejection_reason")
    return pairs.join(marked, on=PAIR_KEY, how="left").with_columns(rejection_reason=reason).drop("unwound")


def _removed(component: pl.DataFrame, how: Unwinding) -> pl.DataFrame:
    """The edges that go of a component with loops, strongest first as given."""
    if how == "component":
        return component
    return component[unwound(component.select("source_value_id", "wiser_value_id").rows())]


def _passes() -> pl.Expr:
    return (pl.col("marked_wiser") >= 1) & pl.col("rejection_reason").is_null()


def _distinct_contexts() -> pl.Expr:
    return pl.col("context_id").unique().sort().alias("contexts")
