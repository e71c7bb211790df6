"""Quality gates: what must hold of a table before anything is built on it, and what was seen, in words.

What belongs here: the declaration of a gate, a statistic measured for it, and the sentence for people. How
a statistic is measured stands beside the tables it is of; whether a gate holds is decided outside.
"""

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

NOTHING = "nothing to measure"
DEFECT = "a defect of the pipeline: keep the lake as it is, and report it with the run's log"
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Gate:
    """One statistic of one table, and the inclusive bounds that it must lie within."""

    name: str  # snake_case, unique within its asset
    asset: str  # the table that it speaks of; raw tables are `raw/<name>`
    says: str  # what must hold, in words
    low: float | None = None
    high: float | None = None
    blocks: bool = True  # False: a warning, and the night goes on
    unit: str = "rows"  # what the statistic counts, as a plural; "share" for a share
    mend: str = ""  # what to do where it does not hold

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if not NAME.fullmatch(self.name):
            raise ValueError(f"a gate's name is snake_case: {self.name!r}")
        if not bounds or not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
            raise ValueError(f"{self.key} needs finite bounds, the low one first: {self.low}, {self.high}")

    @property
    def key(self) -> str:
        """The gate's name among all gates."""
        return f"{self.asset}.{self.name}"

    @property
    def bounds(self) -> str:
        """The bounds in words: "0", "0 to 1", "at most 5" or "at least 10"."""
        if self.high is None:
            return f"at least {_number(self.low or 0)}"
        if self.low == self.high or (self.low is None and self.high == 0):
            return _number(self.high)
        if self.low is None:
            return f"at most {_number(self.high)}"
        return f"{_number(self.low)} to {_number(self.high)}"


class Measured(NamedTuple):
    """The statistic of a gate, and which rows made it so."""

    gate: Gate
    value: float | None  # None: there was nothing to measure, and the gate holds
    rows: tuple[str, ...] = ()  # keys of offending rows, a handful, safe to print
    seen: str = ""  # further words

    def found(self, passed: bool) -> str:
        """What was seen, in words, given whether the gate holds."""
        where = () if passed else (f"look at {self.gate.asset}", self.gate.mend)
        return "; ".join(filter(None, (self._statistic(passed), self.seen, *where)))

    def _statistic(self, passed: bool) -> str:
        if self.value is None:
            return NOTHING
        amount = _amount(self.value, self.gate)
        return f"{amount}{self._against_bounds(passed)}{self._named(self.value)}"

    def _against_bounds(self, passed: bool) -> str:
        low, high, bounds = self.gate.low, self.gate.high, self.gate.bounds
        if not passed:
            return f" ({bounds} {'needed' if high is None else 'allowed'})"
        if high is not None and bounds == _number(high):
            return ""  # the only number allowed
        return f", {bounds}" if low is None or high is None else f", within {bounds}"

    def _named(self, value: float) -> str:
        """The rows; a count beyond them tells that there are more."""
        more = ("…",) if _is_whole(value) and value > len(self.rows) else ()
        return f": {', '.join(self.rows + more)}" if self.rows else ""


def _amount(value: float, gate: Gate) -> str:
    if math.isnan(value):
        return "not a number"
    return f"{_off_bounds(value, gate)} {_singular(gate.unit) if value == 1 else gate.unit}"


def _off_bounds(value: float, gate: Gate) -> str:
    """The number, rounded, but never onto a bound that it only comes near."""
    rounded = _number(value)
    others = [bound for bound in (gate.low, gate.high) if bound is not None and bound != value]
    return repr(value) if rounded in map(_number, others) else rounded


def _number(value: float) -> str:
    """Whole numbers whole, with commas; others to four figures."""
    return f"{int(value):,}" if _is_whole(value) else f"{value:.4g}"


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == int(value)


def _singular(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
