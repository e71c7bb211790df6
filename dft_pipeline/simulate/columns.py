"""Columns of random numbers, and rows made of columns. Times are whole milliseconds since the start."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T")

START = np.datetime64("2024-01-01T00:00:00.000", "ms")
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def iso(times: Ints) -> list[str]:
    """Times as the app writes them, e.g. `2024-01-01T00:00:00.000Z`."""
    texts: list[str] = np.datetime_as_string(
        START + times.astype("timedelta64[ms]"), unit="ms", timezone="UTC"
    ).tolist()
    return texts


def rows(**columns: Iterable[Any]) -> list[Row]:
    """One row per position of the equally long columns, keys in the order given."""
    names = tuple(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def taken(options: Sequence[T], index: NDArray[np.integer[Any]]) -> list[T]:
    """The option at each index."""
    return [options[position] for position in index.tolist()]


def between(rng: np.random.Generator, low: int, high: int, count: int) -> Ints:
    """`count` whole numbers from `low` up to, not including, `high`."""
    return rng.integers(low, high, count, dtype=np.int64)


def spread(rng: np.random.Generator, count: int, *shares: float) -> Ints:
    """Kinds 0, 1, ... in exactly these shares (but for rounding), in random order."""
    bounds = np.cumsum(shares)[:-1]
    kinds = np.searchsorted(bounds, (np.arange(count) + 0.5) / max(count, 1))
    return rng.permutation(kinds).astype(np.int64)


def banded(rng: np.random.Generator, bounds: NDArray[np.float64]) -> Ints:
    """Per row of ascending bounds in [0, 1], the band in which a random number falls."""
    bands: Ints = (rng.random((len(bounds), 1)) > bounds).sum(axis=1)
    return bands


def tokens(rng: np.random.Generator, count: int) -> list[str]:
    """Random ids in the shape of a UUID."""
    halves = rng.integers(0, 2**63, (count, 2), dtype=np.int64).tolist()
    texts = [f"{high:016x}{low:016x}" for high, low in halves]
    return [f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in texts]
