"""Support that is carried along edges, with the way that it took: derived when asked, nowhere stored."""

from collections.abc import Mapping
from itertools import count

import polars as pl

HELD = ("question", "participant_id", "value_id")
STEP = ("question", "participant_id", "source_value_id", "wiser_value_id")


def carried(direct: pl.DataFrame, edges: pl.DataFrame, refusals: pl.DataFrame, h: int | None) -> pl.DataFrame:
    """What people come to hold along at most h edges: question, participant_id, value_id, path; sorted.

    `direct` (HELD) is what they hold by themselves, which is not repeated; `edges` (question,
    source_value_id, wiser_value_id) the graph of each question; `refusals` (STEP) the pairs that a
    participant judged otherwise. `path` is a shortest way, from a value of their own to value_id; of
    several the one by the smallest ids, from its end on.
    """
    frontier = direct.select(HELD).unique().with_columns(path=pl.concat_list("value_id"))
    held, found = frontier.select(HELD), [frontier.clear()]
    for _ in count() if h is None else range(h):
        frontier = _onward(frontier, edges, refusals).join(held, on=HELD, how="anti", maintain_order="left")
        if frontier.is_empty():
            break
        found.append(frontier)
        held = pl.concat([held, frontier.select(HELD)])
    return pl.concat(found).sort(HELD)


def leading_to(target: int, edges: pl.DataFrame, h: int | None) -> pl.DataFrame:
    """The edges (source_value_id, wiser_value_id, …) on a way of at most h edges to a value."""
    distances, frontier = {target: 0}, [target]
    into = _sources(edges)
    for distance in count(1) if h is None else range(1, h + 1):
        frontier = sorted({one for value in frontier for one in into.get(value, ())} - distances.keys())
        if not frontier:
            break
        distances |= dict.fromkeys(frontier, distance)
    near = [value for value, distance in distances.items() if h is None or distance < h]
    return edges.filter(pl.col("wiser_value_id").is_in(near))


def _onward(frontier: pl.DataFrame, edges: pl.DataFrame, refusals: pl.DataFrame) -> pl.DataFrame:
    """One edge on from what was reached last, where the participant did not judge the pair otherwise."""
    moved = frontier.rename({"value_id": "source_value_id"}).join(edges, on=["question", "source_value_id"])
    moved = moved.join(refusals, on=STEP, how="anti").sort(*STEP)
    arrived = moved.with_columns(value_id="wiser_value_id")
    arrived = arrived.unique(HELD, keep="first", maintain_order=True)
    return arrived.select(*HELD, path=pl.concat_list("path", "value_id"))


def _sources(edges: pl.DataFrame) -> Mapping[int, list[int]]:
    pairs = (
        edges.select("wiser_value_id", "source_value_id").group_by("wiser_value_id").agg("source_value_id")
    )
    return dict(pairs.iter_rows())
