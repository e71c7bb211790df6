"""Which figures by group differ in so few people that one tells of them beside the other.

What belongs here: the comparison of many figures with each other. What is then shown, `small_cells` says.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

FEWEST_PEOPLE = 5  # a figure about a group that rests on fewer people is withheld
PARTS_AT_ONCE = 1_000  # whose people are compared with those of all before them
PAIRS_AT_ONCE = 500_000  # figures compared by size
CELLS_AT_ONCE = 10_000_000  # people compared one by one

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Part(NamedTuple):
    """What is seen of one thing that people did: each person's part in figures, and the groups shown."""

    people: pl.DataFrame  # participant_id, group, and the figures as whole numbers
    figures: Sequence[str]
    groups: Sequence[str]


class _Sizes(NamedTuple):
    """Of figures, or at least of each of a part's, in how many people of each group, and of those not shown.

    `shows`: of which groups they are shown; `anybody`: whether any is of somebody of another group.
    """

    people: Ints
    left_out: Ints
    anybody: Bools
    shows: Bools


class _Held(NamedTuple):
    """Every figure that anybody has a part in, a row each, those of a part together.

    `much`: what of it is each person's; `begins`: each part's first row.
    """

    much: sp.csr_array
    group_of: Ints
    begins: Ints
    sizes: _Sizes


def too_close(parts: Sequence[Part], first: int) -> Mapping[int, set[int]]:
    """For each part from `first` on, those before it that a figure of it differs from in too few people."""
    held = _held(parts)
    part_of = np.repeat(np.arange(len(parts)), np.diff(held.begins))
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in _near(held, first):
        clash = _differ_in_few(held, one, other)
        for place, before in np.unique(part_of[np.column_stack([one[clash], other[clash]])], axis=0).tolist():
            found[place].add(before)
    return found


def _held(parts: Sequence[Part]) -> _Held:
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, part in enumerate(parts):
        alike[tuple(part.people.columns)].append(place)
    frames = [pl.concat(parts[place].people for place in places) for places in alike.values()]
    person, group, names = _numbered(pl.concat(frame.select("participant_id", "group") for frame in frames))
    group_of = np.zeros(int(person.max(initial=-1)) + 1, dtype=np.int64)
    group_of[person] = group
    figures = sorted({name for part in parts for name in part.figures})
    ends = np.cumsum([len(frame) for frame in frames])
    cells = [
        _cells([parts[place] for place in places], np.array(places), frame, own, figures)
        for places, frame, own in zip(alike.values(), frames, np.split(person, ends[:-1]), strict=True)
    ]
    row, whose, much = (np.concatenate(column) for column in zip(*cells, strict=True))
    every, at = np.unique(row, return_inverse=True)
    held = sp.csr_array((much, (at, whose)), shape=(len(every), len(group_of)))
    begins = np.searchsorted(every, np.arange(len(parts) + 1) * len(figures))
    shown = np.array([[name in part.groups for name in names] for part in parts], dtype=np.bool_)
    shows = np.repeat(shown.reshape(len(parts), len(names)), np.diff(begins), axis=0)
    people = _by_group(held, group_of, len(names))
    left_out = (people * ~shows).sum(axis=1)
    return _Held(held, group_of, begins, _Sizes(people, left_out, left_out > 0, shows))


def _numbered(people: pl.DataFrame) -> tuple[Ints, Ints, list[str]]:
    """A number for each participant and for each group, and the names of groups by number."""
    _, person = np.unique(people["participant_id"].cast(pl.Categorical).to_physical(), return_inverse=True)
    names = people["group"].unique().sort()
    return person, people["group"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64), [*names]


def _cells(
    parts: Sequence[Part], places: Ints, people: pl.DataFrame, person: Ints, figures: Sequence[str]
) -> tuple[Ints, Ints, Ints]:
    """What is not 0 of the figures that are shown: the row (part and figure), the person, and how much."""
    own = np.repeat(np.arange(len(parts)), [len(part.people) for part in parts])
    found = [(np.zeros(0, dtype=np.int64),) * 3]
    for number, name in enumerate(figures):
        if name in people.columns:
            is_shown = np.array([name in part.figures for part in parts])
            much = people[name].fill_null(0).cast(pl.Int64).to_numpy()
            at = np.flatnonzero((much != 0) & is_shown[own])
            found.append((places[own[at]] * len(figures) + number, person[at], much[at]))
    row, whose, much = (np.concatenate(column) for column in zip(*found, strict=True))
    return row, whose, much


def _by_group(much: sp.csr_array, group_of: Ints, groups: int) -> Ints:
    """In how many people of each group a row is not 0; shape (rows, groups)."""
    row = np.repeat(np.arange(much.shape[0]), np.diff(much.indptr))
    cells = np.bincount(row * groups + group_of[much.indices], minlength=much.shape[0] * groups)
    return cells.reshape(much.shape[0], groups)


