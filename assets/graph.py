"""Stage graph: judged pairs, edges and what was rejected or contested, values with their rank."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check, checked, finished, key_check, table_spec
from assets.raw import raw_key
from dft_pipeline.graph import moral_graph
from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.values import reading
from resources.build import BuildSettings, Workplace

ACYCLIC = "acyclic"
ADDS_UP = "judgments_add_up"
KNOWN_ENDS = "ends_are_known_values"
LINKS = raw_key("contextsOnCases")


@dg.multi_asset(
    name="consensus",
    specs=[
        table_spec("pair_tallies", "1", ("judgments", LINKS)),
        table_spec("wisdom_edges", "1", ("pair_tallies",)),
        table_spec("rejected_pairs", "1", ("pair_tallies",)),
        table_spec("contested", "1", ("pair_tallies", "judgments", LINKS, raw_key("demographic"))),
        table_spec("edge_judgments", "1", ("pair_tallies", "judgments", LINKS)),
    ],
    check_specs=[
        *map(key_check, ("pair_tallies", "wisdom_edges", "rejected_pairs", "contested", "edge_judgments")),
        check("wisdom_edges", ACYCLIC, "no loop is left in any scope, where the policy unwinds loops"),
        check("edge_judgments", ADDS_UP, "a pair's judgments add up to its counts"),
    ],
)
def consensus(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is an ordered pair of values in a scope, a component of them, or a judgment behind one."""
    day, policy = date.fromisoformat(context.partition_key), build_settings.snapshot.policy
    judgments = workplace.table("judgments", day)
    links = reading.links(workplace.raw("contextsOnCases", day))
    groups = reading.groups(workplace.raw("demographic", day))
    tallies = moral_graph.pair_tallies(judgments, links, policy)
    edges = moral_graph.wisdom_edges(tallies, policy)
    behind = moral_graph.edge_judgments(judgments, links, tallies)
    disputes = contested(tallies, judgments, links, groups)
    loops = sorted({component.scope for component in moral_graph.loops(edges)})
    misses = moral_graph.misses_judgments(tallies, behind)
    acyclic = checked(
        "wisdom_edges", ACYCLIC, not (policy.unwind and loops), f"scopes with loops: {loops or 'none'}"
    )
    adds_up = checked("edge_judgments", ADDS_UP, not misses, f"pairs that do not: {misses or 'none'}")
    yield finished(workplace, day, "pair_tallies", tallies)
    yield finished(workplace, day, "wisdom_edges", edges, acyclic)
    yield finished(workplace, day, "rejected_pairs", moral_graph.rejected_pairs(tallies))
    yield finished(workplace, day, "contested", disputes)
    yield finished(workplace, day, "edge_judgments", behind, adds_up)


@dg.multi_asset(
    name="ranking",
    specs=[table_spec("graph_values", "1", ("wisdom_edges", "canonical_values", "votes", LINKS))],
    check_specs=[
        key_check("graph_values"),
        check("graph_values", KNOWN_ENDS, "every end of an edge is a value of this snapshot"),
    ],
)
def ranking(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a value that is an end of an edge, in a scope."""
    day = date.fromisoformat(context.partition_key)
    edges = workplace.table("wisdom_edges", day)
    links = reading.links(workplace.raw("contextsOnCases", day))
    canonical_values, votes = workplace.table("canonical_values", day), workplace.table("votes", day)
    values = graph_values(edges, canonical_values, votes, links)
    unknown = moral_graph.unknown_ends(edges, values)
    known = checked("graph_values", KNOWN_ENDS, not unknown, f"unknown ends: {unknown or 'none'}")
    yield finished(workplace, day, "graph_values", values, known)
