"""What may be seen of a group: no figure of fewer than five people, and none that such a figure follows from.

What belongs here: the rule, once, for every table that has figures by group. Totals over everybody, and
what each participant did, are taken as known to whoever reads a figure; who is of which group is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

FEWEST_PEOPLE = 5  # a figure about a group that rests on fewer people is withheld
AT_ONCE = 3  # figures whose sums and differences are withheld too, where they are small
AT_A_TIME = 16  # parts in which they are gone through, for want of memory
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


def with_safe_counts(figures: pl.DataFrame, shown: pl.DataFrame, counts: Sequence[str]) -> pl.DataFrame:
    """Nulls a record's counts unless each, of each group and of those left out, is of enough people.

    `<count>_people` says of how many. All or none of a record: its totals are public, so that a single
    missing count would follow.
    """
    people = pl.col(f"{count}_people" for count in counts)
    rest = figures.join(shown, on=["record", "group"], how="anti").group_by("record").agg(people.sum())
    counted = pl.concat([shown.select("record", people), rest.select("record", people)])
    verdict = counted.group_by("record").agg(is_safe=pl.all_horizontal(people >= FEWEST_PEOPLE).all())
    safe = (pl.when("is_safe").then(pl.col(count)).alias(count) for count in counts)
    return shown.join(verdict, on="record").with_columns(safe)


def sums_by_group(people: pl.DataFrame, figures: Sequence[str], base: str) -> pl.DataFrame:
    """Sums of `figures` over the people of a group: group, figures; sorted.

    `people` has a row per participant: group, and in each figure how much of it is theirs. Groups are left
    out until each has enough people in `base`; a figure is null in all groups where it is not safe beside
    those before it, so that the order of `figures` says which matter most.
    """
    in_base = people.group_by("group").agg(participant_count=(pl.col(base) != 0).sum())
    shown = large_enough(in_base.with_columns(record=pl.lit(base))).select("group")
    cells = people.join(shown.with_columns(cell="group"), on="group", how="left")
    safe = _safe_figures(cells, figures)
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
    figures = parts.shape[1]
    sums = _sums(figures)
    small = np.concatenate([_are_small(some, parts, counts) for some in np.array_split(sums, AT_A_TIME)])
    if not small.any():
        return list(range(figures))
    # Figures by their coordinates in a space of their own: as many numbers as figures, however many people.
    known = np.linalg.qr(parts).R
    secrets = known @ sums[small].T
    safe: list[int] = []
    for figure in range(figures):
        if not _follows(secrets, known[:, [*safe, figure]]):
            safe.append(figure)
    return safe


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


def _are_small(sums: Floats, parts: Floats, counts: Floats) -> NDArray[np.bool_]:
    """Which rest on few people in some cell: those whose own parts in them do not cancel.

    Where there is nobody in any cell, it is known already that it is 0.
    """
    # Small numbers of people are exact in 32 bits, which take half the time.
    people = (sums @ parts.T != 0).astype(np.float32) @ counts.astype(np.float32)
    small: NDArray[np.bool_] = people.any(axis=1) & (people < FEWEST_PEOPLE).any(axis=1)
    return small


def _follows(secrets: Floats, known: Floats) -> bool:
    """Whether one of the `secrets` is some combination of what is `known`; each is a column."""
    found = known @ np.linalg.lstsq(known, secrets)[0]
    missed = np.linalg.norm(secrets - found, axis=0) / np.linalg.norm(secrets, axis=0)
    return bool((missed < SAME).any())


class Part(NamedTuple):
    """What is seen of one thing that people did: each person's part in figures, and the groups shown."""

    people: pl.DataFrame  # participant_id, group, and the figures as whole numbers
    figures: Sequence[str]
    groups: Sequence[str]


def each_by_group(
    people: pl.DataFrame, key: Sequence[str], figures: Sequence[str]
) -> Iterator[tuple[pl.DataFrame, Part]]:
    """What may be seen of each thing by itself, such as a pair of values, and whose figures it is; by key.

    `people` has a row per thing and participant: the key, participant_id, group, and their part in each
    figure. A group is large enough by the first of the figures.
    """
    counted = people.group_by(*key, "group").agg(participant_count=pl.len())
    enough = large_enough(counted.with_columns(record=pl.concat_str(key, separator="|")))
    shown = enough.select(*key, "group", is_shown=pl.lit(True))
    worth = people.join(shown, on=key, how="semi").join(shown, on=[*key, "group"], how="left")
    for where, rows in (
        worth.sort(*key, "participant_id").partition_by(key, as_dict=True, maintain_order=True).items()
    ):
        yield _of_one(rows, dict(zip(key, where, strict=True)), figures)


def _of_one(
    rows: pl.DataFrame, where: Mapping[str, object], figures: Sequence[str]
) -> tuple[pl.DataFrame, Part]:
    """What may be seen of one thing. In numpy: there may be many things, of few people each."""
    held = np.column_stack([rows[name].to_numpy() for name in figures])
    is_shown = rows["is_shown"].is_not_null().to_numpy()
    names, place = np.unique(rows["group"].to_numpy(), return_inverse=True)
    seen = [code for code in range(len(names)) if is_shown[place == code].any()]
    cells = [place == code for code in seen] + ([~is_shown] if not is_shown.all() else [])
    alike, kind = np.unique(held, axis=0, return_inverse=True)
    counts = np.column_stack([np.bincount(kind.ravel()[cell], minlength=len(alike)) for cell in cells])
    safe = _safe(alike.astype(np.float64), counts.astype(np.float64))
    groups = [str(names[code]) for code in seen]
    sums = {
        name: [int(held[place == code, figure].sum()) if figure in safe else None for code in seen]
        for figure, name in enumerate(figures)
    }
    key = {name: [value] * len(groups) for name, value in where.items()}
    schema = {name: rows.schema[name] for name in (*where, "group", *figures)}
    told = pl.DataFrame({**key, "group": groups, **sums}, schema=schema)
    return told, Part(rows, [figures[figure] for figure in safe], groups)


