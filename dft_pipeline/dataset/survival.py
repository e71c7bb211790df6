"""How often Γ would have chosen a value had other people come: resamples of the participants.

Everybody counts in a resample as often as they do there for the edges (`graph.bootstrap`). The graph, its
ranks, and along which edges each person is carried stay as they are: how surely an edge stands is said
beside it, and a graph from every resample would mostly have other loops.
"""

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from dft_pipeline.dataset.gamma import Held, Question
from dft_pipeline.dataset.hops import WORD, Bits, counted, unpacked
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.graph.bootstrap import weights
from dft_pipeline.graph.streams import everybody
from dft_pipeline.policies import Aggregation, Evidence

CELLS_AT_ONCE = 2**24  # of values and participants
DENSE = 1 / 16  # share of cells from which on adding up all of them is quicker than those that are filled

Counts = NDArray[np.float32]  # whole numbers, exact below 2**24
Truths = NDArray[np.bool_]


def counts_of_people(snapshot: Snapshot, evidence: Evidence) -> Counts:
    """How often each participant counts in each resample; shape (participants, resamples).

    Participants stand in the order of `questions.participants`.
    """
    drawn = everybody(snapshot.judgments, snapshot.votes, snapshot.articulations).sort("participant_id")
    every = weights(len(drawn), evidence.seed, range(evidence.resamples)).astype(np.float32)
    counts: Counts = every[drawn["person"].to_numpy()]
    return counts


def row_survival(asked: Question, held: Held, settings: Aggregation, counts: Counts) -> pl.DataFrame:
    """value_id, row_survival: the share of resamples in which Γ chooses a value, of those that anybody has.

    `held` at the settings' h, of participants as numbers, which are their places in `counts`.
    """
    supports, exposed = (weighed(bits, held.people, counts) for bits in (held.supports, held.exposures))
    share = np.divide(supports, exposed, out=np.zeros(supports.shape), where=exposed > 0)
    candidates = (share >= settings.min_share) & (supports >= settings.min_participants)
    sources, targets = (
        np.searchsorted(held.values, asked.edges[end]) for end in ("source_value_id", "wiser_value_id")
    )
    if asked.in_context:
        candidates[np.setdiff1d(np.arange(len(held.values)), targets)] = False
    wise = candidates & ~_outdone(candidates, sources, targets)
    times = _best(supports, wise, _by_rank(asked, held), settings.top_k).sum(axis=1)
    return pl.DataFrame({"value_id": held.values, "row_survival": times / counts.shape[1]})


def weighed(bits: Bits, people: NDArray[np.int64], counts: Counts) -> Counts:
    """How many participants each row has when everybody counts so often; shape (rows, resamples).

    `people`: the places in `counts` of the participants whom the bits stand for.
    """
    at_once = max(CELLS_AT_ONCE // max(len(people), 1), 1)
    parts = [bits[first : first + at_once] for first in range(0, len(bits), at_once)]
    return np.concatenate([counts[:0], *(_weighed(part, people, counts) for part in parts)])


def _weighed(bits: Bits, people: NDArray[np.int64], counts: Counts) -> Counts:
    many = counted(bits)
    if many.sum() > DENSE * len(bits) * len(people):
        cells = np.array([unpacked(row, len(people)) for row in bits], dtype=np.float32)
        return cells @ counts[people]
    ones, begins = np.ones(many.sum(), dtype=np.float32), np.append(0, np.cumsum(many))
    held = sp.csr_array((ones, people[_places(bits)], begins), shape=(len(bits), len(counts)))
    found: Counts = held @ counts
    return found


def _places(bits: Bits) -> NDArray[np.int64]:
    """The place of everybody whom a row has, row after row."""
    filled = np.flatnonzero(bits)
    cells = np.unpackbits(bits.reshape(-1)[filled].view(np.uint8), bitorder="little").view(np.bool_)
    word, bit = np.divmod(np.flatnonzero(cells), WORD)
    places: NDArray[np.int64] = filled[word] % bits.shape[1] * WORD + bit
    return places


def _outdone(candidates: Truths, sources: NDArray[np.int64], targets: NDArray[np.int64]) -> Truths:
    """Which values have an edge to a candidate."""
    ones, size = np.ones(len(sources), dtype=np.int32), len(candidates)
    leads = sp.csr_array((ones, (sources, targets)), shape=(size, size))
    led: Truths = np.asarray(leads @ candidates.astype(np.int32)) > 0
    return led


def _by_rank(asked: Question, held: Held) -> NDArray[np.int64]:
    """The place of each value among equals in support, the best one's highest: by pagerank, then id."""
    ranks = pl.DataFrame({"value_id": held.values}).join(
        asked.nodes.select("value_id", "pagerank"), on="value_id", how="left", maintain_order="left"
    )
    order = np.lexsort((-held.values, ranks["pagerank"].fill_null(0.0).to_numpy()))
    return np.argsort(order)


def _best(supports: Counts, wise: Truths, place: NDArray[np.int64], top_k: int) -> Truths:
    """The first `top_k` of the wise ones in each column; `place` decides between equal supports."""
    keys = np.where(wise, supports.astype(np.int64) * len(supports) + place[:, None], -1)
    if len(keys) <= top_k:
        return wise
    best: Truths = keys >= np.partition(keys, -top_k, axis=0)[-top_k]
    return wise & best
