"""Trying again what may pass by itself: a few times, each after a longer wait."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from resources.problems import Passing

# A server's restart takes seconds; what lasts longer than these together wants a person.
WAITS_S = (2, 8, 30)

Made = TypeVar("Made")


def patiently(
    work: Callable[[], Made], say: Callable[[str], None], waits_s: Sequence[float] = WAITS_S
) -> Made:
    """What the work gives; where it raises Passing, it is told why, and done again after each wait."""
    for wait_s in waits_s:
        try:
            return work()
        except Passing as error:
            say(again(str(error), wait_s))
        time.sleep(wait_s)
    return work()


def again(cause: str, wait_s: float) -> str:
    return f"{cause}; again in {wait_s:g} s"
