"""Whether two cards are the same value: pairs that a judge is asked about, and which answers are trusted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

Same = Literal["same", "different", "unsure"]
SAME: Same = "same"
UNKNOWN_PAIR, ANSWERED_TWICE, UNKNOWN_VERDICT, NO_ANSWER = (
    "unknown_pair",
    "answered_twice",
    "unknown_verdict",
    "no_answer",
)


class Card(NamedTuple):
    """Which card: `canonical` (the app's) or `card` (a participant's), and its id."""

    kind: str
    card_id: int


class Pair(NamedTuple):
    """Two cards, first < second, and how similar they are."""

    first: Card
    second: Card
    similarity: float


class Verdict(NamedTuple):
    """A judge's answer about two cards; `judge` has its version in it."""

    first: Card
    second: Card
    verdict: Same
    judge: str
    motivation: str | None = None
    prompt_version: str | None = None


class Judged(NamedTuple):
    """A verdict per pair, in their order; by reason, how many answers were wrong and pairs without any."""

    verdicts: Sequence[Verdict]
    set_aside: Mapping[str, int]


Judge = Callable[[Sequence[Pair]], Sequence[Verdict]]
# How well each card is written, from 1 to 5; None where there is no answer.
Rate = Callable[[Sequence[Card]], Sequence[int | None]]


class Asks(NamedTuple):
    """What a language model is asked."""

    judge: Judge
    rate: Rate


def judged(pairs: Sequence[Pair], judge: Judge, decider: str) -> Judged:
    """Asks about the pairs; only what answers one of them, and once, is trusted.

    A pair without such an answer is `unsure`, in the name of the `decider`, and the motivation says why.
    """
    asked = {(pair.first, pair.second) for pair in pairs}
    answers = [_in_order(answer) for answer in judge(pairs)] if pairs else []
    times = Counter((answer.first, answer.second) for answer in answers)
    wrong = Counter[str]()
    trusted = {}
    for answer in answers:
        which = (answer.first, answer.second)
        trouble = _trouble(answer, which in asked, times[which])
        if trouble is None:
            trusted[which] = answer
        else:
            wrong[trouble] += 1
    missing = asked - trusted.keys()
    wrong[NO_ANSWER] += sum(times[which] == 0 for which in missing)
    verdicts = [
        trusted.get(which) or Verdict(*which, "unsure", decider, "no answer that can be trusted")
        for which in ((pair.first, pair.second) for pair in pairs)
    ]
    return Judged(verdicts, {reason: count for reason, count in sorted(wrong.items()) if count})


def _in_order(answer: Verdict) -> Verdict:
    return answer._replace(first=min(answer.first, answer.second), second=max(answer.first, answer.second))


def _trouble(answer: Verdict, is_asked: bool, times: int) -> str | None:
    if not is_asked:
        return UNKNOWN_PAIR
    if times > 1:
        return ANSWERED_TWICE
    return None if answer.verdict in get_args(Same) else UNKNOWN_VERDICT
