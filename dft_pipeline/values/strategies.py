"""Which cards are one value: by the app's own assignment, by what the cards say, or by a judge of that."""

from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from dft_pipeline.policies import OFFLINE_WORDLLAMA, Deduplication, SnapshotSettings, Strategy
from dft_pipeline.tables import TABLES
from dft_pipeline.values import canonical
from dft_pipeline.values.card_texts import CARD
from dft_pipeline.values.deduplication import by_model, offline
from dft_pipeline.values.events import value_events
from dft_pipeline.values.grouping import Grouped
from dft_pipeline.values.judging import Asks
from dft_pipeline.values.reading import before
from dft_pipeline.values.similarity import Embed


class Means(NamedTuple):
    """What a strategy may need: vectors, when their cosines agree, and a model, where there is one."""

    embed: Embed
    settings: Deduplication
    asks: Asks | None = None


def strategy(settings: SnapshotSettings, every: pl.DataFrame) -> Strategy:
    """The strategy that the settings mean for the cards of `card_texts.all_cards`.

    `given` where it is asked for, or where it is to go first and the app has assigned any card.
    """
    is_assigned = every.filter(pl.col("card_kind") == CARD)["canonical_card_id"].is_not_null().any()
    return "given" if settings.given_first and is_assigned else settings.dedup


def is_embedded(settings: SnapshotSettings, every: pl.DataFrame) -> bool:
    """Whether the cards are embedded: where the strategy compares them, or no server has to be asked."""
    is_offline = settings.deduplication.embed_model == OFFLINE_WORDLLAMA.embed_model
    return is_offline or strategy(settings, every) != "given"


def grouped(chosen: Strategy, every: pl.DataFrame, means: Means) -> Grouped:
    """The values of the cards of `card_texts.all_cards`, and how each was decided."""
    match chosen:
        case "given":
            card_values = canonical.card_values(every)
            values = canonical.canonical_values(every, card_values)
            return Grouped(card_values, values, TABLES["merge_decisions"].schema.to_frame(), {})
        case "offline":
            return offline(every, means.embed, means.settings)
        case "model":
            if means.asks is None:
                raise ValueError("the deduplication `model` needs a language model")
            return by_model(every, means.embed, means.settings, means.asks)


def overnight(
    chosen: Strategy, every: pl.DataFrame, card_values: pl.DataFrame, day: date, means: Means
) -> pl.DataFrame:
    """Table `value_events` of a day, from the data alone, whichever days were built before.

    `card_values` is what the cards in `every` became. Canonical cards are taken as they are, later ones too;
    only what was there by the day's end is compared.
    """
    evening, there = (before(every, moment, "created_at") for moment in (day, day + timedelta(days=1)))
    now = card_values if len(there) == len(every) else grouped(chosen, there, means).card_values
    return value_events(grouped(chosen, evening, means).card_values, now)
