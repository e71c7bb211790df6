"""Which value each card became, found from what the cards say (`offline`).

What belongs here: the steps in their order, and the tables that come out. The app's own assignment
(`given`) stands in `canonical`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from dft_pipeline.policies import Deduplication
from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import CARD, distinct_texts
from dft_pipeline.values.clusters import Stars, stars
from dft_pipeline.values.judging import SAME, Card, Judge, Pair, Verdict, by_threshold, judged
from dft_pipeline.values.neighbours import Pairs, neighbours
from dft_pipeline.values.similarity import Embed, card_vectors
from dft_pipeline.values.value_ids import with_value_ids

EXACT = "exact-1"  # the judge of cards with the same text


class Grouped(NamedTuple):
    """The tables of these names, and how many of a judge's answers were set aside, by reason."""

    card_values: pl.DataFrame
    canonical_values: pl.DataFrame
    merge_decisions: pl.DataFrame
    set_aside: Mapping[str, int]


def offline(
    every: pl.DataFrame,
    embed: Embed,
    settings: Deduplication,
    judge: Judge | None = None,
) -> Grouped:
    """Groups the cards of `card_texts.all_cards`; each becomes exactly one value.

    Without a judge, the threshold decides. Cards with the same text are the same without being asked about.
    """
    texts = distinct_texts(every)
    found = neighbours(card_vectors(texts, embed, settings), settings.candidate_threshold)
    pairs = _pairs(texts, found)
    answers = judged(pairs, judge or by_threshold(settings), settings.decider)
    agree = np.array([answer.verdict == SAME for answer in answers.verdicts], np.bool_)
    grouped = stars(texts["card_count"].to_numpy(), found.where(agree))
    members = _members(every, texts, grouped)
    return Grouped(
        _card_values(members, settings.decider),
        _canonical_values(members),
        _merge_decisions(every, texts, pairs, answers.verdicts),
        answers.set_aside,
    )


def _pairs(texts: pl.DataFrame, found: Pairs) -> list[Pair]:
    """The pairs of texts as pairs of their first cards."""
    firsts = [Card(*row) for row in texts.select("card_kind", "card_id").iter_rows()]
    columns = (column.tolist() for column in found)
    return [
        Pair(min(firsts[a], firsts[b]), max(firsts[a], firsts[b]), similarity)
        for a, b, similarity in zip(*columns, strict=True)
    ]


def _members(every: pl.DataFrame, texts: pl.DataFrame, grouped: Stars) -> pl.DataFrame:
    """All cards with their `group`, its value_id, and their similarity to its representative."""
    theirs = texts.select("text_hash").with_columns(
        group=pl.Series(texts["text_hash"].to_numpy()[grouped.representative], dtype=pl.String),
        similarity=pl.Series(grouped.similarity),
    )
    return with_value_ids(every.join(theirs, on="text_hash", maintain_order="left"))


def _card_values(members: pl.DataFrame, decider: str) -> pl.DataFrame:
    return TABLES["card_values"].conform(
        members.with_columns(decided_by=pl.lit(decider), motivation=pl.lit(None))
    )


def _canonical_values(members: pl.DataFrame) -> pl.DataFrame:
    """A value has the text of its representative: the first card with the text that its group goes by."""
    counts = members.group_by("group").agg(card_count=(pl.col("card_kind") == CARD).sum())
    named = members.filter(pl.col("text_hash") == pl.col("group")).unique(
        "group", keep="first", maintain_order=True
    )
    values = named.rename({"card_id": "representative_card_id", "card_kind": "representative_card_kind"})
    return TABLES["canonical_values"].conform(values.join(counts, on="group"))


def _merge_decisions(
    every: pl.DataFrame, texts: pl.DataFrame, pairs: Sequence[Pair], verdicts: Sequence[Verdict]
) -> pl.DataFrame:
    table = TABLES["merge_decisions"]
    asked = [
        (
            *pair.first,
            *pair.second,
            pair.similarity,
            said.judge,
            said.verdict,
            said.motivation,
            said.prompt_version,
        )
        for pair, said in zip(pairs, verdicts, strict=True)
    ]
    firsts = texts.select("text_hash", card_kind="card_kind", card_id="card_id")
    others = every.select("text_hash", other_card_kind="card_kind", other_card_id="card_id")
    duplicates = (
        others.join(firsts, on="text_hash")
        .filter(
            pl.struct("card_kind", "card_id")
            != pl.struct(card_kind="other_card_kind", card_id="other_card_id")
        )
        .with_columns(
            similarity=pl.lit(1.0),
            judge=pl.lit(EXACT),
            verdict=pl.lit(SAME),
            motivation=pl.lit(None, pl.String),
            prompt_version=pl.lit(None, pl.String),
        )
        .select(table.columns.keys())
    )
    return table.conform(pl.concat([duplicates, pl.DataFrame(asked, table.schema, orient="row")]))
