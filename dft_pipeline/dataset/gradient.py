"""What Γ chooses for each case at every h, and how many participants stand behind it."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.dataset.gamma import Held, Question, chosen, ends, every_h, has_loop
from dft_pipeline.dataset.hops import Bits, longest_way, unpacked
from dft_pipeline.dataset.questions import Snapshot, questions
from dft_pipeline.policies import Aggregation

People = NDArray[np.bool_]


class Choice(NamedTuple):
    """What Γ chooses at h hops (None: `all`), as in `gamma`, and who of the case's participants is behind it.

    `own`: support one of the values themselves, as at h = 0; `carried`: support one at h.
    """

    h: int | None
    chosen: pl.DataFrame
    own: People
    carried: People


class Gradient(NamedTuple):
    """A case at every h. `people` are its participants, `supports` their number by value at h = 0."""

    case_id: str
    asked: Question
    people: NDArray[np.int64]
    supports: pl.DataFrame
    choices: list[Choice]


def gradients(snapshot: Snapshot, settings: Aggregation) -> Iterator[Gradient]:
    """Every case; participants are numbers, as `questions.numbered` gives them."""
    for case_id, _, asked in questions(snapshot, in_contexts=False):
        each = by_h(asked, settings)
        _, first = at_start = next(each)
        choices = list(_choices(asked, settings, first, chain([at_start], each)))
        stand = first.standing
        supports = pl.DataFrame({"value_id": stand.values, "support": stand.support})
        yield Gradient(case_id, asked, first.people, supports, choices)


def gradient_length(edges: pl.DataFrame) -> int:
    """The most edges that follow each other; there must be no loop."""
    nodes = ends(edges)
    sources = np.searchsorted(nodes, edges["source_value_id"])
    return longest_way(sources, np.searchsorted(nodes, edges["wiser_value_id"]), len(nodes))


def by_h(asked: Question, settings: Aggregation) -> Iterator[tuple[int | None, Held]]:
    """Every h from 0 to the gradient's length, and None for `all`, with who holds what there.

    Only 0 where the graph has a loop.
    """
    each = every_h(asked, settings)
    held = next(each)
    yield 0, held
    if has_loop(asked.edges):
        return
    for h in range(1, gradient_length(asked.edges) + 1):
        held = next(each, held)
        yield h, held
    yield None, held


def _choices(
    asked: Question, settings: Aggregation, first: Held, each: Iterable[tuple[int | None, Held]]
) -> Iterator[Choice]:
    before, choice = None, None
    for h, held in each:
        # After the last hop that carries anything, nothing is chosen anew.
        if choice is None or held is not before:
            best = chosen(asked, held.standing, settings)
            places = np.searchsorted(held.values, best["value_id"])
            own, carried = (_anyone(bits[places], held) for bits in (first.supports, held.supports))
            before, choice = held, Choice(h, best, own, carried)
        yield choice._replace(h=h)


def _anyone(bits: Bits, held: Held) -> People:
    """Who has any of the rows."""
    return unpacked(np.bitwise_or.reduce(bits, axis=0), len(held.people))