def _near(held: _Held, first: int) -> Iterator[tuple[Ints, Ints]]:
    """Figures of a part from `first` on and of one before it, some at a time, that may be too close."""
    whose, least = _of_parts(held)
    groups = range(held.sizes.people.shape[1])
    of_group = [sp.csr_array(sp.csc_array(whose)[:, held.group_of == group]) for group in groups]
    for begin in range(first, whose.shape[0], PARTS_AT_ONCE):
        some = slice(begin, begin + PARTS_AT_ONCE)
        later, before, _ = _common(whose, some)
        both = np.zeros((len(later), len(groups)), dtype=np.int64)
        keys = later * whose.shape[0] + before
        for group, own in enumerate(of_group):
            one, other, shared = _common(own, some)
            both[np.searchsorted(keys, one * whose.shape[0] + other), group] = shared
        near = _may_be_close(least, later, before, both)
        for one, other, shared in _rows(held.begins, later[near], before[near], both[near]):
            close = _may_be_close(held.sizes, one, other, shared)
            yield one[close], other[close]


def _common(whose: sp.csr_array, some: slice) -> tuple[Ints, Ints, Ints]:
    """Each of some parts, one before it, and how many people they have in common, where there are any."""
    common = sp.csr_array(whose[some] @ whose.T)
    common.sort_indices()
    found = common.tocoo()
    later, before = found.row.astype(np.int64) + some.start, found.col.astype(np.int64)
    earlier = before < later
    return later[earlier], before[earlier], found.data[earlier].astype(np.int64)


def _of_parts(held: _Held) -> tuple[sp.csr_array, _Sizes]:
    """Who has a part in any figure of each part (1), and how large each of its figures is at least."""
    part = np.repeat(np.arange(len(held.begins) - 1), np.diff(held.begins))
    height = len(held.begins) - 1
    any_of = sp.csr_array((np.ones(len(part), np.int32), (part, np.arange(len(part)))), (height, len(part)))
    whose = sp.csr_array(any_of @ held.much.astype(np.bool_).astype(np.int32))
    whose.data[:] = 1
    sizes = held.sizes
    people, left_out = (
        np.full((height, *some.shape[1:]), np.iinfo(np.int64).max // 4)
        for some in (sizes.people, sizes.left_out)
    )
    np.minimum.at(people, part, sizes.people)
    np.minimum.at(left_out, part, sizes.left_out)
    anybody, shows = np.zeros(height, dtype=np.bool_), np.zeros(people.shape, dtype=np.bool_)
    anybody[part[sizes.anybody]] = True
    shows[part] = sizes.shows
    return whose, _Sizes(people, left_out, anybody, shows)


def _may_be_close(sizes: _Sizes, one: Ints, other: Ints, both: Ints) -> Bools:
    """Whether two can differ in few people, `both` being how many of each group they have in common.

    They differ at least in as many people as they have, less twice those in common.
    """
    close = np.zeros(len(one), dtype=np.bool_)
    left_out = sizes.left_out[one] + sizes.left_out[other]
    anybody = sizes.anybody[one] | sizes.anybody[other]
    for group in range(sizes.people.shape[1]):
        ours, theirs, shared = sizes.people[one, group], sizes.people[other, group], 2 * both[:, group]
        mine, its = sizes.shows[one, group], sizes.shows[other, group]
        close |= (mine | its) & (ours + theirs - shared < FEWEST_PEOPLE)
        left_out += np.where(mine & ~its, ours, 0) + np.where(its & ~mine, theirs, 0)
        left_out -= np.where(mine & its, 0, shared)
        anybody |= mine ^ its
    return close | (anybody & (left_out < FEWEST_PEOPLE))


def _rows(begins: Ints, later: Ints, before: Ints, both: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
    """The figures of two parts, each with each, and `both` of the parts."""
    high, wide = np.diff(begins)[later], np.diff(begins)[before]
    for some in _batches(high * wide, PAIRS_AT_ONCE):
        count = (high * wide)[some]
        place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        width = np.repeat(wide[some], count)
        one = np.repeat(begins[later[some]], count) + place // width
        yield (
            one,
            np.repeat(begins[before[some]], count) + place % width,
            np.repeat(both[some], count, axis=0),
        )


def _batches(weights: Ints, most: int) -> Iterator[slice]:
    """Places in turn whose weights add up to about as many."""
    ends = np.searchsorted(np.cumsum(weights), np.arange(most, weights.sum() + most, most), side="right")
    begin = 0
    for end in (*np.maximum(ends, 1).tolist(), len(weights)):
        if begin < end:
            yield slice(begin, end)
            begin = end


def _differ_in_few(held: _Held, one: Ints, other: Ints) -> Bools:
    """Whether two figures differ, but in few people of a group that either shows or of those left out."""
    long = np.diff(held.much.indptr)
    found = [np.zeros(0, dtype=np.bool_)]
    for some in _batches(long[one] + long[other], CELLS_AT_ONCE):
        found.append(_few(held, one[some], other[some]))
    return np.concatenate(found)


def _few(held: _Held, one: Ints, other: Ints) -> Bools:
    people, _, _, shows = held.sizes
    apart = sp.csr_array(held.much[one] - held.much[other])
    apart.eliminate_zeros()
    differ = _by_group(apart, held.group_of, people.shape[1])
    few = ((shows[one] | shows[other]) & (differ < FEWEST_PEOPLE)).any(axis=1)
    is_out = ~(shows[one] & shows[other])
    anybody = (((people[one] + people[other]) > 0) & is_out).any(axis=1)
    left_out = anybody & ((differ * is_out).sum(axis=1) < FEWEST_PEOPLE)
    found: Bools = differ.any(axis=1) & (few | left_out)
    return found
