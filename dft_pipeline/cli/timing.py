"""How the benchmark takes times."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

Result = TypeVar("Result")


class Timing(NamedTuple):
    """A stage's best time, and that of the least work that any engine must do for it, in seconds."""

    stage: str
    seconds: float
    floor: str
    floor_seconds: float


def timed(work: Callable[[], Result], repeats: int) -> tuple[Result, float]:
    """What the work gives, and the shortest of a few times: what the machine can do undisturbed."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return result, min(seconds)


def best(work: Callable[[], object], repeats: int) -> float:
    """The shortest time alone."""
    return timed(work, repeats)[1]
