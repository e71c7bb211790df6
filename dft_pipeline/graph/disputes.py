"""What follows from a dispute: which values stand in one, and which votes do not count because of it."""

import polars as pl

from dft_pipeline.graph.contested import answers_behind
from dft_pipeline.graph.scopes import scopes_of_prompts
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import PAIR_KEY

COMPONENTS = ("within_context", "across_contexts")


def erased_votes(
    contested: pl.DataFrame, judgments: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> pl.DataFrame:
    """The votes that aggregation leaves out: scope, participant_id, value_id; sorted.

    Those of a removed component's judges (who judged one of its directed pairs in the scope) for its values,
    where the policy erases them; otherwise none.
    """
    removed = contested.filter(pl.col("kind").is_in(COMPONENTS) & policy.erase_votes)
    named = removed.select("scope", "value_ids", "edges").with_row_index("record")
    pairs = named.select("record", "scope", "edges").explode("edges").unnest("edges")
    judges = answers_behind(pairs.select("record", *PAIR_KEY), judgments, links)
    values = named.select("record", value_id="value_ids").explode("value_id")
    erased = judges.select("record", "scope", "participant_id").unique().join(values, on="record")
    return erased.select("scope", "participant_id", "value_id").unique().sort(pl.all())


def counted_votes(votes: pl.DataFrame, erased: pl.DataFrame) -> pl.DataFrame:
    """The votes and showings of one case without those votes of a scope that are erased; showings stay."""
    is_erased = erased.select("participant_id", "value_id", is_vote=pl.lit(True)).unique()
    return votes.join(is_erased, on=is_erased.columns, how="anti", maintain_order="left")


def values_in_dispute(contested: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The values in a dispute of a prompt's case or contexts: prompt_id, value_id, is_contested; sorted."""
    scopes = scopes_of_prompts(links["case_id"], links)
    disputed = contested.filter("is_dispute").select("scope", value_id="value_ids").explode("value_id")
    found = disputed.join(scopes, on="scope").select("prompt_id", "value_id").unique()
    return found.with_columns(is_contested=pl.lit(True)).sort(pl.all())
