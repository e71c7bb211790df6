"""Which rows of a snapshot's tables an export keeps, and the weights and rewards of those it keeps.

A reward row is kept that has enough evidence and share. What rests on reward rows follows from those kept:
rubrics and rewards are made anew from them, so that a prompt's weights sum to 1; a completion needs a kept
row of its prompt, and the row that guided it; a pair both its completions, a row of its value, and of its
edge the same evidence.
"""

import polars as pl

from dft_pipeline.dataset.rows import rubric_rows
from dft_pipeline.formats.making import CHOSEN, Tables
from dft_pipeline.graph.evidence import sure_enough
from dft_pipeline.policies import Bounds, Filters
from dft_pipeline.tables import TABLES
from dft_pipeline.training.candidates import ROUNDING
from dft_pipeline.training.pairs import ENDS
from dft_pipeline.training.rewards import completion_scores

GAP_OF_A_VALUE = ("execution", "ranked")  # reasons whose gap is no difference in reward


def kept(tables: Tables, filters: Filters) -> Tables:
    """The tables, less the rows that do not pass; without a filter as they are."""
    if filters == Filters():
        return tables
    bounds = Bounds(min_survival=filters.min_survival, max_q=filters.max_q)
    rows = sure_enough("reward_rows", tables["reward_rows"], bounds)
    if filters.min_share is not None:
        rows = rows.filter(pl.col("share") >= filters.min_share)
    found = {**tables, CHOSEN: tables["reward_rows"], "reward_rows": rows, "rubric_rows": rubric_rows(rows)}
    for name in ("value_pairs", "edge_evidence"):
        if name in tables:
            found[name] = sure_enough(name, tables[name], bounds)
    if "completions" in tables:
        found |= _answers(found)
    if "preference_pairs" in tables:
        found["preference_pairs"] = _pairs(found)
    return found


def _answers(found: Tables) -> dict[str, pl.DataFrame]:
    """Completions of prompts with rows, guided by a row that is kept or by none; scores of kept values."""
    rows = found["reward_rows"]
    of_prompt = pl.col("prompt_id").is_in(rows["prompt_id"].implode())
    guided = pl.col("row_id").is_null() | pl.col("row_id").is_in(rows["row_id"].implode())
    completions = found["completions"].filter(of_prompt, guided)
    said = found.get("criterion_scores", TABLES["criterion_scores"].schema.to_frame())
    of_value = said.join(rows, on=("prompt_id", "value_id"), how="semi", maintain_order="left")
    scores = of_value.join(completions, on="completion_id", how="semi", maintain_order="left")
    return {
        "completions": completions,
        "criterion_scores": scores,
        "completion_scores": completion_scores(completions, scores, found["rubric_rows"], rows),
    }


def _pairs(found: Tables) -> pl.DataFrame:
    """Of kept completions, and of a kept value, or without one of a prompt whose rows are all kept.

    Gap and rewards are made anew; a pair whose gap is in reward, and is none any more, goes.
    """
    pairs, edges = found["preference_pairs"], found["edge_evidence"]["edge_id"]
    for end in ENDS:
        theirs = found["completions"].select(pl.col("completion_id").alias(f"{end}_id"))
        pairs = pairs.join(theirs, on=f"{end}_id", how="semi", maintain_order="left")
    left = pairs.select("pair_id", row_id="row_ids").explode("row_id")
    row_ids = left.join(found["reward_rows"], on="row_id", how="semi").group_by("pair_id")
    joined = pairs.join(row_ids.agg(left=pl.col("row_id").sort()), on="pair_id", maintain_order="left")
    is_whole = pl.col("value_id").is_not_null() | (pl.col("left") == pl.col("row_ids"))
    has_edge = pl.col("edge_id").is_null() | pl.col("edge_id").is_in(edges.implode())
    anew = _rewarded(joined.filter(is_whole, has_edge), found["completion_scores"])
    return anew.with_columns(row_ids="left").select(pairs.columns)


def _rewarded(pairs: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    rewards = scores.select("completion_id", "reward").unique()
    for end in ENDS:
        theirs = rewards.rename({"completion_id": f"{end}_id", "reward": "anew"})
        known = pl.when(pl.col(f"{end}_reward").is_not_null()).then("anew").alias(f"{end}_reward")
        pairs = pairs.join(theirs, on=f"{end}_id", how="left", maintain_order="left")
        pairs = pairs.with_columns(known).drop("anew")
    in_reward = pl.col("gap").is_not_null() & ~pl.col("reason").is_in(GAP_OF_A_VALUE)
    gap = pl.when(in_reward).then(pl.col("chosen_reward") - pl.col("rejected_reward")).otherwise("gap")
    return pairs.with_columns(gap=gap).filter(~(pl.col("gap") <= ROUNDING).fill_null(False))
