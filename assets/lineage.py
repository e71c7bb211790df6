"""Stage lineage: who supports each value, where each card went, and what each training row rests on."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.graph.disputes import erased_votes
from dft_pipeline.lineage.card_lineage import card_lineage
from dft_pipeline.lineage.gates import LINEAGE_GATES, measured_lineage
from dft_pipeline.lineage.row_lineage import row_lineage
from dft_pipeline.lineage.value_support import value_support
from dft_pipeline.values import reading
from resources.build import BuildSettings, Workplace

VOICES = ("votes", "articulations", "judgments")
CARDS = ("card_values", "canonical_values", "merge_decisions", "articulated_cards")


@dg.multi_asset(
    name="lineage",
    specs=[
        table_spec("value_support", "1", (*VOICES, "contested", raw_key("contextsOnCases"))),
        table_spec("card_lineage", "1", (*CARDS, raw_key("valuesCard"), raw_key("chat"))),
        table_spec("row_lineage", "1", ("reward_rows", "judgments", "value_support")),
    ],
    check_specs=check_specs(("value_support", "card_lineage", "row_lineage"), LINEAGE_GATES),
)
def lineage(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a reason to support a value, a card and what it became, or a training row's question."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    links = reading.links(workplace.admitted("contextsOnCases", day))
    voices = {name: workplace.table(name, day) for name in VOICES}
    contested, reward = workplace.table("contested", day), workplace.table("reward_rows", day)
    erased = erased_votes(contested, voices["judgments"], links, settings.policy)
    support = value_support(**voices, erased=erased, links=links, settings=settings.aggregation)
    rows = row_lineage(reward, voices["judgments"], support)
    cards = card_lineage(
        **{name: workplace.table(name, day) for name in CARDS},
        cards=workplace.admitted("valuesCard", day),
        chats=workplace.admitted("chat", day),
    )
    made = {"value_support": support, "card_lineage": cards, "row_lineage": rows}
    yield from finished(workplace, "lineage", day, made, measured_lineage(reward, rows, settings.aggregation))
