"""Stage reports: what people did and how well cards were grouped; nothing is decided by them."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.reports.exposure import exposure
from dft_pipeline.reports.grouping_agreement import dedup_agreement, dedup_verdicts
from dft_pipeline.reports.groupings import groupings, offline_beside
from dft_pipeline.reports.participants import Doings, participant_behaviour
from dft_pipeline.values import one_voice
from resources.build import BuildSettings, Workplace

BEHAVIOUR = "participant_behaviour"
VERDICTS = "deduplicationVerification"
GROUPED = (
    raw_key("valuesCard"),
    raw_key("canonicalValuesCard"),
    raw_key("deduplication"),
    raw_key("chat"),
    "articulated_cards",
    "card_embeddings",
    "set_aside",
    "card_values",
)


@dg.multi_asset(
    name="behaviour_reports",
    specs=[
        table_spec(BEHAVIOUR, "1", (raw_key("user"), raw_key("chat"), "articulations", "votes", "judgments")),
        table_spec("exposure", "1", ("canonical_values", "votes", "judgments")),
    ],
    check_specs=check_specs((BEHAVIOUR, "exposure"), ()),
)
def reports(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a participant, or a value in a case (`exposure`)."""
    day = date.fromisoformat(context.partition_key)
    raw = {name: workplace.admitted(name, day) for name in ("user", "chat")}
    articulations, votes, judgments = (
        workplace.table(name, day) for name in ("articulations", "votes", "judgments")
    )
    doings = Doings(raw["chat"], articulations, votes, judgments)
    made = {
        BEHAVIOUR: participant_behaviour(raw["user"].select("participant_id"), doings),
        "exposure": exposure(workplace.table("canonical_values", day), votes, judgments),
    }
    yield from finished(workplace, "reports", day, made)


@dg.multi_asset(
    name="evaluation",
    specs=[
        table_spec("dedup_agreement", "1", GROUPED),
        table_spec("dedup_verdicts", "1", (*GROUPED, raw_key(VERDICTS))),
    ],
    check_specs=check_specs(("dedup_agreement", "dedup_verdicts"), ()),
)
def evaluation(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is two groupings of cards, or one beside participants' verdicts (`dedup_verdicts`)."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    every = workplace.cards(day)
    background, verifications = (workplace.admitted(name, day) for name in ("deduplication", VERDICTS))
    offline = offline_beside(settings, every, workplace.table("card_embeddings", day))
    found = groupings(every, workplace.table("card_values", day), offline, background)
    tables = {
        "dedup_agreement": dedup_agreement(every, found),
        "dedup_verdicts": dedup_verdicts(one_voice.verdicts(verifications).kept, found),
    }
    yield from finished(workplace, "reports_evaluation", day, tables)
