"""Γ: which values are wise for a case, or for a case and one of its contexts.

What belongs here: who supports and is exposed to what, and what is chosen of it. How both are carried along
the edges stands in `hops`.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.dataset.hops import Bits, Places, Steps, counted, packed
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


class Held(NamedTuple):
    """Who supports and who is exposed to each value at h hops: a row of bits for each of `values` (sorted).

    `people` are the participants whom the bits stand for, in order: all who are active there.
    """

    values: NDArray[np.int64]
    supports: Bits
    exposures: Bits
    people: NDArray[Any]

    @property
    def standing(self) -> Standing:
        return Standing(self.values, counted(self.supports), counted(self.exposures), len(self.people))


def gamma(asked: Question, settings: Aggregation) -> pl.DataFrame:
    """The chosen values in their order: value_id, support, share (0 to 1), reach (0 to 1).

    Raises CyclicGraph where support is to be carried along a graph that has a loop.
    """
    return chosen(asked, held_at(asked, settings).standing, settings)


def held_at(asked: Question, settings: Aggregation) -> Held:
    """Who holds what at the settings' h, of the values that Γ can choose; raises as `gamma` does."""
    # In a context no other value stands, and nothing is carried between others.
    values = ends(asked.edges) if asked.in_context else None
    return _at(every_h(asked, settings, values), settings.h)


def chosen(asked: Question, stand: Standing, settings: Aggregation) -> pl.DataFrame:
    """What Γ chooses of values that stand so, as in `gamma`."""
    candidates = _candidates(_stands(stand), asked, settings)
    wise = candidates.join(
        _outdone(candidates, asked), left_on="value_id", right_on="source_value_id", how="anti"
    )
    return _ranked(wise, asked).head(settings.top_k).select(CHOSEN.names())


def considered(asked: Question, stand: Standing, settings: Aggregation) -> pl.DataFrame:
    """What becomes of every value that somebody is exposed to, best first.

    Columns: value_id, support, exposed, reach, share, pagerank, is_candidate, outdone_by (the wiser
    candidates for which it is dropped), rank (from 1; null for what is dropped or no candidate), is_chosen.
    """
    every = _ranked(_stands(stand).filter(pl.col("exposed") > 0), asked)
    candidates = _candidates(every, asked, settings)
    wiser = _outdone(candidates, asked).group_by(value_id="source_value_id")
    dropped = wiser.agg(outdone_by=pl.col("wiser_value_id").unique().sort())
    is_ranked = pl.col("is_candidate") & pl.col("outdone_by").is_null()
    is_candidate = pl.col("value_id").is_in(candidates["value_id"].implode())
    judged = (
        every.with_columns(is_candidate=is_candidate)
        .join(dropped, on="value_id", how="left", maintain_order="left")
        .with_columns(rank=pl.when(is_ranked).then(is_ranked.cast(pl.Int64).cum_sum()))
    )
    return judged.with_columns(
        pl.col("outdone_by").fill_null(pl.lit([], dtype=pl.List(pl.Int64))),
        is_chosen=(pl.col("rank") <= settings.top_k).fill_null(False),
    )


def standing(asked: Question, settings: Aggregation) -> Standing:
    """Distinct supporters and exposed participants of every value, at the settings' h."""
    return _at(every_h(asked, settings), settings.h).standing


def every_h(
    asked: Question, settings: Aggregation, values: NDArray[np.int64] | None = None
) -> Iterator[Held]:
    """Who holds what at h = 0, 1, 2, …, until nothing more is carried: the last stands for all further h.

    `values`: those that are looked at (sorted), every end of an edge among them; None for all there are.
    Raises CyclicGraph past h = 0 where the graph has a loop.
    """
    people, (voters, speakers, judges) = _people(asked)
    asked = asked._replace(
        votes=asked.votes.with_columns(participant_id=voters),
        articulations=asked.articulations.with_columns(participant_id=speakers),
        judgments=asked.judgments.with_columns(participant_id=judges),
    )
    supports, exposures = _evidence(asked if values is None else _about(asked, values), settings)
    if values is None:
        values = _distinct(
            exposures["value_id"], asked.edges["source_value_id"], asked.edges["wiser_value_id"]
        )
    first = Held(values, _bits(supports, values, people), _bits(exposures, values, people), people)
    yield first
    refuse_loops(asked.edges, asked.nodes)
    for held in _steps(asked, values, len(people)).every(first.supports, first.exposures):
        yield first._replace(supports=held[0], exposures=held[1])


def ends(edges: pl.DataFrame) -> NDArray[np.int64]:
    """The values that edges join, sorted."""
    return _distinct(edges["source_value_id"], edges["wiser_value_id"])


