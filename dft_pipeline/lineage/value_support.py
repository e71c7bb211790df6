"""Who supports which value by themselves, and which of that counts for a question of Γ."""

from collections.abc import Iterable

import polars as pl

from dft_pipeline.graph.scopes import scopes_of_cases
from dft_pipeline.policies import Aggregation
from dft_pipeline.tables import TABLES

ARTICULATED, VOTED, JUDGED_WISER = "articulated", "voted", "judged_wiser"
PAIR = ("participant_id", "value_id")


def value_support(
    votes: pl.DataFrame,
    articulations: pl.DataFrame,
    judgments: pl.DataFrame,
    erased: pl.DataFrame,
    links: pl.DataFrame,
    settings: Aggregation,
) -> pl.DataFrame:
    """Table `value_support` of the tables of these names; `erased` as `disputes.erased_votes` gives it."""
    answers = judgments.filter(pl.col("relationship") == "upgrade").with_columns(value_id="wiser_value_id")
    sources = (
        (settings.articulated, ARTICULATED, articulations, "case_id"),
        (settings.voted, VOTED, votes.filter("is_vote"), "case_id"),
        (settings.judged_wiser, JUDGED_WISER, answers, "context_id"),
    )
    table = TABLES["value_support"]
    nothing = table.schema.to_frame().drop("erased_in")
    parts = [rows.select(*PAIR, where, how=pl.lit(how)) for used, how, rows, where in sources if used]
    every = pl.concat([nothing, *parts], how="diagonal").unique()
    marked = every.join(_erased_in(erased, votes, links), on=[*PAIR, "how", "case_id"], how="left")
    return table.conform(marked.with_columns(pl.col("erased_in").fill_null(pl.lit([], pl.List(pl.String)))))


def counts_in(case_id: str, context_ids: Iterable[str], scope: str) -> pl.Expr:
    """Which rows of `value_support` count where Γ is asked about a case, in a scope with those contexts."""
    is_there = (pl.col("case_id") == case_id) | pl.col("context_id").is_in(list(context_ids))
    return is_there & ~pl.col("erased_in").list.contains(scope)


def _erased_in(erased: pl.DataFrame, votes: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The votes that do not count somewhere, with the scopes of their case where they do not."""
    cases = votes["case_id"].unique() if len(erased) else ()
    scopes = scopes_of_cases(cases, links)
    found = erased.join(scopes, on="scope").group_by(*PAIR, "case_id").agg(erased_in=pl.col("scope").sort())
    return found.with_columns(how=pl.lit(VOTED))
