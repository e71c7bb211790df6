"""Γ: which values are wise for a case, or for a case and one of its contexts.

Support and exposure are participants × values matrices. Carrying them along an edge is one sparse
product; what a participant judged otherwise is taken out of it again, pair by pair.
"""

from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from dft_pipeline.graph.unwinding import components
from dft_pipeline.policies import Aggregation

CHOSEN = pl.Schema({"value_id": pl.Int64, "support": pl.Int64, "share": pl.Float64, "reach": pl.Float64})


class CyclicGraph(ValueError):
    """Support cannot be carried along a graph with a loop; names the loop's values."""


class Question(NamedTuple):
    """What Γ is asked of: the votes, showings and cards of a case, and the judgments and graph of a scope.

    Columns are those of the tables `votes`, `articulations`, `judgments`, `wisdom_edges` and
    `graph_values`. `in_context`: the graph is a context's, where only values with an incoming edge stand.
    """

    votes: pl.DataFrame
    articulations: pl.DataFrame
    judgments: pl.DataFrame
    edges: pl.DataFrame
    nodes: pl.DataFrame
    in_context: bool


class Standing(NamedTuple):
    """How values stand at h hops: `values` (ids, sorted), and per value supporters and exposed people."""

    values: NDArray[np.int64]
    support: NDArray[np.int64]
    exposed: NDArray[np.int64]
    active: int


def gamma(asked: Question, settings: Aggregation) -> pl.DataFrame:
    """The chosen values in their order: value_id, support, share (0 to 1), reach (0 to 1).

    Raises CyclicGraph where support is to be carried along a graph that has a loop.
    """
    candidates = _candidates(_stands(standing(asked, settings)), asked, settings)
    edges = asked.edges.select("source_value_id", "wiser_value_id")
    ends = candidates.select("value_id")
    outdone = edges.join(ends, left_on="source_value_id", right_on="value_id", how="semi").join(
        ends, left_on="wiser_value_id", right_on="value_id", how="semi"
    )
    wise = candidates.join(outdone, left_on="value_id", right_on="source_value_id", how="anti")
    ranked = wise.join(asked.nodes.select("value_id", "pagerank"), on="value_id", how="left")
    ranked = ranked.with_columns(pl.col("pagerank").fill_null(0.0))
    best = ranked.sort("support", "pagerank", "value_id", descending=[True, True, False])
    return best.head(settings.top_k).select(CHOSEN.names())


def standing(asked: Question, settings: Aggregation) -> Standing:
    """Distinct supporters and exposed participants of every value, at the settings' h."""
    if settings.h != 0:
        refuse_loops(asked.edges)
    supports, exposures = _evidence(asked, settings)
    people = _distinct(
        exposures["participant_id"],
        asked.votes["participant_id"],
        asked.judgments["participant_id"],
        asked.articulations["participant_id"],
    )
    values = _distinct(exposures["value_id"], asked.edges["source_value_id"], asked.edges["wiser_value_id"])
    carry = _Carrying(asked, people, values)
    support = carry.along(_matrix(supports, people, values), settings.h)
    exposed = carry.along(_matrix(exposures, people, values), settings.h)
    return Standing(values, _people(support), _people(exposed), len(people))


def refuse_loops(edges: pl.DataFrame) -> None:
    """Raises CyclicGraph, naming the values of a loop, where the edges have one."""
    nodes = _distinct(edges["source_value_id"], edges["wiser_value_id"])
    sources = np.searchsorted(nodes, edges["source_value_id"])
    targets = np.searchsorted(nodes, edges["wiser_value_id"])
    labels = components(sources, targets, len(nodes))
    if len(np.unique(labels)) < len(nodes):
        graph: nx.DiGraph[int] = nx.DiGraph(
            edges.select("source_value_id", "wiser_value_id").sort(pl.all()).rows()
        )
        loop = [source for source, _ in nx.find_cycle(graph)]
        raise CyclicGraph(
            f"support cannot be carried along a graph with a loop: {' → '.join(map(str, [*loop, loop[0]]))}; "
            "ask for h 0, or for a policy that unwinds loops"
        )


