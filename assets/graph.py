"""Stage graph: judged pairs, edges and what was rejected or contested, values with their rank."""

from datetime import date

import dagster as dg
import polars as pl

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.graph import gates, moral_graph
from dft_pipeline.graph.chance import edges_by_chance, shuffled_edges
from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.effects import exclusion_effects
from dft_pipeline.graph.evidence import Said, edge_evidence
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.reports.disputes import disputes_report
from dft_pipeline.values import one_voice, reading
from resources.build import BuildSettings, Workplace

LINKS = raw_key("contextsOnCases")


@dg.multi_asset(
    name="consensus",
    specs=[
        table_spec("pair_tallies", "1", ("judgments", LINKS)),
        table_spec("wisdom_edges", "1", ("pair_tallies",)),
        table_spec("rejected_pairs", "1", ("pair_tallies",)),
        table_spec(
            "contested", "3", ("pair_tallies", "judgments", LINKS, raw_key("demographic"), "canonical_values")
        ),
        table_spec("edge_judgments", "1", ("pair_tallies", "judgments", LINKS)),
    ],
    check_specs=check_specs(
        ("pair_tallies", "wisdom_edges", "rejected_pairs", "contested", "edge_judgments"),
        gates.CONSENSUS_GATES,
    ),
)
def consensus(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is an ordered pair of values in a scope, a component of them, or a judgment behind one."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    judgments = workplace.table("judgments", day)
    links = reading.links(workplace.admitted("contextsOnCases", day))
    groups = reading.groups(workplace.admitted("demographic", day))
    tallies = moral_graph.pair_tallies(judgments, links, settings.policy)
    edges = moral_graph.wisdom_edges(tallies, settings.policy)
    behind = moral_graph.edge_judgments(judgments, links, tallies)
    disputed = contested(tallies, judgments, links, groups)
    before = None if build_settings.accept_drop else workplace.before("wisdom_edges", day, settings)
    report = disputes_report(disputed, workplace.table("canonical_values", day))
    yield from finished(
        workplace,
        "graph_consensus",
        day,
        {
            "pair_tallies": tallies,
            "wisdom_edges": edges,
            "rejected_pairs": moral_graph.rejected_pairs(tallies),
            "contested": disputed,
            "edge_judgments": behind,
        },
        gates.measured_consensus(tallies, edges, behind, settings.policy, before),
        {"contested": {"report": dg.MetadataValue.md(report)}},
    )


@dg.multi_asset(
    name="evidence",
    specs=[
        table_spec(
            "edge_evidence",
            "1",
            ("pair_tallies", "judgments", "votes", LINKS, raw_key("chat")),
        ),
        table_spec("shuffled_edges", "1", ("judgments",)),
    ],
    check_specs=check_specs(("edge_evidence", "shuffled_edges"), gates.EVIDENCE_GATES),
)
def evidence(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is an edge in a scope with what speaks for it, or a shuffle of all answers."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    judgments, votes = workplace.table("judgments", day), workplace.table("votes", day)
    chats = workplace.admitted("chat", day).select("participant_id", case_id="caseId")
    tallies = workplace.table("pair_tallies", day)
    said = Said(
        tallies,
        judgments,
        reading.links(workplace.admitted("contextsOnCases", day)),
        pl.concat([chats, votes.select("participant_id", "case_id")]),
    )
    behind = edge_evidence(said, settings.policy, settings.evidence)
    shuffled = shuffled_edges(judgments, settings.policy, settings.evidence)
    yield from finished(
        workplace,
        "graph_evidence",
        day,
        {"edge_evidence": behind, "shuffled_edges": shuffled},
        gates.measured_evidence(tallies, behind, shuffled),
        {"shuffled_edges": {"edges_by_chance": edges_by_chance(shuffled)}},
    )


@dg.multi_asset(
    name="ranking",
    specs=[table_spec("graph_values", "1", ("wisdom_edges", "canonical_values", "votes", LINKS))],
    check_specs=check_specs(("graph_values",), gates.RANKING_GATES),
)
def ranking(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a value that is an end of an edge, in a scope."""
    day = date.fromisoformat(context.partition_key)
    edges = workplace.table("wisdom_edges", day)
    links = reading.links(workplace.admitted("contextsOnCases", day))
    canonical_values, votes = workplace.table("canonical_values", day), workplace.table("votes", day)
    values = graph_values(edges, canonical_values, votes, links)
    measured = gates.measured_ranking(edges, values)
    yield from finished(workplace, "graph_ranking", day, {"graph_values": values}, measured)


@dg.multi_asset(
    name="exclusions",
    specs=[
        table_spec(
            "exclusion_effects", "1", ("wisdom_edges", "set_aside", "card_values", LINKS, raw_key("edge"))
        )
    ],
    check_specs=check_specs(("exclusion_effects",), ()),
)
def exclusions(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is an edge gained or lost because a rule left somebody's judgments out."""
    day = date.fromisoformat(context.partition_key)
    links = reading.links(workplace.admitted("contextsOnCases", day))
    otherwise = one_voice.judgments_without_rule(
        workplace.raw("edge", day),
        workplace.table("set_aside", day),
        workplace.table("card_values", day),
        links,
    )
    edges = workplace.table("wisdom_edges", day)
    effects = exclusion_effects(edges, otherwise, links, build_settings.snapshot.policy)
    yield from finished(workplace, "graph_exclusions", day, {"exclusion_effects": effects})
