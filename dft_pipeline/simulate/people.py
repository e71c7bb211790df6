"""Who takes part: users, their background, and the camp each stands in on the contested question."""

from dataclasses import dataclass

import numpy as np

from dft_pipeline.simulate.columns import (
    DAY,
    HOUR,
    Bools,
    Ints,
    Row,
    banded,
    between,
    iso,
    rows,
    spread,
    taken,
)

_PARTIES = ("Democrat", "Republican", "Independent")
_EXPIRED = "DATA_EXPIRED"


@dataclass(frozen=True)
class People:
    """Participants by position; a user's id is its position + 1. `joined` ascends."""

    joined: Ints
    camp: Ints
    straight_lining: Bools

    @property
    def count(self) -> int:
        return len(self.joined)


def gathered(rng: np.random.Generator, count: int) -> People:
    """About 3 % answer `upgrade` to everything, and at least one of 20."""
    joined = np.sort(between(rng, 3 * HOUR, 13 * DAY, count))
    straight = np.zeros(count, dtype=np.bool_)
    straight[rng.permutation(count)[: max(round(0.03 * count), int(count >= 20))]] = True
    return People(joined, spread(rng, count, 0.5, 0.5), straight)


def users(rng: np.random.Generator, people: People) -> list[Row]:
    """One row per participant."""
    ids = range(1, people.count + 1)
    recruited = (spread(rng, people.count, 0.3, 0.7) == 1).tolist()
    days = (people.joined // DAY).tolist()
    created = iso(people.joined)
    return rows(
        id=ids,
        email=[f"user-{i}@example.invalid" for i in ids],
        name=[None] * people.count,
        createdAt=created,
        updatedAt=created,
        role=[["USER"] for _ in ids],
        isAdmin=[False] * people.count,
        signupType=["PROLIFIC" if paid else "EMAIL" for paid in recruited],
        prolificId=[f"synthetic-{i:06d}" if paid else None for i, paid in zip(ids, recruited, strict=True)],
        batch=[1 + day // 3 if paid else None for day, paid in zip(days, recruited, strict=True)],
    )


def demographics(rng: np.random.Generator, people: People) -> list[Row]:
    """One row per participant who has a background on file, some of it expired or left out."""
    persons = np.flatnonzero(spread(rng, people.count, 0.3, 0.7))
    count = len(persons)
    party = taken(_PARTIES, _leaning(rng, people.camp[persons]))
    age = between(rng, 18, 80, count).tolist()
    sex = taken(("Female", "Male"), spread(rng, count, 0.5, 0.5))
    lost = spread(rng, count, 0.92, 0.04, 0.02, 0.02).tolist()
    return rows(
        id=range(1, count + 1),
        userId=(persons + 1).tolist(),
        usPoliticalAffiliation=[(p, _EXPIRED, None, p)[kind] for p, kind in zip(party, lost, strict=True)],
        age=[(a, None, a, None)[kind] for a, kind in zip(age, lost, strict=True)],
        sex=[(s, _EXPIRED, s, None)[kind] for s, kind in zip(sex, lost, strict=True)],
    )


def _leaning(rng: np.random.Generator, camp: Ints) -> Ints:
    """Index of the party: the camps lean somewhat, so that answers differ between groups."""
    return banded(rng, np.array([[0.30, 0.70], [0.46, 0.70]])[camp])
