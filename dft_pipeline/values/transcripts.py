"""One chat's transcript: what was said in it, and which cards it showed.

What belongs here: the app's JSON, in all its variants, and what can be wrong with it. Whatever can be read
is read; nothing raises. What is made of many transcripts stands in `articulation`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Problem = Literal[
    "no_transcript",
    "not_json",
    "too_deep",
    "no_list",
    "bad_message",
    "card_not_json",
    "card_incomplete",
]

SHOWING = ("show_values_card", "articulate_values_card")  # the second is the older name
SUBMITTING = "submit_values_card"
# Begins what a function tells the model alone: that a card was shown, or what is still amiss with it.
NOTE = "<"
# The halves of a pair, in which JSON may write any character, are no text where one stands alone.
HALF = re.compile("[\ud800-\udfff]")


class Message(NamedTuple):
    """A message that can be read. `function` is the one that it calls for, or whose result it is."""

    role: str
    content: str | None
    function: str | None = None


class Card(NamedTuple):
    """A card's text, word for word."""

    title: str
    instructions_short: str
    instructions_detailed: str
    criteria: tuple[str, ...]


class Shown(NamedTuple):
    """A card that was shown, in which of the messages; None where it cannot be read."""

    message: int
    card: Card | None


@dataclass(frozen=True)
class Transcript:
    """What can be read of a transcript, oldest first; `problem` is the first thing that cannot, in its order.

    Messages that cannot be read are left out.
    """

    messages: tuple[Message, ...] = ()
    shown: tuple[Shown, ...] = ()
    problem: Problem | None = None

    @property
    def turns(self) -> int:
        """How many messages the user wrote."""
        return sum(message.role == "user" for message in self.messages)

    @property
    def last(self) -> Shown | None:
        """The card that counts, of several: the last."""
        return self.shown[-1] if self.shown else None

    @property
    def is_called_for(self) -> bool:
        """Whether the assistant found that enough was said for a card."""
        return any(message.function in SHOWING for message in self.messages)

    @property
    def is_submitted(self) -> bool:
        """Whether the card was submitted, which ends the chat."""
        return any(message.function == SUBMITTING for message in self.messages)


def read_transcript(text: str | None) -> Transcript:
    """Reads the JSON of the app's `chat.transcript`."""
    if text is None or not text.strip():
        return Transcript(problem="no_transcript")
    try:
        found = json.loads(text)
    except RecursionError:
        return Transcript(problem="too_deep")
    except ValueError:
        return Transcript(problem="not_json")
    return _read(found) if isinstance(found, list) else Transcript(problem="no_list")


def _read(found: list[Any]) -> Transcript:
    messages: list[Message] = []
    shown: list[Shown] = []
    problems: list[Problem] = []
    for message in map(_message, found):
        if message is None:
            problems.append("bad_message")
            continue
        if _shows(message):
            card = _card(message.content or "")
            shown.append(Shown(len(messages), card if isinstance(card, Card) else None))
            if isinstance(card, str):
                problems.append(card)
        messages.append(message)
    return Transcript(tuple(messages), tuple(shown), next(iter(problems), None))


def _message(found: Any) -> Message | None:
    if not isinstance(found, dict):
        return None
    role, content = found.get("role"), found.get("content")
    if not isinstance(role, str) or not (content is None or isinstance(content, str)):
        return None
    return Message(role, content, _function(role, found))


def _function(role: str, found: Mapping[str, Any]) -> str | None:
    if role == "function":
        name = found.get("name")
    else:
        call = found.get("function_call")
        name = call.get("name") if isinstance(call, dict) else None
    return name if isinstance(name, str) else None


def _shows(message: Message) -> bool:
    is_result = message.role == "function" and message.function in SHOWING
    return is_result and not (message.content or "").lstrip().startswith(NOTE)


def _card(content: str) -> Card | Problem:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return "card_not_json"
    if not isinstance(found, dict):
        return "card_incomplete"
    criteria = found.get("evaluation_criteria")
    texts: list[Any] = [found.get(name) for name in ("title", "instructions_short", "instructions_detailed")]
    if not isinstance(criteria, list) or not all(_are_text([*texts, *criteria])):
        return "card_incomplete"
    return Card._make([*texts, tuple(criteria)])


def _are_text(values: list[Any]) -> Iterator[bool]:
    return (isinstance(value, str) and not HALF.search(value) for value in values)
