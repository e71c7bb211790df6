"""Whose words a card has: those that the user found, or those that the assistant put forward."""

import re
from collections.abc import Iterable, Iterator

from dft_pipeline.values.transcripts import Transcript

WORD = re.compile(r"[^\W_]{2,}")
# Words of grammar, and what is left of them where an apostrophe parts them ("don't", "we'll").
STOP_WORDS = frozenset(
    """
    about above after again against all also although am among an and another any are aren around as at
    away be because been before being below between both but by can cannot could couldn did didn do does
    doesn doing don done down during each either else enough even ever every few for from further had
    hadn has hasn have haven having he her here hers herself him himself his how however if in into is
    isn it its itself just least less let ll many may me might mine more most much must mustn my myself
    neither no nor not now of off often on once one ones only onto or other others ought our ours
    ourselves out over own per quite rather re same shall she should shouldn since so some still such
    than that the their theirs them themselves then there these they this those though through thus till
    to too toward towards under until unto up upon us ve very was wasn we were weren what whatever when
    whenever where wherever whether which while who whoever whom whose why will with within without won
    would wouldn yet you your yours yourself yourselves
    """.split()  # noqa: SIM905 (read more easily so than as a list of literals)
)


def leading_share(transcript: Transcript) -> float | None:
    """Of the distinct content words in the last card's criteria that somebody said before it was shown,
    the share that the assistant said first; earlier cards are the assistant's words.

    None where there is no card, or none of its words was said.
    """
    last = transcript.last
    if last is None or last.card is None:
        return None
    return led_share(last.card.criteria, transcript, last.message)


def led_share(criteria: Iterable[str], transcript: Transcript, end: int | None = None) -> float | None:
    """The same of any criteria, and of what was said before the message `end`; without one, of the whole."""
    unsaid, said, led = content_words(" ".join(criteria)), 0, 0
    for is_assistants, text in _said(transcript, end):
        first = unsaid.intersection(_words(text))
        unsaid -= first
        said += len(first)
        led += len(first) if is_assistants else 0
        if not unsaid:
            break
    return led / said if said else None


def content_words(text: str) -> set[str]:
    """The words of a text in lower case, but for STOP_WORDS and single letters."""
    return set(_words(text)) - STOP_WORDS


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _said(transcript: Transcript, end: int | None) -> Iterator[tuple[bool, str]]:
    """What was said before a message, in order, and whether it was the assistant who said it."""
    cards = {shown.message: shown.card for shown in transcript.shown}
    for place, message in enumerate(transcript.messages[:end]):
        if message.role in ("assistant", "user"):
            yield message.role == "assistant", message.content or ""
        elif card := cards.get(place):
            yield True, " ".join((*card[:3], *card.criteria))
