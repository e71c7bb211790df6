"""Which two completions of a prompt could be a preference pair, and for what reason.

What belongs here: one function per reason. Which candidates then stay stands in `pairs`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

CANDIDATES = pl.Schema(
    {
        "prompt_id": pl.String,
        "reason": pl.String,
        "chosen_id": pl.String,
        "rejected_id": pl.String,
        "value_id": pl.Int64,
        "edge_id": pl.String,
        "gap": pl.Float64,
        "chosen_by": pl.String,
        "rejected_by": pl.String,
    }
)
PAIR = ("chosen_id", "rejected_id")
OF_VALUE = ("prompt_id", "value_id")
# Completions of a prompt by a value that are compared: more would make more pairs than anybody takes.
MOST_COMPARED = 40
ROUNDING = 1e-9  # 3/5 − 2/5 is less than 0.2 by a bit


class Answers(NamedTuple):
    """What pairs are made of: the tables of these names."""

    completions: pl.DataFrame
    completion_scores: pl.DataFrame
    completion_rankings: pl.DataFrame
    judge_agreement: pl.DataFrame
    reward_rows: pl.DataFrame
    value_pairs: pl.DataFrame


def candidates(of: Answers, min_gap: float, seed: int) -> pl.DataFrame:
    """CANDIDATES. `gap` where the reason has one of its own, with whose scores it rests on at either end."""
    parts = [part.with_columns(reason=pl.lit(reason)) for reason, part in _by_reason(of, min_gap, seed)]
    every = pl.concat([CANDIDATES.to_frame(), *parts], how="diagonal_relaxed").select(CANDIDATES.names())
    key = ("prompt_id", "reason", *PAIR, "value_id")
    return every.cast(CANDIDATES).sort(*key, "edge_id").unique(key, keep="first", maintain_order=True)


def is_enough(gap: pl.Expr, least: float) -> pl.Expr:
    """Whether the gap is as large, but for rounding."""
    return gap >= least - ROUNDING


def not_compared(of: Answers) -> Mapping[str, int]:
    """By reason, how many completions by a value are one too many to be compared with the others."""
    return {
        reason: sum(
            max(count - MOST_COMPARED, 0) for count in _by_value(rows).group_by(OF_VALUE).len()["len"]
        )
        for reason, rows in (
            ("execution", _executed(of.completion_scores)),
            ("ranked", of.completion_rankings),
        )
    }


def _by_reason(of: Answers, min_gap: float, seed: int) -> Iterator[tuple[str, pl.DataFrame]]:
    kinds = {kind: of.completions.filter(kind=kind) for kind in of.completions["kind"].unique()}
    none = of.completions.clear()
    guided = _chosen(kinds.get("guided", none))
    yield "execution", _execution(_compared(_executed(of.completion_scores), seed), min_gap)
    yield "ranked", _ranked(_compared(of.completion_rankings, seed), min_gap)
    yield "wiser_value", _wiser(guided, kinds.get("less_wise", none), of.reward_rows)
    yield "shuffled_value", guided.join(_rejected(kinds.get("shuffled", none)), on="prompt_id")
    yield "naive", guided.join(_rejected(kinds.get("naive", none)), on="prompt_id")
    yield "revision", _revision(kinds.get("revision", none), kinds.get("naive", none))


def _executed(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.drop_nulls("executed")


def _by_value(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(*OF_VALUE, "completion_id").unique()


def _compared(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows of at most MOST_COMPARED completions of each prompt by a value, drawn by a hash."""
    every = _by_value(rows)
    draws = [hashlib.sha256(f"{seed}|{one}".encode()).hexdigest() for one in every["completion_id"]]
    place = pl.col("draw").rank("ordinal").over(OF_VALUE)
    drawn = every.with_columns(draw=pl.Series(draws, dtype=pl.String)).filter(place <= MOST_COMPARED)
    return rows.join(drawn, on=every.columns, how="semi")


def _execution(scores: pl.DataFrame, min_gap: float) -> pl.DataFrame:
    """Completions of which one executes a value better by the gap."""
    one = scores.select("prompt_id", "value_id", "executed", chosen_id="completion_id", chosen_by="scored_by")
    other = one.rename({"executed": "less", "chosen_id": "rejected_id", "chosen_by": "rejected_by"})
    both = one.join(other, on=["prompt_id", "value_id"]).with_columns(gap=pl.col("executed") - pl.col("less"))
    return both.filter(is_enough(pl.col("gap"), min_gap))


def _ranked(rankings: pl.DataFrame, min_gap: float) -> pl.DataFrame:
    """Completions of which more raters put one above the other, by the gap, of those who ranked both."""
    one = rankings.select("prompt_id", "value_id", "rater", "rank", chosen_id="completion_id")
    other = one.rename({"rank": "other_rank", "chosen_id": "rejected_id"})
    both = one.join(other, on=["prompt_id", "value_id", "rater"])
    said = (pl.col("other_rank") - pl.col("rank")).sign()
    net = both.group_by("prompt_id", "value_id", *PAIR).agg(gap=said.sum() / pl.len())
    people = {"chosen_by": pl.lit("people"), "rejected_by": pl.lit("people")}
    return net.filter(is_enough(pl.col("gap"), min_gap)).with_columns(**people)


def _wiser(guided: pl.DataFrame, less_wise: pl.DataFrame, reward_rows: pl.DataFrame) -> pl.DataFrame:
    """Answers guided by the wiser value of an edge, each against those by its less wise one."""
    wiser = reward_rows.select("row_id", "value_id")
    others = less_wise.select("prompt_id", "row_id", "edge_id", rejected_id="completion_id")
    return guided.join(others.join(wiser, on="row_id"), on=["prompt_id", "value_id"])


def _revision(revisions: pl.DataFrame, naive: pl.DataFrame) -> pl.DataFrame:
    """Revisions against the answer that each revises."""
    revised = revisions.select("prompt_id", "value_id", chosen_id="completion_id", rejected_id="revises_id")
    return revised.join(_rejected(naive), on=["prompt_id", "rejected_id"], how="semi")


def _chosen(guided: pl.DataFrame) -> pl.DataFrame:
    return guided.select("prompt_id", "value_id", chosen_id="completion_id")


def _rejected(others: pl.DataFrame) -> pl.DataFrame:
    return others.select("prompt_id", rejected_id="completion_id")
