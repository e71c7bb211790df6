"""What a card says, as text: which cards are exact duplicates, and what of a card is compared.

What belongs here: cards of all kinds in one frame, and their texts. How alike two texts are stands in
`similarity`.
"""

import hashlib
from collections.abc import Sequence

import polars as pl

from dft_pipeline.policies import CardField

CANONICAL, CARD, WRITTEN = "canonical", "card", "written"
IS_PARTICIPANTS = pl.col("card_kind") != CANONICAL
_COLUMNS = {
    "card_id": "id",
    "canonical_card_id": "canonicalCardId",
    "title": "title",
    "instructions_short": "instructionsShort",
    "instructions_detailed": "instructionsDetailed",
    "criteria": "evaluationCriteria",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}
# Canonical cards by id, then the participants' as they came, those that the app stored before those that a
# model wrote: the kinds sort in this order.
FIRST = ("card_kind", pl.when(IS_PARTICIPANTS).then("created_at"), "card_id")


def all_cards(
    cards: pl.DataFrame, canonical_cards: pl.DataFrame, written: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The app's `valuesCard` and `canonicalValuesCard` rows, and the cards of `writing.written_cards`, as one
    frame, a row per card, in the order FIRST.

    Columns: card_kind, card_id, canonical_card_id (by the app's own assignment), the four text fields,
    created_at, updated_at, text_hash.
    """
    canonical_cards = canonical_cards.with_columns(canonicalCardId=pl.col("id"))
    kinds = [(CANONICAL, canonical_cards), (CARD, cards)]
    every = pl.concat([frame.select(card_kind=pl.lit(kind), **_COLUMNS) for kind, frame in kinds])
    if written is not None:
        more = written.with_columns(card_kind=pl.lit(WRITTEN), canonical_card_id=pl.lit(None, pl.Int64))
        every = pl.concat([every, more.select(every.columns)])
    return every.with_columns(text_hash=_hashes(every)).sort(FIRST)


def distinct_texts(every: pl.DataFrame) -> pl.DataFrame:
    """One row per distinct text of `all_cards`, that of its first card, with `card_count`; by text_hash."""
    counts = every.group_by("text_hash").agg(card_count=pl.len().cast(pl.Int64))
    firsts = every.unique("text_hash", keep="first", maintain_order=True)
    return firsts.join(counts, on="text_hash").sort("text_hash")


def text(fields: Sequence[CardField] = ("criteria",)) -> pl.Expr:
    """The fields' text, a line each; criteria are trimmed and sorted, empty ones left out."""
    criteria = pl.col("criteria").list.eval(pl.element().str.strip_chars())
    criteria = criteria.list.eval(pl.element().filter(pl.element() != "")).list.sort()
    lines = (
        criteria.list.join("\n") if field == "criteria" else pl.col(field).str.strip_chars()
        for field in fields
    )
    return pl.concat_str(*lines, separator="\n", ignore_nulls=True)


def _hashes(every: pl.DataFrame) -> pl.Series:
    # Cards that say nothing are not the same for it: each is known by its id instead.
    alone = pl.format("\n{} {}", "card_kind", "card_id")
    said = every.select(said=text()).with_columns(every["card_kind"], every["card_id"])
    texts = said.select(pl.when(pl.col("said") == "").then(alone).otherwise("said")).to_series()
    return pl.Series("text_hash", [hashlib.sha256(one.encode()).hexdigest() for one in texts], pl.String)
