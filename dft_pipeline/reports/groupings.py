"""The groupings of participants' cards that there are of a day: the snapshot's, the app's, and a baseline.

What belongs here: which groupings there are, by name. How two of them agree stands in `grouping_agreement`.
"""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.policies import SnapshotSettings
from dft_pipeline.values import canonical
from dft_pipeline.values.card_texts import CARD
from dft_pipeline.values.deduplication import offline
from dft_pipeline.values.embeddings import looked_up
from dft_pipeline.values.evaluation import WHO
from dft_pipeline.values.strategies import is_embedded, strategy

LATEST = ("updatedAt", "createdAt", "deduplicatedCardId")

Groupings = Mapping[str, pl.DataFrame]


def groupings(
    every: pl.DataFrame, snapshot: pl.DataFrame, offline: pl.DataFrame | None, background: pl.DataFrame
) -> Groupings:
    """Each grouping of the participants' cards among `card_texts.all_cards` by name: WHO, value_id.

    In the order in which a later one is the reference of an earlier one. `snapshot` and `offline` are tables
    `card_values`, `background` has the app's `deduplication` rows. One that has no card is left out.
    """
    same_text = every.with_columns(value_id=pl.col("text_hash").rank("dense"))
    found = {
        "exact": same_text,
        **({} if offline is None else {"offline": offline}),
        "snapshot": snapshot,
        **_generations(background),
        canonical.GIVEN: canonical.card_values(every),
    }
    there = every.filter(pl.col("card_kind") == CARD)
    theirs = {
        name: rows.select(*WHO, "value_id").join(there, on=WHO, how="semi") for name, rows in found.items()
    }
    return {name: rows for name, rows in theirs.items() if len(rows)}


def offline_beside(
    settings: SnapshotSettings, every: pl.DataFrame, embeddings: pl.DataFrame
) -> pl.DataFrame | None:
    """What `offline` makes of the cards, as table `card_values`, beside a snapshot that is made otherwise.

    None where the snapshot is that already, or where the cards have no vectors.
    """
    if strategy(settings, every) == "offline" or not is_embedded(settings, every):
        return None
    return offline(every, looked_up(embeddings), settings.deduplication).card_values


def _generations(background: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """A card that stands twice in a generation is where it was put last."""
    last = background.sort(LATEST).unique(["valuesCardId", "generation"], keep="last", maintain_order=True)
    cards = last.select(
        "generation", card_kind=pl.lit(CARD), card_id="valuesCardId", value_id="deduplicatedCardId"
    )
    return {
        f"generation:{number}": cards.filter(generation=number)
        for number in cards["generation"].unique().sort()
    }
