"""Edge hypotheses, and the participants' judgments of them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dft_pipeline.raw.tables import RELATIONSHIPS
from dft_pipeline.simulate import vocabulary as words
from dft_pipeline.simulate.chats import ChatPlan
from dft_pipeline.simulate.columns import (
    HOUR,
    MINUTE,
    SECOND,
    Ints,
    Row,
    banded,
    between,
    iso,
    rows,
    taken,
)
from dft_pipeline.simulate.people import People
from dft_pipeline.simulate.transcripts import Dice, pick, rolled

_RUN = "simulated-run-1"
_PER_PARTICIPANT = 12
_REVERSED = 12
_UNRELATED = 12
_OWN_CASE_WEIGHT = 4.0
_CYCLE = words.CONTESTED_CYCLE


class Kind(IntEnum):
    """How a hypothesis stands to the planted truth, and for the loop to the participant's camp."""

    ALONG = 0
    REVERSED = 1
    UNRELATED = 2
    CONTESTED = 3
    CYCLE_AGREED = 4
    CYCLE_DENIED = 5


# How often a hypothesis of each kind is asked, against one along the gradient.
_ASK_WEIGHTS = np.array([1.0, 0.4, 0.45, 2.0, 2.5, 0.3])
# Shares of upgrade, no_upgrade and not_sure. Where everybody is asked everything, half agreeing at 0.92 and
# half denying at 0.25 still makes a majority on every side of the loop.
_ANSWER_SHARES = np.array(
    [
        [0.85, 0.09, 0.06],
        [0.06, 0.82, 0.12],
        [0.40, 0.42, 0.18],
        [0.62, 0.28, 0.10],
        [0.92, 0.05, 0.03],
        [0.25, 0.65, 0.10],
    ]
)


@dataclass(frozen=True)
class Hypothesis:
    """A proposed upgrade. `agreeing_camp`: which camp sees it so, for a side of the loop, else None."""

    source: int
    wiser: int
    context: str
    kind: Kind
    story: str
    agreeing_camp: int | None = None


def proposed(rng: np.random.Generator) -> list[Hypothesis]:
    """All that is asked, sorted by (source, wiser)."""
    dice = rolled(rng)
    along = [(*pair, Kind.ALONG, None) for pair in words.WISDOM_PAIRS]
    kinds = [*along, *_reversed(rng), *_unrelated(rng), *_contested(), *_cycle()]
    return [Hypothesis(a, b, k, kind, _story(a, b, k, dice), camp) for a, b, k, kind, camp in sorted(kinds)]


_Plan = tuple[int, int, str, Kind, int | None]


def _reversed(rng: np.random.Generator) -> list[_Plan]:
    chosen = rng.permutation(len(words.WISDOM_PAIRS))[:_REVERSED].tolist()
    pairs = [words.WISDOM_PAIRS[position] for position in chosen]
    return [(wiser, source, context, Kind.REVERSED, None) for source, wiser, context in pairs]


def _unrelated(rng: np.random.Generator) -> list[_Plan]:
    """Pairs of one case that nothing was planted about, upwards by id, so that chance closes no loop."""
    planted = {pair[:2] for pair in (*words.WISDOM_PAIRS, words.CONTESTED_PAIR)}
    free = [
        (source.id, wiser.id, case)
        for case, values in zip(words.CASES, words.VALUES_BY_CASE, strict=True)
        for source in values
        for wiser in values
        if source.id < wiser.id
        and (source.id, wiser.id) not in planted
        and not {source.id, wiser.id} <= set(_CYCLE)
    ]
    chosen = [free[position] for position in rng.permutation(len(free))[:_UNRELATED].tolist()]
    contexts = rng.integers(0, 4, len(chosen)).tolist()
    return [
        (source, wiser, case.contexts[index], Kind.UNRELATED, None)
        for (source, wiser, case), index in zip(chosen, contexts, strict=True)
    ]


def _contested() -> list[_Plan]:
    one, other, context = words.CONTESTED_PAIR
    return [(a, b, context, Kind.CONTESTED, None) for a, b in ((one, other), (other, one))]


def _cycle() -> list[_Plan]:
    a, b, c = _CYCLE
    context = words.CONTESTED_CYCLE_CONTEXT
    sides = ((a, b, 0), (b, c, 0), (c, a, 1))
    return [(source, wiser, context, Kind.CYCLE_AGREED, camp) for source, wiser, camp in sides]


def _story(source: int, wiser: int, context: str, dice: Dice) -> str:
    """A first-person account of growing out of one value into the other."""
    values = {value.id: value for value in words.VALUES}
    return " ".join(
        (
            f"{context}, {values[source].before}",
            pick(words.TURNING_POINTS, dice),
            values[wiser].insight,
            values[wiser].after,
            pick(words.CONCLUSIONS, dice),
        )
    )


def hypothesis_rows(hypotheses: list[Hypothesis]) -> list[Row]:
    """One row per proposed upgrade."""
    created = iso(2 * HOUR + SECOND * np.arange(len(hypotheses)))
    return rows(
        fromId=[h.source for h in hypotheses],
        toId=[h.wiser for h in hypotheses],
        story=[h.story for h in hypotheses],
        contextId=[h.context for h in hypotheses],
        createdAt=created,
        updatedAt=created,
        runId=[_RUN] * len(hypotheses),
    )


