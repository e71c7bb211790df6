"""What the moral graph must be like."""

import polars as pl

from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.graph.chance import edges_by_chance
from dft_pipeline.graph.moral_graph import edge_id, loops, misses_judgments, unknown_ends
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.table_gates import examples
from dft_pipeline.tables import PAIR_KEY

LARGEST_DROP = 0.2  # of the edges, from one snapshot to the next
ROUNDING = 1e-9

MIRRORED = Gate(
    "tallies_mirror",
    "pair_tallies",
    "a pair and its reverse count the same judgments",
    high=0,
    unit="pairs",
    mend=DEFECT,
)
ACYCLIC = Gate(
    "acyclic",
    "wisdom_edges",
    "no loop is left in any scope, where the policy unwinds loops",
    high=0,
    unit="scopes",
    mend=DEFECT,
)
STEADY = Gate(
    "edges_steady",
    "wisdom_edges",
    "no more than a fifth of the edges is gone since the last snapshot",
    high=LARGEST_DROP,
    unit="of the edges gone",
    mend="look which judgments are missing; if the loss is meant, build with --accept-drop",
)
ADDS_UP = Gate(
    "judgments_add_up",
    "edge_judgments",
    "a pair's judgments add up to its counts",
    high=0,
    unit="pairs",
    mend=DEFECT,
)
EVIDENCE = Gate(
    "every_edge_has_evidence",
    "edge_evidence",
    "the edges and the rows of evidence are the same pairs in the same scopes",
    high=0,
    unit="pairs",
    mend=DEFECT,
)
KNOWN_ENDS = Gate(
    "ends_are_known_values",
    "graph_values",
    "every end of an edge is a value of this snapshot",
    high=0,
    unit="ends",
    mend=DEFECT,
)
PAGERANK = Gate(
    "pagerank_sums_to_1",
    "graph_values",
    "the pageranks of a scope sum to 1",
    high=0,
    unit="scopes",
    mend=DEFECT,
)

CONSENSUS_GATES = (MIRRORED, ACYCLIC, STEADY, ADDS_UP)
EVIDENCE_GATES = (EVIDENCE,)
RANKING_GATES = (KNOWN_ENDS, PAGERANK)


def measured_consensus(
    tallies: pl.DataFrame,
    edges: pl.DataFrame,
    behind: pl.DataFrame,
    policy: ConsensusPolicy,
    before: pl.DataFrame | None,
) -> list[Measured]:
    """What the gates see; `behind` is `edge_judgments`, `before` the last comparable snapshot's edges."""
    torn = _torn(tallies)
    left = sorted({component.scope for component in loops(edges)}) if policy.unwind else None
    misses = misses_judgments(tallies, behind)
    return [
        Measured(MIRRORED, len(torn), examples(torn)),
        Measured(ACYCLIC, None if left is None else len(left), examples(left or ())),
        _steady(edges, before),
        Measured(ADDS_UP, len(misses), examples(misses)),
    ]


def measured_evidence(
    tallies: pl.DataFrame, evidence: pl.DataFrame, shuffled: pl.DataFrame
) -> list[Measured]:
    """What the gates see of `edge_evidence` and `shuffled_edges`, and how many edges chance gives."""
    edges = tallies.filter("is_edge").select(*PAIR_KEY, edge_id())
    one, other = (set(rows["edge_id"]) for rows in (edges, evidence))
    torn = sorted(one ^ other)
    by_chance, seen = edges_by_chance(shuffled), ""
    if by_chance is not None:
        found = len(edges.filter(scope=ALL))
        seen = f"the answers give {found} edges, shuffled ones {by_chance:.1f} on average"
    return [Measured(EVIDENCE, len(torn), examples(torn), seen)]


def measured_ranking(edges: pl.DataFrame, values: pl.DataFrame) -> list[Measured]:
    """What the gates see of `wisdom_edges` and `graph_values`."""
    unknown = unknown_ends(edges, values)
    sums = values.group_by("scope").agg(pl.col("pagerank").sum()).sort("scope")
    uneven = sums.filter((pl.col("pagerank") - 1).abs() > ROUNDING)["scope"]
    return [
        Measured(KNOWN_ENDS, len(unknown), examples(unknown)),
        Measured(PAGERANK, len(uneven), examples(uneven)),
    ]


def _torn(tallies: pl.DataFrame) -> list[str]:
    """The pairs whose counts differ from those of their reverse, by edge_id."""
    counts = ("marked_wiser", "marked_less_wise", "judgments_both_ways")
    mirror = tallies.select(
        "scope",
        source_value_id="wiser_value_id",
        wiser_value_id="source_value_id",
        marked_wiser="marked_less_wise",
        marked_less_wise="marked_wiser",
        judgments_both_ways="judgments_both_ways",
    )
    torn = tallies.join(mirror, on=[*PAIR_KEY, *counts], how="anti")
    return torn.select(edge_id()).to_series().sort().to_list()


def _steady(edges: pl.DataFrame, before: pl.DataFrame | None) -> Measured:
    if before is None:
        return Measured(STEADY, None, seen="no earlier snapshot to compare with")
    now, then = (len(frame.filter(pl.col("scope") == ALL)) for frame in (edges, before))
    if then == 0:
        return Measured(STEADY, None, seen=f"{now} edges, none before")
    return Measured(STEADY, max(0.0, 1 - now / then), seen=f"{then} edges before, {now} now")
