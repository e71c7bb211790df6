"""The nodes of the moral graph: each value with its texts, its rank and how it was received."""

import numpy as np
import polars as pl

from dft_pipeline.graph.rank import pagerank, wilson, wisdom
from dft_pipeline.graph.scopes import scopes_of_cases
from dft_pipeline.tables import TABLES


def graph_values(
    wisdom_edges: pl.DataFrame, canonical_values: pl.DataFrame, votes: pl.DataFrame, links: pl.DataFrame
) -> pl.DataFrame:
    """Table `graph_values`; `links` says which context belongs to which case."""
    parts = wisdom_edges.partition_by("scope", maintain_order=True)
    ranked = pl.concat([_ranked(edges) for edges in parts] or [_ranked(wisdom_edges)])
    received = _received(ranked, votes, links)
    contexts = wisdom_edges.group_by("scope", pl.col("wiser_value_id").alias("value_id")).agg(
        pl.col("contexts").explode().unique().sort()
    )
    nodes = ranked.join(received, on=["scope", "value_id"], how="left").with_columns(
        pl.col("votes", "shown").fill_null(0)
    )
    nodes = nodes.join(contexts, on=["scope", "value_id"], how="left").with_columns(
        pl.col("contexts").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        vote_rate=_where_shown(pl.col("votes") / pl.col("shown")),
        # Votes without a showing, which the app does not have, would make more than a share.
        vote_rate_low=_where_shown(
            pl.Series(wilson(nodes["votes"].to_numpy(), nodes["shown"].to_numpy())[0]).fill_nan(None)
        ),
    )
    return TABLES["graph_values"].conform(nodes.join(canonical_values, on="value_id"))


def _ranked(edges: pl.DataFrame) -> pl.DataFrame:
    """The ends of one scope's edges with wisdom and pagerank: scope, value_id, wisdom, pagerank."""
    ends = np.unique(np.concatenate([edges["source_value_id"], edges["wiser_value_id"]]))
    sources = np.searchsorted(ends, edges["source_value_id"])
    targets = np.searchsorted(ends, edges["wiser_value_id"])
    weights = edges["wiser_likelihood"].to_numpy()
    return pl.DataFrame(
        {
            "scope": pl.Series(edges["scope"][:1].to_list() * len(ends), dtype=pl.String),
            "value_id": pl.Series(ends, dtype=pl.Int64),
            "wisdom": wisdom(targets, weights, len(ends)),
            "pagerank": pagerank(sources, targets, weights, len(ends)) if len(ends) else np.empty(0),
        }
    )


def _received(nodes: pl.DataFrame, votes: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """How many participants voted for a value, and saw it, in a scope: scope, value_id, votes, shown."""
    scoped = votes.join(scopes_of_cases(votes["case_id"], links), on="case_id")
    people = pl.col("participant_id")
    return (
        scoped.join(nodes, on=["scope", "value_id"], how="semi")
        .group_by("scope", "value_id")
        .agg(votes=people.filter("is_vote").n_unique(), shown=people.filter(~pl.col("is_vote")).n_unique())
    )


def _where_shown(rate: pl.Expr | pl.Series) -> pl.Expr:
    return pl.when(pl.col("shown") > 0).then(rate)
