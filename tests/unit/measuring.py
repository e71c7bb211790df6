"""What a plant changes: the gates that no longer hold, and what the others see."""

from collections.abc import Iterable

from dft_pipeline.gates import Measured

Seen = dict[str, Measured]


def by_name(measured: Iterable[Measured]) -> Seen:
    return {one.gate.name: one for one in measured}


def is_within(one: Measured) -> bool:
    """Whether the statistic lies within its bounds; nothing to measure does."""
    low, high = one.gate.low, one.gate.high
    above = one.value is None or low is None or one.value >= low
    return above and (one.value is None or high is None or one.value <= high)


def outside(seen: Seen) -> set[str]:
    return {name for name, one in seen.items() if not is_within(one)}


def changed(before: Seen, after: Seen) -> set[str]:
    """The gates that see something else than they saw."""
    assert before.keys() == after.keys()
    return {name for name, one in after.items() if one != before[name]}
