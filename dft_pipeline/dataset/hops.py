"""Support and exposure carried along the edges of a graph, hop by hop.

Who holds a value is a row of bits, sixty-four participants to a word: carried along an edge, a row is
added to another, less the participants who judged the pair otherwise. Bits rather than a list of the places
that are not zero: carried along thousands of edges, most places are filled.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

WORD = 64
WORDS_AT_ONCE = 2**17  # a megabyte, which stays near the processor

Bits = NDArray[np.uint64]
Places = NDArray[np.int64]


def packed(rows: Places, people: Places, shape: tuple[int, int]) -> Bits:
    """A bit wherever a row and a participant are named together; `shape` is (rows, participants).

    Shape of the result: (rows, words), a word for every sixty-four participants.
    """
    words = _words(shape[1])
    bits = np.zeros((shape[0], words), dtype=np.uint64)
    where, marks = _marks(rows, people, words)
    bits.reshape(-1)[where] = marks
    return bits


def unpacked(bits: Bits, people: int) -> NDArray[np.bool_]:
    """A row of bits as a truth for each participant; shape (people,)."""
    return np.unpackbits(bits.view(np.uint8), bitorder="little", count=people).astype(np.bool_)


def counted(bits: Bits) -> Places:
    """How many participants each row has; shape (rows,)."""
    counts: Places = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    return counts


class Steps:
    """The edges of a graph, and who may not be carried along which of them."""

    def __init__(self, sources: Places, targets: Places, refused: tuple[Places, Places], people: int) -> None:
        """`refused` are an edge and a participant each; edges are places in `sources` and `targets`."""
        order = np.argsort(targets, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        self.sources, self.targets, words = sources[order], targets[order], _words(people)
        where, self.marks = _marks(place[refused[0]], refused[1], words)
        self.word = where % max(words, 1)
        self.begins = np.searchsorted(where, np.arange(len(order) + 1) * words)
        self.at_once = max(WORDS_AT_ONCE // max(words, 1), 1)

    def every(self, *held: Bits) -> Iterator[tuple[Bits, ...]]:
        """What is held after one hop, two, and so on, until a further hop adds nothing to any of `held`."""
        moved = [np.ones(len(bits), dtype=np.bool_) for bits in held]
        while True:
            following = tuple(map(self._once, held, moved))
            moved = [(new != old).any(axis=1) for new, old in zip(following, held, strict=True)]
            if not any(map(np.any, moved)):
                return
            yield following
            held = following

    def _once(self, held: Bits, moved: NDArray[np.bool_]) -> Bits:
        """What is held, and what follows along one edge of somebody who did not refuse it.

        `moved`: the rows that the last hop added to; along the edges from others, all was carried before.
        """
        following = held.copy()
        every = np.flatnonzero(moved[self.sources])
        for first in range(0, len(every), self.at_once):
            edges = every[first : first + self.at_once]
            targets = self.targets[edges]
            starts = np.flatnonzero(np.diff(targets, prepend=-1))
            following[targets[starts]] |= np.bitwise_or.reduceat(self._carried(held, edges), starts, axis=0)
        return following

    def _carried(self, held: Bits, edges: Places) -> Bits:
        """The rows that edges lead on from, a row for each edge, less who refused it."""
        carried = held[self.sources[edges]]
        begins = self.begins[edges]
        counts = self.begins[edges + 1] - begins
        before = np.cumsum(counts) - counts
        refusals = np.arange(counts.sum()) + np.repeat(begins - before, counts)
        rows = np.repeat(np.arange(len(edges)), counts)
        carried[rows, self.word[refusals]] &= ~self.marks[refusals]
        return carried


def longest_way(sources: Places, targets: Places, size: int) -> int:
    """The most edges that follow each other in a graph of `size` nodes; it must not have a loop."""
    length = np.zeros(size, dtype=np.int64)
    while len(sources):
        further = length.copy()
        np.maximum.at(further, targets, length[sources] + 1)
        if np.array_equal(further, length):
            break
        length = further
    return int(length.max(initial=0))


def _words(people: int) -> int:
    return -(-people // WORD)


def _marks(rows: Places, people: Places, words: int) -> tuple[Places, Bits]:
    """The words that are not zero, by their place when rows follow each other, and what stands in them."""
    keys = np.sort(rows * (words * WORD) + people)
    word = keys // WORD
    starts = np.flatnonzero(np.diff(word, prepend=-1))
    bits = np.left_shift(np.uint64(1), (keys % WORD).astype(np.uint64))
    return word[starts], np.bitwise_or.reduceat(bits, starts)
