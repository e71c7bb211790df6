"""Preferences between values: each edge as a wiser and a less wise value, and pairs that are to be weighed.

What belongs here: what of a prompt's graphs is a pair to train on. Contexts that belong to no case have no
prompt, and no pairs.
"""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.dataset.prompt_contexts import prompts
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.dataset.value_split import with_value_split
from dft_pipeline.graph.disputes import values_in_dispute
from dft_pipeline.graph.moral_graph import edge_id
from dft_pipeline.graph.scopes import scopes_of_prompts
from dft_pipeline.graph.tally import PAIR
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import EVIDENCE, TABLES

TEXTS = {"title": "title", "instructions": "instructions_detailed", "criteria": "criteria"}


def value_pairs(snapshot: Snapshot) -> pl.DataFrame:
    """Table `value_pairs`: every edge of the graphs of a prompt's case and of its contexts."""
    evidence = snapshot.edge_evidence.select("edge_id", *EVIDENCE)
    edges = _of_prompts(snapshot, snapshot.wisdom_edges).join(evidence, on="edge_id", how="left")
    ends = {"less_wise": PAIR[0], "wiser": PAIR[1]}
    placed = with_value_split(_described(edges, snapshot, ends), *(f"{end}_value_id" for end in ends))
    return TABLES["value_pairs"].conform(placed)


def balanced_pairs(snapshot: Snapshot, pair_tallies: pl.DataFrame, policy: ConsensusPolicy) -> pl.DataFrame:
    """Table `balanced_pairs`: pairs that most find no upgrade, whichever way they are asked."""
    asked = pl.sum_horizontal("marked_wiser", "marked_not_wiser", "marked_unsure")
    refused = pair_tallies.select("scope", *PAIR, asked=asked, declined="marked_not_wiser").filter(
        pl.col("asked") >= policy.min_balanced, pl.col("declined") * 2 > pl.col("asked")
    )
    back = refused.select(
        "scope",
        pl.col(PAIR[1]).alias(PAIR[0]),
        pl.col(PAIR[0]).alias(PAIR[1]),
        asked_back="asked",
        declined_back="declined",
    )
    both = refused.join(back, on=["scope", *PAIR]).filter(pl.col(PAIR[0]) < pl.col(PAIR[1]))
    found = _of_prompts(snapshot, both.with_columns(policy=pl.lit(policy.name)))
    return TABLES["balanced_pairs"].conform(_described(found, snapshot, {"one": PAIR[0], "other": PAIR[1]}))


def missing_edges(value_pairs: pl.DataFrame, snapshot: Snapshot) -> list[str]:
    """The edges of prompts' scopes without a pair, and pairs' edges that are not there, by edge_id."""
    scopes = scopes_of_prompts(snapshot.cases["id"], snapshot.links)["scope"].unique()
    wanted = snapshot.wisdom_edges.filter(pl.col("scope").is_in(scopes.implode()))["edge_id"]
    return sorted(set(wanted) ^ set(value_pairs["edge_id"]))


def _of_prompts(snapshot: Snapshot, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs of each prompt's scopes, with the prompt."""
    scopes = scopes_of_prompts(snapshot.cases["id"], snapshot.links)
    named = pairs.with_columns(edge_id()).join(scopes, on="scope")
    return named.join(prompts(snapshot.cases), on="prompt_id")


def _described(pairs: pl.DataFrame, snapshot: Snapshot, ends: Mapping[str, str]) -> pl.DataFrame:
    """Adds the texts of both values, by the name of their end, and whether one stands in a dispute."""
    disputed = values_in_dispute(snapshot.contested, snapshot.links)
    is_contested = pl.lit(False)
    for end, column in ends.items():
        texts = {f"{end}_{name}": text for name, text in TEXTS.items()}
        values = snapshot.canonical_values.select(pl.col("value_id").alias(f"{end}_value_id"), **texts)
        theirs = disputed.select(
            "prompt_id", pl.col("value_id").alias(f"{end}_value_id"), **{end: "is_contested"}
        )
        pairs = (
            pairs.with_columns(pl.col(column).alias(f"{end}_value_id"))
            .join(values, on=f"{end}_value_id")
            .join(theirs, on=["prompt_id", f"{end}_value_id"], how="left")
        )
        is_contested |= pl.col(end).fill_null(False)
    return pairs.with_columns(is_contested=is_contested)
