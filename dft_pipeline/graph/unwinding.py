"""Unwinding: which edges must go so that no loop is left, the strongest being kept.

Edges are taken strongest first and each is kept that closes no cycle with those kept. The order in
which kept edges allow their ends to be written down is maintained as edges come in (Pearce and Kelly,
"A dynamic topological sort algorithm for directed acyclic graphs", 2007), so a test for a cycle looks
only at what lies between the two ends.
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as csgraph
from numpy.typing import NDArray


def components(sources: NDArray[np.int64], targets: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    """The strongly connected component of each of `size` nodes, as labels; shape (size,)."""
    matrix = sp.csr_array((np.ones(len(sources), dtype=np.int8), (sources, targets)), shape=(size, size))
    labels: NDArray[np.int32] = csgraph.connected_components(matrix, connection="strong")[1]
    return labels


def unwound(edges: Sequence[tuple[int, int]]) -> list[int]:
    """The positions of the edges that close a cycle with stronger ones kept; strongest edge first."""
    order = _Order({node for edge in edges for node in edge})
    return [position for position, edge in enumerate(edges) if not order.admits(*edge)]


class _Order:
    """An acyclic graph that grows, with a topological order of its nodes."""

    def __init__(self, nodes: set[int]) -> None:
        self.place = {node: place for place, node in enumerate(sorted(nodes))}
        self.after: dict[int, list[int]] = {node: [] for node in nodes}
        self.before: dict[int, list[int]] = {node: [] for node in nodes}

    def admits(self, source: int, target: int) -> bool:
        """Adds the edge, unless it closes a cycle; whether it was added."""
        first, last = self.place[target], self.place[source]
        if first <= last:
            ahead = self._reach(target, self.after, first, last)
            if source in ahead:
                return False
            self._reorder(self._reach(source, self.before, first, last), ahead)
        self.after[source].append(target)
        self.before[target].append(source)
        return True

    def _reach(self, start: int, steps: dict[int, list[int]], first: int, last: int) -> set[int]:
        """What can be reached from `start` within the places from `first` to `last`."""
        found, todo = {start}, [start]
        while todo:
            for node in steps[todo.pop()]:
                if node not in found and first <= self.place[node] <= last:
                    found.add(node)
                    todo.append(node)
        return found

    def _reorder(self, behind: set[int], ahead: set[int]) -> None:
        moved = sorted(behind, key=self.place.__getitem__) + sorted(ahead, key=self.place.__getitem__)
        places = sorted(self.place[node] for node in moved)
        self.place.update(zip(moved, places, strict=True))