def apart_enough(known: Sequence[Part], parts: Sequence[Part]) -> list[bool]:
    """Whether each of `parts` may be seen beside what is `known` and those before it, in that order.

    Not where two figures differ in few people of a group that either shows, or of those that are left out:
    from one the other would follow, and with it of which group those few are. Figures that are the same of
    everybody give nothing away.
    """
    every = [*known, *parts]
    clashes = _clashes(every)
    kept = [True] * len(known)
    for place in range(len(known), len(every)):
        kept.append(not any(kept[other] for other in clashes[place] if other < place))
    return kept[len(known) :]


def _clashes(parts: Sequence[Part]) -> list[set[int]]:
    """For each part the others that a figure of it differs from in too few people."""
    found: list[set[int]] = [set() for _ in parts]
    if not parts:
        return found
    rows = _held(parts).with_columns(row=pl.struct("place", "figure").rank("dense") - 1)
    place_of = rows.unique("row").sort("row")["place"].to_numpy()
    for one, other in zip(*_too_close(rows, place_of, parts), strict=True):
        found[place_of[one]].add(int(place_of[other]))
        found[place_of[other]].add(int(place_of[one]))
    return found


def _held(parts: Sequence[Part]) -> pl.DataFrame:
    """Who has a part in each figure, and how much of it: place, participant_id, group, figure, much."""
    people = pl.concat((part.people for part in parts), how="diagonal")
    place = np.repeat(np.arange(len(parts)), [len(part.people) for part in parts])
    wanted = [(place, figure) for place, part in enumerate(parts) for figure in part.figures]
    shown = pl.DataFrame(wanted, schema={"place": pl.Int64, "figure": pl.String}, orient="row")
    index = ["place", "participant_id", "group"]
    named = people.with_columns(place=pl.Series(place, dtype=pl.Int64))
    figures = shown["figure"].unique().sort().to_list()
    long = named.unpivot(figures, index=index, variable_name="figure", value_name="much")
    return long.filter(pl.col("much").fill_null(0) != 0).join(shown, on=["place", "figure"], how="semi")


def _too_close(
    rows: pl.DataFrame, place_of: NDArray[np.int64], parts: Sequence[Part]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows that differ, but in few people of a group that either shows.

    Only those with people in common: apart from each other, each is of enough people in its own groups.
    """
    numbered = rows.with_columns(person=pl.col("participant_id").rank("dense") - 1)
    width = numbered["participant_id"].n_unique()
    together = sp.triu(_common(numbered, len(place_of), width), k=1).tocoo()
    one, other = together.row.astype(np.int64), together.col.astype(np.int64)
    differ_at_all, few = np.zeros(len(one), dtype=bool), np.zeros(len(one), dtype=bool)
    left_out, differ_out = np.zeros(len(one), dtype=bool), np.zeros(len(one), dtype=np.int64)
    for (group,), own in numbered.sort("group").group_by("group", maintain_order=True):
        shows = np.array([group in parts[place].groups for place in place_of])
        differ = _differing(own, len(place_of), width, one, other)
        differ_at_all |= differ > 0
        few |= (shows[one] | shows[other]) & (differ < FEWEST_PEOPLE)
        has = np.bincount(own["row"], minlength=len(place_of)) > 0
        is_out = ~(shows[one] & shows[other])
        left_out |= is_out & (has[one] | has[other])
        differ_out += np.where(is_out, differ, 0)
    clash = differ_at_all & (few | (left_out & (differ_out < FEWEST_PEOPLE)))
    return one[clash], other[clash]


def _differing(
    own: pl.DataFrame, height: int, width: int, one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.int64]:
    """In how many people of a group two rows differ, for each pair of rows."""
    size = np.bincount(own["row"], minlength=height)
    alike = sum(_at(_common(same, height, width), one, other) for (_,), same in own.group_by("much"))
    both = _at(_common(own, height, width), one, other)
    return size[one] + size[other] - both - alike


def _common(rows: pl.DataFrame, height: int, width: int) -> sp.csr_array:
    """How many people each two rows have in common; shape (height, height)."""
    ones = np.ones(len(rows), dtype=np.int64)
    held = sp.csr_array((ones, (rows["row"].to_numpy(), rows["person"].to_numpy())), shape=(height, width))
    return sp.csr_array(held @ held.T)


def _at(matrix: sp.csr_array, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """The entries at these places; looked up by sorted key, as scipy's own look-up searches whole rows."""
    matrix.sort_indices()
    height = np.int64(matrix.shape[0])
    keys = np.repeat(np.arange(height), np.diff(matrix.indptr)) * height + matrix.indices
    wanted = one * height + other
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    found: NDArray[np.int64] = np.where(keys[place] == wanted, matrix.data[place], 0)
    return found
