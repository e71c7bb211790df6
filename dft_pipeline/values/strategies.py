"""Which cards are one value: by the app's own assignment, by what the cards say, or by a judge of that."""

from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from dft_pipeline.policies import Deduplication, SnapshotSettings, Strategy
from dft_pipeline.tables import TABLES
from dft_pipeline.values import canonical
from dft_pipeline.values.deduplication import Grouped, offline
from dft_pipeline.values.events import value_events
from dft_pipeline.values.judging import Judge
from dft_pipeline.values.reading import before
from dft_pipeline.values.similarity import Embed


class Means(NamedTuple):
    """What a strategy may need: an embedder and when its cosines agree; and a judge, where there is one."""

    embed: Embed
    settings: Deduplication
    judge: Judge | None = None


def strategy(settings: SnapshotSettings, cards: pl.DataFrame) -> Strategy:
    """The strategy that the settings mean for these `valuesCard` rows.

    `given` where it is asked for, or where it is to go first and the app has assigned any card.
    """
    is_assigned = cards["canonicalCardId"].is_not_null().any()
    return "given" if settings.given_first and is_assigned else settings.dedup


def grouped(chosen: Strategy, cards: pl.DataFrame, canonical_cards: pl.DataFrame, means: Means) -> Grouped:
    """The values of the app's `valuesCard` and `canonicalValuesCard` rows, and how each was decided."""
    match chosen:
        case "given":
            card_values = canonical.card_values(cards, canonical_cards)
            values = canonical.canonical_values(canonical_cards, card_values)
            return Grouped(card_values, values, TABLES["merge_decisions"].schema.to_frame(), {})
        case "offline":
            return offline(cards, canonical_cards, means.embed, means.settings)
        case "model":
            return offline(cards, canonical_cards, means.embed, means.settings, means.judge)


def overnight(
    chosen: Strategy, cards: pl.DataFrame, canonical_cards: pl.DataFrame, day: date, means: Means
) -> pl.DataFrame:
    """Table `value_events` of a day, from the data alone, whichever days were built before.

    Canonical cards are taken as they are, later ones too; only what was there by the day's end is compared.
    """
    then, now = (
        grouped(chosen, before(cards, moment), before(canonical_cards, moment), means).card_values
        for moment in (day, day + timedelta(days=1))
    )
    return value_events(then, now)
