"""Stage values: which value each card became, and the one voice of each participant."""

from datetime import date

import dagster as dg
import polars as pl

from assets.metadata import Results, check, checked, finished, key_check, table_spec
from assets.raw import raw_key
from dft_pipeline.values import canonical, one_voice, reading
from resources.build import Workplace
from resources.extraction import SET_ASIDE

TOTALS = "totals_add_up"
CARDS = (raw_key("valuesCard"), raw_key("canonicalValuesCard"))
VOTED = (raw_key("vote"), raw_key("impression"))


@dg.multi_asset(
    name="cards_to_values",
    specs=[
        table_spec("card_values", "1", CARDS),
        table_spec("canonical_values", "1", (raw_key("canonicalValuesCard"), "card_values")),
    ],
    check_specs=[key_check("card_values"), key_check("canonical_values")],
)
def cards_to_values(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a card (`card_values`), or a value that cards became (`canonical_values`)."""
    day = date.fromisoformat(context.partition_key)
    canonical_cards = workplace.raw("canonicalValuesCard", day)
    card_values = canonical.card_values(workplace.raw("valuesCard", day), canonical_cards)
    canonical_values = canonical.canonical_values(canonical_cards, card_values)
    yield finished(workplace, day, "card_values", card_values)
    yield finished(workplace, day, "canonical_values", canonical_values)


@dg.multi_asset(
    name="participants_to_voices",
    specs=[
        table_spec("judgments", "1", (raw_key("edge"), raw_key("contextsOnCases"), "card_values")),
        table_spec("votes", "1", (*VOTED, "card_values")),
        table_spec("articulations", "1", (raw_key("chat"), raw_key("valuesCard"), "card_values")),
        table_spec(
            "quarantine",
            "1",
            (raw_key(SET_ASIDE), raw_key("edge"), raw_key("valuesCard"), *VOTED, "card_values"),
        ),
    ],
    check_specs=[
        *(key_check(name) for name in ("judgments", "votes", "articulations", "quarantine")),
        check(
            "quarantine",
            TOTALS,
            "rows read = rows used + rows set aside, of judgments, votes, impressions and cards",
        ),
    ],
)
def participants_to_voices(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is what counts of a participant, or a row that was set aside (`quarantine`)."""
    day = date.fromisoformat(context.partition_key)
    raw = {name: workplace.raw(name, day) for name in ("edge", "vote", "impression", "valuesCard", "chat")}
    card_values = workplace.table("card_values", day)
    links = reading.links(workplace.raw("contextsOnCases", day))
    voices = one_voice.voices(raw, card_values, links)
    quarantine = pl.concat([workplace.raw(SET_ASIDE, day), voices.set_aside])
    found = one_voice.unaccounted(raw, voices, card_values)
    totals = checked(
        "quarantine", TOTALS, not found, "; ".join(found) or "every row read is used or set aside"
    )
    yield finished(workplace, day, "judgments", voices.judgments)
    yield finished(workplace, day, "votes", voices.votes)
    yield finished(workplace, day, "articulations", voices.articulations)
    yield finished(workplace, day, "quarantine", quarantine, totals)
