"""The tables that come out of a grouping of cards: who is with whom, under which id, and what decided it."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import IS_PARTICIPANTS
from dft_pipeline.values.clusters import Stars
from dft_pipeline.values.judging import SAME
from dft_pipeline.values.neighbours import Pairs
from dft_pipeline.values.value_ids import with_value_ids

EXACT = "exact-1"  # the judge of cards with the same text
SAID = pl.Schema(dict.fromkeys(("verdict", "judge", "motivation", "prompt_version"), pl.String()))
_ONE, _OTHER = ("card_kind", "card_id"), ("other_card_kind", "other_card_id")


class Grouped(NamedTuple):
    """The tables of these names, and how many of a judge's answers were set aside, by reason."""

    card_values: pl.DataFrame
    canonical_values: pl.DataFrame
    merge_decisions: pl.DataFrame
    set_aside: Mapping[str, int]


def decisions(pairs: Pairs, **said: pl.Series | pl.Expr) -> pl.DataFrame:
    """What was said about pairs of texts, by their rows; what is not said is null."""
    nothing = {name: pl.lit(None) for name in SAID}
    return pl.DataFrame(pairs._asdict()).with_columns(**nothing | said).cast(SAID)


def tables(
    every: pl.DataFrame, texts: pl.DataFrame, found: Stars, decided: pl.DataFrame, decider: str
) -> Grouped:
    """The tables of a grouping of `texts`, the distinct ones of the cards in `every`.

    `decided` has the `decisions` about their rows; `decider` is who lets a text stand for itself.
    """
    rows = texts.select("text_hash", first=pl.int_range(pl.len()))
    because = decided.select("first", "second", decided_by="judge", motivation="motivation")
    both_ways = pl.concat(
        [because, because.rename({"first": "second", "second": "first"}).select(because.columns)]
    )
    theirs = (
        rows.with_columns(second=pl.Series(found.representative), similarity=pl.Series(found.similarity))
        .join(
            both_ways.unique(["first", "second"], keep="first", maintain_order=True),
            on=["first", "second"],
            how="left",
        )
        .join(rows.select(second="first", group="text_hash"), on="second")
        .with_columns(pl.col("decided_by").fill_null(decider))
    )
    members = with_value_ids(every.join(theirs, on="text_hash", maintain_order="left"))
    return Grouped(
        TABLES["card_values"].conform(members),
        _canonical_values(members),
        _merge_decisions(every, texts, decided),
        {},
    )


def _canonical_values(members: pl.DataFrame) -> pl.DataFrame:
    """A value has the text of its representative: the first card with the text that its group goes by."""
    counts = members.group_by("group").agg(card_count=IS_PARTICIPANTS.sum())
    named = members.filter(pl.col("text_hash") == pl.col("group")).unique(
        "group", keep="first", maintain_order=True
    )
    values = named.rename({"card_id": "representative_card_id", "card_kind": "representative_card_kind"})
    return TABLES["canonical_values"].conform(values.join(counts, on="group"))


def _merge_decisions(every: pl.DataFrame, texts: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    firsts = texts.select(*_ONE, "text_hash", row=pl.int_range(pl.len()))
    others = firsts.select("row", **dict(zip(_OTHER, _ONE, strict=True)))
    compared = (
        decided.join(firsts, left_on="first", right_on="row")
        .join(others, left_on="second", right_on="row")
        .with_columns(*_in_order())
    )
    copies = (
        every.select("text_hash", **dict(zip(_OTHER, _ONE, strict=True)))
        .join(firsts, on="text_hash")
        .filter(~pl.all_horizontal(pl.col(a) == pl.col(b) for a, b in zip(_ONE, _OTHER, strict=True)))
        .with_columns(similarity=pl.lit(1.0), judge=pl.lit(EXACT), verdict=pl.lit(SAME))
    )
    table = TABLES["merge_decisions"]
    both = pl.concat([compared, copies], how="diagonal").unique(
        [*_ONE, *_OTHER], keep="first", maintain_order=True
    )
    return table.conform(both)


def _in_order() -> list[pl.Expr]:
    """Of two cards the first by kind and id, then the other."""
    kind, number, other_kind, other_number = map(pl.col, (*_ONE, *_OTHER))
    swapped = (kind > other_kind) | ((kind == other_kind) & (number > other_number))
    here = [pl.when(swapped).then(b).otherwise(a).alias(a) for a, b in zip(_ONE, _OTHER, strict=True)]
    return here + [pl.when(swapped).then(a).otherwise(b).alias(b) for a, b in zip(_ONE, _OTHER, strict=True)]