def has_loop(edges: pl.DataFrame) -> bool:
    """Whether a way along the edges leads back to where it began."""
    nodes = ends(edges)
    sources = np.searchsorted(nodes, edges["source_value_id"])
    targets = np.searchsorted(nodes, edges["wiser_value_id"])
    return len(np.unique(components(sources, targets, len(nodes)))) < len(nodes)


def refuse_loops(edges: pl.DataFrame, nodes: pl.DataFrame | None = None) -> None:
    """Raises CyclicGraph, naming the values of a loop, by title too where `nodes` has one."""
    if not has_loop(edges):
        return
    graph: nx.DiGraph[int] = nx.DiGraph(
        edges.select("source_value_id", "wiser_value_id").sort(pl.all()).rows()
    )
    loop = [source for source, _ in nx.find_cycle(graph)]
    titles = {} if nodes is None else dict(nodes.select("value_id", "title").drop_nulls().iter_rows())
    named = [f"“{titles[value]}”" for value in loop if value in titles]
    raise CyclicGraph(
        f"support cannot be carried along a graph with a loop: {_around(loop)}"
        f"{f' ({_around(named)})' if len(named) == len(loop) else ''}; "
        "ask for h 0, or for a policy that unwinds loops"
    )


def _around(loop: Sequence[object]) -> str:
    return " → ".join(map(str, [*loop, loop[0]]))


def _at(each: Iterator[Held], h: int | None) -> Held:
    """At that h, or at the last where it is further."""
    (last,) = deque(each if h is None else islice(each, h + 1), maxlen=1)
    return last


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


def _people(asked: Question) -> tuple[NDArray[Any], Sequence[Places]]:
    """The active participants, sorted, and the place of each in votes, articulations and judgments."""
    columns = [rows["participant_id"] for rows in (asked.votes, asked.articulations, asked.judgments)]
    names = None
    if not columns[0].dtype.is_integer():
        names = pl.concat(columns).unique().sort()
        columns = [column.cast(pl.Enum(names)).to_physical() for column in columns]
    numbers = [column.cast(pl.Int64).to_numpy() for column in columns]
    is_there = np.zeros(max(int(some.max(initial=-1)) for some in numbers) + 1, dtype=np.bool_)
    for some in numbers:
        is_there[some] = True
    place = np.cumsum(is_there) - 1
    people = np.flatnonzero(is_there) if names is None else names.to_numpy()
    return people, [place[some] for some in numbers]


def _about(asked: Question, values: NDArray[np.int64]) -> Question:
    """Only the votes, articulations and judgments that are about one of the values."""
    wanted = pl.Series(values).implode()
    return asked._replace(
        votes=asked.votes.filter(pl.col("value_id").is_in(wanted)),
        articulations=asked.articulations.filter(pl.col("value_id").is_in(wanted)),
        judgments=asked.judgments.filter(pl.col("wiser_value_id").is_in(wanted)),
    )


def _bits(rows: pl.DataFrame, values: NDArray[np.int64], people: NDArray[Any]) -> Bits:
    places = np.searchsorted(values, rows["value_id"])
    return packed(places, rows["participant_id"].to_numpy(), (len(values), len(people)))


def _steps(asked: Question, values: NDArray[np.int64], people: int) -> Steps:
    pair = ["source_value_id", "wiser_value_id"]
    edges = asked.edges.select(pair).with_row_index("edge")
    refused = asked.judgments.filter(pl.col("relationship") != "upgrade").join(edges, on=pair)
    return Steps(
        np.searchsorted(values, edges["source_value_id"]),
        np.searchsorted(values, edges["wiser_value_id"]),
        (refused["edge"].cast(pl.Int64).to_numpy(), refused["participant_id"].to_numpy()),
        people,
    )


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


def _outdone(candidates: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """The edges from one candidate to another: source_value_id, wiser_value_id."""
    edges, among = asked.edges.select("source_value_id", "wiser_value_id"), candidates.select("value_id")
    return edges.join(among, left_on="source_value_id", right_on="value_id", how="semi").join(
        among, left_on="wiser_value_id", right_on="value_id", how="semi"
    )


def _ranked(stands: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """By support, then pagerank (none is 0), then id; with pagerank."""
    ranked = stands.join(asked.nodes.select("value_id", "pagerank"), on="value_id", how="left")
    ranked = ranked.with_columns(pl.col("pagerank").fill_null(0.0))
    return ranked.sort("support", "pagerank", "value_id", descending=[True, True, False])


def _distinct(*columns: pl.Series) -> NDArray[np.int64]:
    return np.unique(np.concatenate([column.to_numpy() for column in columns]))
