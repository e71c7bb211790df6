"""Which completions are wanted of the training rows: by which value each is to be guided, and for which row.

What belongs here: the plan. What is asked and what comes of it stands in `completions`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import polars as pl

from dft_pipeline.graph.scopes import case_scope, context_scope
from dft_pipeline.values.answers import CardText

Kind = Literal["naive", "guided", "less_wise", "shuffled", "revision"]
TEXTS = ("title", "instructions_short", "instructions_detailed", "criteria")
FORMS = tuple(CardText.model_fields)

Cards = Mapping[int, CardText]


class Wish(NamedTuple):
    """A completion that is wanted; the value is the one that guides it, or that a revision is made by."""

    kind: Kind
    prompt_id: str
    prompt: str
    row_id: str | None = None
    context: str = ""
    value_id: int | None = None
    edge_id: str | None = None
    card: CardText | None = None

    @property
    def order(self) -> tuple[str, str, int]:
        return self.kind, self.prompt_id, self.value_id or 0


def wishes(reward: pl.DataFrame, edges: pl.DataFrame, values: pl.DataFrame, seed: int) -> list[Wish]:
    """What is wanted of `reward_rows`, given `wisdom_edges` and `canonical_values`; sorted.

    A value without criteria guides nothing. Per prompt and value the row counts in which it stands best.
    """
    cards = _cards(values)
    best = _best(reward).filter(pl.col("value_id").is_in(list(cards)))
    first = best.unique("prompt_id", keep="first", maintain_order=True)
    found = [
        *(Wish("naive", *row) for row in reward.select("prompt_id", "prompt").unique().iter_rows()),
        *_by_row("guided", best, cards),
        *_by_row("less_wise", _less_wise(best, edges, cards), cards),
        *_by_row("shuffled", _shuffled(first, _met(reward, edges), cards, seed), cards),
        *_by_row("revision", first, cards),
    ]
    return sorted(found, key=lambda wish: wish.order)


def _cards(values: pl.DataFrame) -> Cards:
    """What the values that have criteria say."""
    named = values.filter(pl.col("criteria").list.len() > 0).select("value_id", *TEXTS)
    return {
        value: CardText.model_validate(dict(zip(FORMS, texts, strict=True)))
        for value, *texts in named.iter_rows()
    }


def _best(reward: pl.DataFrame) -> pl.DataFrame:
    """Per prompt and value the row with the largest context_score · share; a prompt's best ones first."""
    scored = reward.with_columns(best=pl.col("context_score") * pl.col("share"))
    ranked = scored.sort("prompt_id", "best", "row_id", descending=[False, True, False])
    return ranked.unique(["prompt_id", "value_id"], keep="first", maintain_order=True)


def _less_wise(best: pl.DataFrame, edges: pl.DataFrame, cards: Cards) -> pl.DataFrame:
    """Each row with the value that most people found less wise than its own there, by `edge_id`."""
    ends = edges.select("edge_id", "marked_wiser", source="source_value_id")
    found = best.explode("edge_ids").join(ends, left_on="edge_ids", right_on="edge_id")
    ranked = found.filter(pl.col("source").is_in(list(cards))).sort(
        "row_id", "marked_wiser", "edge_ids", descending=[False, True, False]
    )
    most = ranked.unique("row_id", keep="first", maintain_order=True)
    return most.with_columns(value_id="source", edge_id="edge_ids")


def _met(reward: pl.DataFrame, edges: pl.DataFrame) -> Mapping[str, set[int]]:
    """The values that have to do with each prompt: those of its rows, and the ends of edges in its graphs."""
    scopes = pl.concat_list(
        pl.format(case_scope("{}"), "case_id"), pl.format(context_scope("{}"), "context_id")
    )
    asked = reward.select("prompt_id", "value_id", scope=scopes)
    graphs = asked.select("prompt_id", "scope").explode("scope").unique().join(edges, on="scope")
    ends = (graphs.select("prompt_id", value_id=end) for end in ("source_value_id", "wiser_value_id"))
    every = pl.concat([asked.select("prompt_id", "value_id"), *ends]).group_by("prompt_id").agg("value_id")
    return {prompt_id: set(found) for prompt_id, found in every.iter_rows()}


def _shuffled(first: pl.DataFrame, met: Mapping[str, set[int]], cards: Cards, seed: int) -> pl.DataFrame:
    """Each prompt's best row with a value in its place that has nothing to do with the prompt."""
    drawn = [_drawn(prompt_id, set(cards) - met[prompt_id], seed) for prompt_id in first["prompt_id"]]
    return first.with_columns(value_id=pl.Series(drawn, dtype=pl.Int64)).drop_nulls("value_id")


def _drawn(prompt_id: str, values: set[int], seed: int) -> int | None:
    """One of the values by a hash: a value that comes or goes changes no other prompt's, and few."""
    return min(values, key=lambda value: _hash([seed, prompt_id, value]), default=None)


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _by_row(kind: Kind, rows: pl.DataFrame, cards: Cards) -> Iterator[Wish]:
    if "edge_id" not in rows.columns:
        rows = rows.with_columns(edge_id=pl.lit(None, pl.String))
    columns = ("prompt_id", "prompt", "row_id", "context_id", "value_id", "edge_id")
    for prompt_id, prompt, row_id, context, value, edge in rows.select(columns).iter_rows():
        yield Wish(kind, prompt_id, prompt, row_id, context or "", value, edge, cards[value])
