"""What may be seen of a group: no figure of fewer than five people, and none that such a figure follows from.

What belongs here: the rule, once, for every table that has figures by group. Totals over everybody, and
what each participant did, are taken as known to whoever reads a figure; who is of which group is not.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import combinations, compress, product
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.values.few_apart import FEWEST_PEOPLE, Part, too_close

AT_ONCE = 3  # figures whose sums and differences are withheld too, where they are small
AT_A_TIME = 16  # parts in which they are gone through, for want of memory
MOST_KINDS = 10_000  # ways in which a thing's people can answer that are remembered
SAME = 1e-9  # of the length of what is compared

Floats = NDArray[np.float64]


def large_enough(figures: pl.DataFrame) -> pl.DataFrame:
    """Leaves out each group of fewer than FEWEST_PEOPLE, and as many more as it takes.

    `figures` has record, group and participant_count. Smallest first, until those left out are enough
    people together: else the figure of a single one would follow from the total and the others. For the
    same reason they are not named.
    """
    people = pl.col("participant_count")
    ranked = figures.sort("participant_count", "group").with_columns(
        place=pl.int_range(pl.len()).over("record"), smaller=people.cum_sum().over("record") - people
    )
    few_so_far = (pl.col("place") > 0) & (pl.col("smaller") < FEWEST_PEOPLE)
    return ranked.filter(~((people < FEWEST_PEOPLE) | few_so_far)).drop("place", "smaller")


def sums_by_group(people: pl.DataFrame, figures: Sequence[str], base: str, known: "Known") -> pl.DataFrame:
    """Sums of `figures` over the people of a group: group, figures; sorted.

    `people` has a row per participant: participant_id, group, and in each figure how much of it is theirs.
    Groups are left out until each has enough people in `base`; a figure is null in all groups where it is not
    safe beside what is `known` and those before it, so that the order of `figures` says which matter most.
    """
    in_base = people.group_by("group").agg(participant_count=(pl.col(base) != 0).sum())
    shown = large_enough(in_base.with_columns(record=pl.lit(base))).select("group")
    cells = people.join(shown.with_columns(cell="group"), on="group", how="left")
    safe = _safe_figures(cells, figures) if len(shown) else []
    safe = known.admit_figures(Part(people, safe, shown["group"].to_list()))
    kept = (pl.col(name) if name in safe else pl.lit(None, pl.Int64).alias(name) for name in figures)
    sums = people.group_by("group").agg(pl.col(figures).sum()).join(shown, on="group", how="semi")
    return sums.select("group", *kept).sort("group")


def _safe_figures(cells: pl.DataFrame, figures: Sequence[str]) -> list[str]:
    """The figures, first come first served, that nothing small follows from."""
    # Those left out are a cell like the others, but none where nobody is left out.
    alike = cells.group_by("cell", *figures).agg(people=pl.len()).sort("cell", *figures)
    parts = alike.select(pl.col(figures).cast(pl.Float64)).to_numpy()
    place = alike["cell"].rank("dense").fill_null(0).rank("dense").to_numpy() - 1
    counts = np.zeros((len(alike), alike["cell"].n_unique()))
    counts[np.arange(len(alike)), place] = alike["people"].to_numpy()
    return [figures[place] for place in _safe(parts, counts)]


def _safe(parts: Floats, counts: Floats) -> list[int]:
    """The places of the figures that nothing small follows from.

    `parts` has a row per kind of people, alike in all figures, `counts` how many of them are in each cell.
    """
    sums = _sums(parts.shape[1])
    small = np.concatenate([_are_small(_rest_on(some, parts), counts) for some in _in_turn(sums)])
    return _first_safe(parts, sums[small])


def _in_turn(sums: Floats) -> list[Floats]:
    return np.array_split(sums, AT_A_TIME)


def _first_safe(parts: Floats, small: Floats) -> list[int]:
    """The places of the figures, first come first served, that none of the `small` sums follows from."""
    figures = parts.shape[1]
    if not len(small):
        return list(range(figures))
    # Figures by their coordinates in a space of their own: as many numbers as figures, however many people.
    known = np.linalg.qr(parts).R
    secrets = known @ small.T
    lengths = np.linalg.norm(secrets, axis=0)
    safe: list[int] = []
    seen = np.zeros((len(known), 0))
    for figure in range(figures):
        more = _with(seen, known[:, figure])
        if not (np.linalg.norm(secrets - more @ (more.T @ secrets), axis=0) < SAME * lengths).any():
            safe.append(figure)
            seen = more
    return safe


def _with(basis: Floats, figure: Floats) -> Floats:
    """The basis of what is known, a column each, and of what the figure adds to it."""
    new = figure - basis @ (basis.T @ figure)
    new -= basis @ (basis.T @ new)  # twice, for exactness
    length = np.linalg.norm(new)
    if length <= SAME * np.linalg.norm(figure):
        return basis
    return np.column_stack([basis, new / length])


@cache
def _sums(figures: int) -> Floats:
    """Every sum and difference of up to AT_ONCE figures, a row each: the sign of a figure in it."""
    rows = []
    for size in range(1, AT_ONCE + 1):
        for chosen in combinations(range(figures), size):
            for signs in product((1, -1), repeat=size - 1):
                row = np.zeros(figures)
                row[[*chosen]] = (1, *signs)
                rows.append(row)
    return np.array(rows)


def _rest_on(sums: Floats, parts: Floats) -> NDArray[np.float32]:
    """Which kinds of people each sum rests on: those whose own parts in it do not cancel."""
    # Small numbers of people are exact in 32 bits, which take half the time.
    rests: NDArray[np.float32] = (sums @ parts.T != 0).astype(np.float32)
    return rests


def _are_small(rest_on: NDArray[np.float32], counts: Floats) -> NDArray[np.bool_]:
    """Which rest on few people in some cell.

    Where there is nobody in any cell, it is known already that it is 0.
    """
    people = rest_on @ counts.astype(np.float32)
    small: NDArray[np.bool_] = np.logical_and(people.any(axis=1), (people < FEWEST_PEOPLE).any(axis=1))
    return small


class Each(NamedTuple):
    """What may be seen of many things, numbered by `place`: sums by group, and whose they are."""

    sums: pl.DataFrame
    parts: Sequence[Part]

    def only(self, kept: Sequence[bool]) -> pl.DataFrame:
        """The sums of those that are kept."""
        return self.sums.filter(pl.col("place").is_in(np.flatnonzero(kept))).drop("place")


def each_by_group(people: pl.DataFrame, key: Sequence[str], figures: Sequence[str]) -> Each:
    """What may be seen of each thing by itself, such as a pair of values, and whose figures it is; by key.

    `people` has a row per thing and participant: the key, participant_id, group, and their part in each
    figure. A group is large enough by the first of the figures. Sums have the key, group and figures.
    """
    counted = people.group_by(*key, "group").agg(participant_count=pl.len())
    enough = large_enough(counted.with_columns(record=pl.concat_str(key, separator="|")))
    shown = enough.select(*key, "group", is_shown=pl.lit(True))
    worth = (
        people.join(shown, on=key, how="semi")
        .join(shown, on=[*key, "group"], how="left")
        .sort(*key, "participant_id")
        .with_columns(place=pl.struct(key).rle_id().cast(pl.Int64))
    )
    safe = _safe_of_each(worth, figures)
    seen = worth.filter("is_shown")
    sums = seen.group_by("place", *key, "group").agg(pl.col(figures).sum()).sort("place", "group")
    told = sums.with_columns(
        pl.when(pl.Series(safe[sums["place"].to_numpy(), number])).then(name).alias(name)
        for number, name in enumerate(figures)
    )
    return Each(told, _parts(worth, sums, figures, safe))


def _parts(
    worth: pl.DataFrame, sums: pl.DataFrame, figures: Sequence[str], safe: NDArray[np.bool_]
) -> list[Part]:
    groups = sums.group_by("place", maintain_order=True).agg("group")["group"].to_list()
    ends = np.cumsum(np.bincount(worth["place"], minlength=len(groups)))
    people = worth.select("participant_id", "group", *figures)
    return [
        Part(people[begin:end], list(compress(figures, own)), shown)
        for begin, end, own, shown in zip(np.append(0, ends), ends, safe, groups, strict=False)
    ]


def _safe_of_each(worth: pl.DataFrame, figures: Sequence[str]) -> NDArray[np.bool_]:
    """Of each thing which figures are safe; shape (things, figures).

    People of a thing are few, and the ways in which they can answer too: most of it was asked before.
    """
    # Those left out are a cell like the others.
    cell = pl.when("is_shown").then("group").rank("dense").fill_null(0).alias("cell")
    alike = worth.with_columns(cell).group_by("place", "cell", *figures).agg(people=pl.len())
    kinds = alike.select(figures).unique().sort(figures).with_row_index("kind")
    counted = alike.join(kinds, on=figures).sort("place", "kind")
    parts = kinds.select(pl.col(figures).cast(pl.Float64)).to_numpy()
    places, begins = np.unique(counted["place"].to_numpy(), return_index=True)
    rows = counted.select("kind", "cell", "people").to_numpy()
    safe = np.zeros((len(places), len(figures)), dtype=np.bool_)
    for place, own in zip(places, np.split(rows, begins[1:]), strict=False):
        present, kind = np.unique(own[:, 0], return_inverse=True)
        counts = np.zeros((len(present), int(own[:, 1].max()) + 1))
        counts[kind, own[:, 1]] = own[:, 2]
        alone = parts[present]
        asked = alone.tobytes(), alone.shape
        small = _are_small(_resting(*asked)[0], counts[:, counts.any(axis=0)])
        safe[place, _safe_again(*asked, small.tobytes())] = True
    return safe


@lru_cache(MOST_KINDS)
def _resting(parts: bytes, shape: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The different sets of kinds that sums rest on, and which of them each sum does."""
    alone = np.frombuffer(parts).reshape(shape)
    different, which = np.unique(_rest_on(_sums(shape[1]), alone), axis=0, return_inverse=True)
    return different, which.ravel()


