"""The named, versioned settings of a snapshot: every default stands here once.

What belongs here: parameters as data, with unit and source. What they do stands where they are used.
Source of the bounds: the authors' published graph (`published-2023`) and their report (`default`).
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_DIGITS = 9  # of an h; no graph is that deep

Mark = Literal["marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure", "judgments_both_ways"]
FOUR_MARKS: tuple[Mark, ...] = ("marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConsensusPolicy(_Settings):
    """When an ordered pair of values is an edge of the moral graph. A bound of None is not applied."""

    name: str
    version: int = 1
    min_marked_wiser: int = Field(2, ge=0, description="fewest participants who say `upgrade`")
    max_opposed: float | None = Field(
        0.5, ge=0, description="largest marked_less_wise, as a share of marked_wiser"
    )
    min_majority: float | None = Field(
        0.5, ge=0, le=1, description="marked_wiser must exceed this share of all source → wiser answers"
    )
    min_likelihood: float = Field(0.33, gt=0, le=1, description="smallest wiser_likelihood")
    max_entropy: float = Field(1.38, ge=0, description="largest entropy of `entropy_counts`, in bits")
    entropy_counts: tuple[Mark, ...] = FOUR_MARKS
    unwind: bool = Field(True, description="whether loops are unwound, strongest edges kept")


PUBLISHED_2023 = ConsensusPolicy(
    name="published-2023",
    max_opposed=None,
    min_majority=None,
    max_entropy=1.69,
    # The authors summed over every count of a pair, the number of impressions among them.
    entropy_counts=(*FOUR_MARKS, "judgments_both_ways"),
    unwind=False,
)
DEFAULT = ConsensusPolicy(name="default")
POLICIES: Mapping[str, ConsensusPolicy] = {policy.name: policy for policy in (DEFAULT, PUBLISHED_2023)}


class Aggregation(_Settings):
    """How Γ finds the values that are wise for a case. `h` of None carries support along all edges."""

    h: int | None = Field(1, ge=0, description="edges along which support is carried at most")
    articulated: bool = Field(True, description="a card for the case that became the value is support")
    voted: bool = Field(True, description="a vote for the value in the case is support")
    judged_wiser: bool = Field(True, description="an `upgrade` that ends in the value is support")
    min_share: float = Field(1 / 3, ge=0, le=1, description="smallest support / exposed of a candidate")
    min_participants: int = Field(5, ge=1, description="smallest support of a candidate")
    top_k: int = Field(5, ge=1, description="most values for a case, or for a case and a context")


class SnapshotSettings(_Settings):
    """Everything that, with the inputs, decides the bytes of a snapshot."""

    policy: ConsensusPolicy = DEFAULT
    aggregation: Aggregation = Aggregation()
    dedup: Literal["given"] = "given"


def snapshot_settings(
    policy: str | None = None, h: str | None = None, dedup: str | None = None
) -> SnapshotSettings:
    """Settings from the words a person uses; h is a whole number or `all`. None stands for the default.

    Without an h, support is carried along one edge, or along none where the policy allows loops.
    Raises ValueError for a name or number that is not known.
    """
    chosen = POLICIES.get(policy or DEFAULT.name)
    if chosen is None:
        raise ValueError(f"no policy is called {policy!r}; there are {', '.join(sorted(POLICIES))}")
    if dedup not in (None, "given"):
        raise ValueError(f"no deduplication is called {dedup!r}; there is `given`")
    hops = _hops(h) if h is not None else (1 if chosen.unwind else 0)
    return SnapshotSettings(policy=chosen, aggregation=Aggregation(h=hops))


def _hops(h: str) -> int | None:
    if h == "all":
        return None
    if not h.isascii() or not h.isdigit() or len(h) > MOST_DIGITS:
        raise ValueError(f"h is a whole number from 0 on, or `all`; not {h!r}")
    return int(h)