def judgment_count(wanted: int | None, participants: int, hypotheses: int) -> int:
    """How many judgments to make, each a participant's first about a pair."""
    most = participants * hypotheses
    if wanted is not None and wanted > most:
        raise ValueError(
            f"{wanted} judgments are not possible: {participants} participants and {hypotheses} "
            f"askable pairs allow at most {most}"
        )
    return min(_PER_PARTICIPANT * participants, most) if wanted is None else wanted


def judged(
    rng: np.random.Generator,
    people: People,
    plan: ChatPlan,
    ready: Ints,
    hypotheses: list[Hypothesis],
    count: int,
) -> list[Row]:
    """One row per judgment, in order of time. `ready`: when each participant starts, in milliseconds."""
    kinds = _kinds(people, hypotheses)
    person, asked = _asked(rng, kinds, _own_case(people, plan, hypotheses), count)
    answers = _answers(rng, kinds[person, asked])
    answers[people.straight_lining[person]] = 0
    at = _times(rng, person, ready)
    order = np.argsort(at, kind="stable")
    return _edge_rows(rng, person[order], asked[order], answers[order], at[order], hypotheses)


def _kinds(people: People, hypotheses: list[Hypothesis]) -> NDArray[np.int8]:
    """The kind of each hypothesis (columns) to each participant (rows)."""
    kinds = np.tile(np.array([h.kind for h in hypotheses], dtype=np.int8), (people.count, 1))
    for column, hypothesis in enumerate(hypotheses):
        if hypothesis.agreeing_camp is not None:
            kinds[people.camp != hypothesis.agreeing_camp, column] = Kind.CYCLE_DENIED
    return kinds


def _own_case(people: People, plan: ChatPlan, hypotheses: list[Hypothesis]) -> NDArray[np.bool_]:
    """Whether the participant (row) chatted about the case of the values in the hypothesis (column)."""
    chatted = np.zeros((people.count, len(words.CASES)), dtype=np.bool_)
    chatted[plan.person, plan.case] = True
    case_of = {value.id: case for case, values in enumerate(words.VALUES_BY_CASE) for value in values}
    return chatted[:, [case_of[h.wiser] for h in hypotheses]]


def _asked(
    rng: np.random.Generator, kinds: NDArray[np.int8], own_case: NDArray[np.bool_], count: int
) -> tuple[Ints, Ints]:
    """Exactly `count` distinct (participant, hypothesis): the smallest of all weighted waiting times."""
    waiting = rng.exponential(size=kinds.shape) / _ASK_WEIGHTS[kinds]
    waiting[own_case] /= _OWN_CASE_WEIGHT
    chosen = np.argsort(waiting, axis=None, kind="stable")[:count]
    # In order of participant, and for each in the order of the waiting times.
    chosen = chosen[np.argsort(chosen // kinds.shape[1], kind="stable")]
    person, asked = np.divmod(chosen, kinds.shape[1])
    return person, asked


def _answers(rng: np.random.Generator, kinds: NDArray[np.int8]) -> Ints:
    """Index of the relationship."""
    return banded(rng, np.cumsum(_ANSWER_SHARES, axis=1)[kinds, :2])


def _times(rng: np.random.Generator, person: Ints, ready: Ints) -> Ints:
    """When each judgment is made: one every 45 seconds or so. `person` ascends."""
    starts = np.searchsorted(person, person)
    rank = np.arange(len(person)) - starts
    pause = between(rng, MINUTE, 5 * MINUTE, len(ready))[person]
    return ready[person] + pause + rank * 45 * SECOND + between(rng, 0, 30 * SECOND, len(person))


def _edge_rows(
    rng: np.random.Generator,
    person: Ints,
    asked: Ints,
    answers: Ints,
    at: Ints,
    hypotheses: list[Hypothesis],
) -> list[Row]:
    edited = rng.random(len(at)) < 0.02
    later = between(rng, 10 * MINUTE, 20 * HOUR, len(at))
    return rows(
        userId=(person + 1).tolist(),
        fromId=taken([h.source for h in hypotheses], asked),
        toId=taken([h.wiser for h in hypotheses], asked),
        story=taken([h.story for h in hypotheses], asked),
        contextId=taken([h.context for h in hypotheses], asked),
        runId=[_RUN] * len(at),
        relationship=taken(RELATIONSHIPS, answers),
        comment=_comments(rng, answers),
        createdAt=iso(at),
        updatedAt=iso(np.where(edited, at + later, at)),
    )


def _comments(rng: np.random.Generator, answers: Ints) -> list[str | None]:
    """A comment on one judgment in twelve."""
    speaks = np.flatnonzero(rng.random(len(answers)) < 1 / 12)
    which = rng.random(len(speaks)).tolist()
    comments: list[str | None] = [None] * len(answers)
    for position, answer, drawn in zip(speaks.tolist(), answers[speaks].tolist(), which, strict=True):
        options = words.COMMENTS[RELATIONSHIPS[answer]]
        comments[position] = options[int(drawn * len(options))]
    return comments