@lru_cache(MOST_KINDS)
def _safe_again(parts: bytes, shape: tuple[int, int], small: bytes) -> list[int]:
    _, which = _resting(parts, shape)
    sums = _sums(shape[1])[np.frombuffer(small, dtype=np.bool_)[which]]
    return _first_safe(np.frombuffer(parts).reshape(shape), sums)


class Known:
    """What is shown by group so far, of one field of background; what is shown next is read beside it."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def admit(self, parts: Sequence[Part]) -> list[bool]:
        """Which of `parts` may be shown as well, in their order; those are known from then on."""
        kept = apart_enough(self.parts, parts)
        self.parts += compress(parts, kept)
        return kept

    def admit_figures(self, part: Part) -> list[str]:
        """Which figures of a part may be shown as well, in their order."""
        columns = (part.people.select("participant_id", "group", name) for name in part.figures)
        alone = [
            part._replace(people=own, figures=[name]) for own, name in zip(columns, part.figures, strict=True)
        ]
        return list(compress(part.figures, self.admit(alone)))


def apart_enough(known: Sequence[Part], parts: Sequence[Part]) -> list[bool]:
    """Whether each of `parts` may be seen beside what is `known` and those before it, in that order.

    Not where two figures differ in few people of a group that either shows, or of those that are left out:
    from one the other would follow, and with it of which group those few are. Figures that are the same of
    everybody give nothing away.
    """
    if not parts:
        return []
    clashes = too_close([*known, *parts], len(known))
    kept = [True] * len(known)
    for place in range(len(known), len(known) + len(parts)):
        kept.append(not any(kept[other] for other in clashes.get(place, ())))
    return kept[len(known) :]
