"""What leaving participants out does to the graph: edges gained and lost, rule by rule."""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.graph.moral_graph import pair_tallies, wisdom_edges
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import PAIR_KEY, TABLES


def exclusion_effects(
    edges: pl.DataFrame,
    judgments_without_rule: Mapping[str, pl.DataFrame],
    links: pl.DataFrame,
    policy: ConsensusPolicy,
) -> pl.DataFrame:
    """Table `exclusion_effects`. `edges` is `wisdom_edges`, with all rules applied.

    `judgments_without_rule`: the table `judgments` as it would be without a rule, by the rule's name.
    """
    parts = [
        _changes(edges, wisdom_edges(pair_tallies(judgments, links, policy), policy), rule)
        for rule, judgments in sorted(judgments_without_rule.items())
    ]
    table = TABLES["exclusion_effects"]
    return table.conform(pl.concat([table.schema.to_frame(), *parts]))


def _changes(edges: pl.DataFrame, otherwise: pl.DataFrame, rule: str) -> pl.DataFrame:
    gained = edges.join(otherwise, on=PAIR_KEY, how="anti").with_columns(effect=pl.lit("gained"))
    lost = otherwise.join(edges, on=PAIR_KEY, how="anti").with_columns(effect=pl.lit("lost"))
    return pl.concat(part.select(pl.lit(rule).alias("rule"), *PAIR_KEY, "effect") for part in (gained, lost))
