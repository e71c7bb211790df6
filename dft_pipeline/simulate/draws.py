"""Draws: six values of a case shown to a participant, who votes for one to four of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dft_pipeline.simulate import vocabulary as words
from dft_pipeline.simulate.chats import ChatPlan
from dft_pipeline.simulate.columns import (
    MINUTE,
    SECOND,
    Bools,
    Ints,
    Row,
    between,
    iso,
    rows,
    spread,
    taken,
    tokens,
)

_SHOWN = 6
_VOTE_COUNT_SHARES = (0.3, 0.35, 0.25, 0.1)
_VALUE_IDS = np.array([[value.id for value in values] for values in words.VALUES_BY_CASE])


@dataclass(frozen=True)
class Draws:
    """Rows of `impression` and `vote`, and when each participant was done, in milliseconds."""

    impressions: list[Row]
    votes: list[Row]
    done: Ints


@dataclass(frozen=True)
class _Drawn:
    """Draws by position, in order of time. `slots`: the values shown, by their place in the case."""

    person: Ints
    case: Ints
    at: Ints
    slots: Ints
    tokens: list[str]


def drawn(rng: np.random.Generator, plan: ChatPlan) -> Draws:
    draws = _draws(rng, plan)
    votes, done = _votes(rng, draws)
    return Draws(_impressions(draws), votes, done)


def _another_case(rng: np.random.Generator, first: Ints, last: Ints) -> Ints:
    """The last chat's case, or any other where it is the first one's: a value is drawn once per case."""
    cases = len(_VALUE_IDS)
    return np.where(last == first, (first + rng.integers(1, cases, len(first))) % cases, last)


def _draws(rng: np.random.Generator, plan: ChatPlan) -> _Drawn:
    """One draw per participant about the first chat's case, and for half a later one about another case."""
    # A plan is in order of time, so the first position of a person is its first chat.
    _, first = np.unique(plan.person, return_index=True)
    last = len(plan.person) - 1 - np.unique(plan.person[::-1], return_index=True)[1]
    again = np.flatnonzero(spread(rng, len(first), 0.5, 0.5))
    at = plan.ended[last] + between(rng, MINUTE, 4 * MINUTE, len(first))
    later = at[again] + between(rng, 4 * MINUTE, 6 * MINUTE, len(again))
    person = np.concatenate([np.arange(len(first)), again])
    case = np.concatenate([plan.case[first], _another_case(rng, plan.case[first], plan.case[last])[again]])
    times = np.concatenate([at, later])
    order = np.argsort(times, kind="stable")
    slots = np.argsort(rng.random((len(order), _VALUE_IDS.shape[1])), axis=1)[:, :_SHOWN]
    return _Drawn(person[order], case[order], times[order], slots, tokens(rng, len(order)))


def _impressions(draws: _Drawn) -> list[Row]:
    count = len(draws.person)
    shown = np.repeat(np.arange(count), _SHOWN)
    created = iso(draws.at[shown] + np.tile(np.arange(_SHOWN), count))
    return rows(
        id=range(1, len(shown) + 1),
        userId=(draws.person[shown] + 1).tolist(),
        drawId=taken(draws.tokens, shown),
        valuesCardId=_VALUE_IDS[draws.case[shown], draws.slots.ravel()].tolist(),
        caseId=taken([case.id for case in words.CASES], draws.case[shown]),
        createdAt=created,
        updatedAt=created,
    )


def _votes(rng: np.random.Generator, draws: _Drawn) -> tuple[list[Row], Ints]:
    """The votes' rows, one in a hundred submitted twice, and when each participant cast the last one."""
    draw, place = np.nonzero(_chosen(rng, draws))
    at = draws.at[draw] + between(rng, 20 * SECOND, 2 * MINUTE, len(draw))
    twice = rng.permutation(len(draw))[: len(draw) // 100]
    again = at[twice] + between(rng, SECOND, 4 * SECOND, len(twice))
    draw, place = np.append(draw, draw[twice]), np.append(place, place[twice])
    at = np.append(at, again)
    done = np.zeros(int(draws.person.max()) + 1, dtype=np.int64)
    np.maximum.at(done, draws.person[draw], at)
    order = np.argsort(at, kind="stable")
    return _vote_rows(draws, draw[order], place[order], at[order]), done


def _chosen(rng: np.random.Generator, draws: _Drawn) -> Bools:
    """Which of the shown values get a vote: the smallest waiting times, where wiser values wait less."""
    weights = _wisdom_weights()[draws.case[:, None], draws.slots]
    waiting = rng.exponential(size=weights.shape) / weights
    rank = np.argsort(np.argsort(waiting, axis=1), axis=1)
    count = 1 + rng.choice(len(_VOTE_COUNT_SHARES), len(draws.case), p=_VOTE_COUNT_SHARES)
    return rank < count[:, None]


def _wisdom_weights() -> NDArray[np.float64]:
    """Per case and value: 1 + the longest planted way that leads up to it."""
    level = dict.fromkeys(_VALUE_IDS.ravel().tolist(), 0)
    for source, wiser, _ in sorted(words.WISDOM_PAIRS):
        level[wiser] = max(level[wiser], level[source] + 1)
    return np.array([[1.0 + level[value] for value in values] for values in _VALUE_IDS.tolist()])


def _vote_rows(draws: _Drawn, draw: Ints, place: Ints, at: Ints) -> list[Row]:
    created = iso(at)
    return rows(
        id=range(1, len(draw) + 1),
        userId=(draws.person[draw] + 1).tolist(),
        valuesCardId=_VALUE_IDS[draws.case[draw], draws.slots[draw, place]].tolist(),
        caseId=taken([case.id for case in words.CASES], draws.case[draw]),
        createdAt=created,
        updatedAt=created,
        drawId=taken(draws.tokens, draw),
    )