def _evidence(asked: Question, settings: Aggregation) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who supports a value and who is exposed to it, at h = 0: participant_id, value_id; rows may repeat."""
    pair = ("participant_id", "value_id")
    judged = asked.judgments.select("participant_id", "relationship", value_id="wiser_value_id")
    sources = (
        (settings.articulated, asked.articulations.select(pair)),
        (settings.voted, asked.votes.filter("is_vote").select(pair)),
        (settings.judged_wiser, judged.filter(pl.col("relationship") == "upgrade").select(pair)),
    )
    nobody = judged.select(pair).clear()
    supports = pl.concat([nobody, *(rows for used, rows in sources if used)])
    shown = asked.votes.filter(~pl.col("is_vote")).select(pair)
    return supports, pl.concat([supports, shown, judged.select(pair)])


class _Carrying:
    """Carries a participants × values matrix along the edges of the graph."""

    def __init__(self, asked: Question, people: NDArray[Any], values: NDArray[np.int64]) -> None:
        edges = asked.edges.select("source_value_id", "wiser_value_id")
        self.steps = sp.csr_array(
            (
                np.ones(len(edges), dtype=np.int64),
                (
                    np.searchsorted(values, edges["source_value_id"]),
                    np.searchsorted(values, edges["wiser_value_id"]),
                ),
            ),
            shape=(len(values), len(values)),
        )
        refused = asked.judgments.filter(pl.col("relationship") != "upgrade").join(
            edges, on=edges.columns, how="semi"
        )
        self.who = _places(people, refused["participant_id"])
        self.source = np.searchsorted(values, refused["source_value_id"])
        self.wiser = np.searchsorted(values, refused["wiser_value_id"])

    def along(self, held: sp.csr_array, h: int | None) -> sp.csr_array:
        """What is held after at most h edges; after all of them where h is None."""
        hops = 0
        while h is None or hops < h:
            following = self._once(held)
            if following.nnz == held.nnz:
                break
            held, hops = following, hops + 1
        return held

    def _once(self, held: sp.csr_array) -> sp.csr_array:
        """Keeps what is held, and adds what follows along an edge that the participant did not refuse."""
        blocked = np.isin(self.who * held.shape[1] + self.source, _keys(held))
        refused = sp.csr_array((blocked.astype(np.int64), (self.who, self.wiser)), shape=held.shape)
        return _as_ones(held + held @ self.steps - refused)


def _keys(matrix: sp.csr_array) -> NDArray[np.int64]:
    """Where the matrix has an entry: row × width + column."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    keys: NDArray[np.int64] = rows * matrix.shape[1] + matrix.indices
    return keys


def _stands(stand: Standing) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "value_id": stand.values,
            "support": stand.support,
            "exposed": stand.exposed,
            "reach": stand.support / max(stand.active, 1),
        },
        schema={"value_id": pl.Int64, "support": pl.Int64, "exposed": pl.Int64, "reach": pl.Float64},
    ).with_columns(share=pl.when(pl.col("exposed") > 0).then(pl.col("support") / pl.col("exposed")))


def _candidates(stands: pl.DataFrame, asked: Question, settings: Aggregation) -> pl.DataFrame:
    enough = stands.filter(
        pl.col("share") >= settings.min_share, pl.col("support") >= settings.min_participants
    )
    if not asked.in_context:
        return enough
    return enough.join(asked.edges, left_on="value_id", right_on="wiser_value_id", how="semi")


def _matrix(rows: pl.DataFrame, people: NDArray[Any], values: NDArray[np.int64]) -> sp.csr_array:
    """A one wherever a row names a participant and a value; shape (people, values)."""
    places = (_places(people, rows["participant_id"]), np.searchsorted(values, rows["value_id"]))
    ones = np.ones(len(rows), dtype=np.int64)
    return _as_ones(sp.csr_array((ones, places), shape=(len(people), len(values))))


def _as_ones(matrix: sp.csr_array) -> sp.csr_array:
    summed = sp.csr_array(matrix)
    summed.sum_duplicates()
    summed.data = (summed.data > 0).astype(np.int64)
    summed.eliminate_zeros()
    return summed


def _people(matrix: sp.csr_array) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.asarray(matrix.sum(axis=0), dtype=np.int64).ravel()
    return counts


def _distinct(*columns: pl.Series) -> NDArray[Any]:
    return np.unique(np.concatenate([column.to_numpy() for column in columns]))


def _places(names: NDArray[Any], column: pl.Series) -> NDArray[np.int64]:
    return np.searchsorted(names, column.to_numpy())
