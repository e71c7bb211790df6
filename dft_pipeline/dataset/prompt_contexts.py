"""What cases have of their own, and which answers of Γ a prompt's training rows come from."""

import hashlib

import polars as pl

from dft_pipeline.tables import TABLES

TABLE = TABLES["prompt_contexts"]
LEFT_OUT = ("leak", "personal_text")
FOLDS_BELOW = 10  # with fewer cases than this a hash may put all of them on one side
SIDES = ((80, "train"), (90, "validation"), (100, "test"))


def own_contexts(cases: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The rows of `prompt_contexts` that the data has: each case for itself, and its contexts."""
    every = cases.select(prompt_id="id", case_id="id", prompt="question")
    none, context = pl.lit(None, dtype=pl.String), pl.lit("context")
    themselves = every.with_columns(context_id=none, kind=pl.lit("case"))
    theirs = every.join(links, on="case_id").with_columns(kind=context).select(themselves.columns)
    decided = {"decided_by": pl.lit("data"), "applies": pl.lit(True), "context_score": pl.lit(1.0)}
    return conformed(pl.concat([themselves, theirs]).with_columns(**decided))


def conformed(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as rows of the table; a column that they lack has nothing to say."""
    lacking = [pl.lit(None).alias(name) for name in TABLE.columns if name not in rows.columns]
    return TABLE.conform(rows.with_columns(lacking))


def applying(prompt_contexts: pl.DataFrame) -> pl.DataFrame:
    """Which answers of Γ apply to each prompt: case_id, context_id or null, and what rows say of the prompt.

    A context that belongs to no case has no votes, and none here.
    """
    apart = prompt_contexts.filter(pl.col("kind").is_in(LEFT_OUT)).select("prompt_id")
    found = prompt_contexts.filter("applies", pl.col("case_id").is_not_null())
    kept = found.join(apart, on="prompt_id", how="anti")
    group = pl.coalesce("source_prompt_id", "prompt_id").alias("group")
    columns = ("case_id", "context_id", "context_score", "prompt_id", "prompt", "turn_index")
    return kept.select(group, *columns).join(_places(kept.select(group, "source_prompt_id")), on="group")


def staying(cases: pl.DataFrame, prompt_contexts: pl.DataFrame) -> pl.DataFrame:
    """The cases that have training rows of their own: all but those that are left out."""
    apart = prompt_contexts.filter(pl.col("kind").is_in(LEFT_OUT)).select(id="prompt_id")
    return cases.join(apart, on="id", how="anti", maintain_order="left")


def side(group: str) -> str:
    """The split of all prompts of a group (a case, or a conversation): 80 / 10 / 10 by a hash, for ever."""
    percent = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % 100
    return next(name for bound, name in SIDES if percent < bound)


def prompts(cases: pl.DataFrame) -> pl.DataFrame:
    """The cases as prompts: prompt_id, prompt, split, and a fold where there are few."""
    return cases.select(prompt_id="id", prompt="question").join(
        _places_of(cases["id"].to_list(), cases["id"].to_list()).rename({"group": "prompt_id"}),
        on="prompt_id",
    )


def _places(groups: pl.DataFrame) -> pl.DataFrame:
    cases = groups.filter(pl.col("source_prompt_id").is_null())["group"].unique().to_list()
    return _places_of(groups["group"].unique().to_list(), cases)


def _places_of(groups: list[str], cases: list[str]) -> pl.DataFrame:
    """group, its split, and of a case its fold, where there are few."""
    few = sorted(cases) if len(cases) < FOLDS_BELOW else []
    fold = {case: number for number, case in enumerate(few)}
    rows = [(group, side(group), fold.get(group)) for group in sorted(groups)]
    return pl.DataFrame(rows, {"group": pl.String, "split": pl.String, "fold": pl.Int64}, orient="row")
