"""Stage values: which value each card became, and the one voice of each participant."""

from datetime import date

import dagster as dg
import polars as pl

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES
from dft_pipeline.values import gates, one_voice, raw_gates, reading
from dft_pipeline.values.admission import set_aside
from dft_pipeline.values.articulation import articulated_cards
from dft_pipeline.values.embeddings import card_embeddings, texts_of
from dft_pipeline.values.row_counts import row_counts, unaccounted
from dft_pipeline.values.strategies import grouped, is_embedded, overnight, strategy
from dft_pipeline.values.writing import with_written, written_cards
from resources.build import BuildSettings, Workplace
from resources.extraction import SET_ASIDE
from resources.language_model import POOL

CARDS = (raw_key("valuesCard"), raw_key("canonicalValuesCard"))
COMPARED = "deduplicationVerification"
HEARD = ("edge", "vote", "impression", "valuesCard", "chat", COMPARED)
ARTICULATED = (raw_key("chat"), "articulated_cards")
VOTED = (raw_key("vote"), raw_key("impression"))


@dg.multi_asset(
    name="admission",
    specs=[table_spec("set_aside", "1", tuple(map(raw_key, SOURCE_TABLES)))],
    check_specs=check_specs(("set_aside",), raw_gates.RAW_GATES),
)
def admission(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a raw row that takes no part."""
    day, people = date.fromisoformat(context.partition_key), build_settings.snapshot.participants
    raw = {name: workplace.raw(name, day, table.checked) for name, table in SOURCE_TABLES.items()}
    aside = set_aside(raw, people)
    workplace.forget_verdicts(day)
    measured = raw_gates.measured_raw(raw, aside, day)
    yield from finished(workplace, "raw", day, {"set_aside": aside}, measured)


@dg.multi_asset(
    name="articulation",
    specs=[table_spec("articulated_cards", "2", (raw_key("chat"), raw_key("valuesCard"), "set_aside"))],
    check_specs=check_specs(("articulated_cards",), (gates.READABLE,)),
    pool=POOL,
)
def articulation(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a chat, and the card that its transcript showed last, or that was written, if any."""
    day = date.fromisoformat(context.partition_key)
    chats, cards = (workplace.admitted(name, day) for name in ("chat", "valuesCard"))
    every = workplace.raw("valuesCard", day)
    with workplace.writer(context.run.run_id, context.log.warning) as write:
        articulated = with_written(articulated_cards(chats, cards), chats, every, write)
    measured = gates.measured_articulation(articulated)
    tables = {"articulated_cards": articulated}
    yield from finished(workplace, "values_articulation", day, tables, [measured])


@dg.multi_asset(
    name="embedding",
    specs=[table_spec("card_embeddings", "1", ("set_aside", *CARDS, *ARTICULATED))],
    check_specs=check_specs(("card_embeddings",), ()),
    pool=POOL,
)
def embedding(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a distinct text of cards as a vector; none where a server would be asked for nothing."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    every = workplace.cards(day)
    table = TABLES["card_embeddings"].schema.to_frame()
    if is_embedded(settings, every):
        texts = texts_of(every, settings.deduplication)
        with workplace.embedder(settings.deduplication.embed_model, context.run.run_id) as embedder:
            table = card_embeddings(texts, embedder.embed(texts), embedder.name)
    yield from finished(workplace, "values_embedding", day, {"card_embeddings": table})


@dg.multi_asset(
    name="cards_to_values",
    specs=[
        table_spec("card_values", "2", ("card_embeddings", "set_aside", *CARDS, *ARTICULATED)),
        table_spec("canonical_values", "2", (*CARDS, *ARTICULATED, "card_values")),
        table_spec("merge_decisions", "2", ("card_embeddings", "set_aside", *CARDS, *ARTICULATED)),
        table_spec("value_events", "1", ("card_values",)),
    ],
    check_specs=check_specs(
        ("card_values", "canonical_values", "merge_decisions", "value_events"),
        (*gates.VALUE_GATES, gates.TRUSTED),
    ),
    pool=POOL,
)
def cards_to_values(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a card, a value that cards became, or what became of a value since the day before."""
    day = date.fromisoformat(context.partition_key)
    settings = build_settings.snapshot
    every = workplace.cards(day)
    embeddings = workplace.table("card_embeddings", day)
    how = strategy(settings, every)
    with workplace.means(settings, every, embeddings, context.run.run_id, context.log.warning) as means:
        values = grouped(how, every, means)
        events = overnight(how, every, values.card_values, day, means)
    before = workplace.before("canonical_values", day, settings)
    measured = [
        *gates.measured_values(every, values.card_values, values.canonical_values, before),
        gates.measured_answers(values.set_aside),
    ]
    tables = {
        "card_values": values.card_values,
        "canonical_values": values.canonical_values,
        "merge_decisions": values.merge_decisions,
        "value_events": events,
    }
    yield from finished(workplace, "values_cards", day, tables, measured)


@dg.multi_asset(
    name="participants_to_voices",
    specs=[
        table_spec("judgments", "1", (raw_key("edge"), raw_key("contextsOnCases"), "card_values")),
        table_spec("votes", "1", (*VOTED, "card_values")),
        table_spec("articulations", "2", (raw_key("valuesCard"), *ARTICULATED, "card_values")),
        table_spec(
            "quarantine",
            "1",
            (raw_key(SET_ASIDE), "set_aside", "card_values", *map(raw_key, HEARD)),
        ),
        table_spec("row_counts", "1", ("quarantine",)),
    ],
    check_specs=check_specs(
        ("judgments", "votes", "articulations", "quarantine", "row_counts"), (gates.TOTALS,)
    ),
)
def participants_to_voices(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is what counts of a participant, or a row that was set aside (`quarantine`)."""
    day = date.fromisoformat(context.partition_key)
    card_values = workplace.table("card_values", day)
    links = reading.links(workplace.admitted("contextsOnCases", day))
    heard = {name: workplace.admitted(name, day) for name in HEARD}
    written = written_cards(workplace.table("articulated_cards", day), heard["chat"])
    voices = one_voice.voices(heard, card_values, links, written)
    read = {name: sum(file.rows for file in workplace.raw_files(name, day)) for name in SOURCE_TABLES}
    aside = [workplace.raw(SET_ASIDE, day), workplace.table("set_aside", day), voices.set_aside]
    quarantine = pl.concat(aside)
    counts = row_counts(read, quarantine)
    totals = gates.measured_totals(unaccounted(counts, voices, card_values))
    tables = {
        "judgments": voices.judgments,
        "votes": voices.votes,
        "articulations": voices.articulations,
        "quarantine": quarantine,
        "row_counts": counts,
    }
    yield from finished(workplace, "values_voices", day, tables, [totals])
