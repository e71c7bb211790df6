"""Cards in varying words, and the chats in which they come about."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal, TypeVar

import numpy as np

from dft_pipeline.simulate import vocabulary as words
from dft_pipeline.simulate.vocabulary import Case, Value

Card = dict[str, Any]
Message = dict[str, Any]
Dice = Iterator[float]
Variant = Literal["plain", "older", "several", "user_first", "unfinished"]
T = TypeVar("T")
_SHOWING = ("show_values_card", "articulate_values_card")


def rolled(rng: np.random.Generator) -> Dice:
    """Endless uniform numbers in [0, 1), drawn in blocks because single draws are slow."""
    while True:
        yield from rng.random(4096).tolist()


def pick(options: Sequence[T], dice: Dice) -> T:
    return options[int(next(dice) * len(options))]


@cache
def _pieces(text: str) -> tuple[tuple[str, ...], ...]:
    """The text as its literal parts (one wording) and slots (several) in turn."""
    parts = re.split(r"\{([^{}]*)\}", text)
    return tuple(tuple(part.split("|")) if slot % 2 else (part,) for slot, part in enumerate(parts))


def canonical(text: str) -> str:
    """The text with the first wording of every slot."""
    return "".join(piece[0] for piece in _pieces(text))


def reworded(text: str, dice: Dice) -> str:
    """The text with some wording of every slot."""
    return "".join(piece[0] if len(piece) == 1 else pick(piece, dice) for piece in _pieces(text))


def canonical_card(value: Value) -> Card:
    return {
        "title": value.titles[0],
        "instructions_short": canonical(value.short),
        "instructions_detailed": canonical(value.detailed),
        "evaluation_criteria": [canonical(criterion) for criterion in value.criteria],
    }


def reworded_card(value: Value, dice: Dice) -> Card:
    """A near-duplicate of the value's canonical card: other words, other order, perhaps a criterion less."""
    return {
        "title": pick(value.titles, dice),
        "instructions_short": reworded(value.short, dice),
        "instructions_detailed": reworded(value.detailed, dice),
        "evaluation_criteria": _some_criteria(value, dice),
    }


def _some_criteria(value: Value, dice: Dice) -> list[str]:
    shuffled = sorted(value.criteria, key=lambda _: next(dice))
    kept = shuffled[1:] if len(shuffled) > 2 and next(dice) < 0.4 else shuffled
    return [reworded(criterion, dice) for criterion in kept]


def finished_chat(case: Case, value: Value, card: Card, variant: Variant, dice: Dice) -> list[Message]:
    """A chat that ends in the card."""
    tool = _SHOWING[variant == "older"]
    return [
        *_opening(case, variant, dice),
        *_interview(value, dice),
        *(_rejected_card(case, value, tool, dice) if variant == "several" else []),
        *_shown(card, tool, dice),
        *_submitted(dice),
    ]


def unfinished_chat(case: Case, value: Value, dice: Dice) -> list[Message]:
    """A chat that breaks off before any card."""
    interview = _interview(value, dice)
    return [*_opening(case, "unfinished", dice), *interview[: 1 + int(next(dice) * 3)]]


def without_cards(messages: Sequence[Message]) -> list[Message]:
    """A finished chat in which the card was called for and submitted, but what was shown is not there."""
    return [message for message in messages if message.get("name") not in _SHOWING]


def _opening(case: Case, variant: Variant, dice: Dice) -> list[Message]:
    seed = _says("assistant", case.seed_message)
    if variant == "older":
        return [_says("system", words.SYSTEM_MESSAGE), seed]
    if variant == "user_first":
        return [_says("user", pick(words.GREETINGS, dice)), seed]
    return [seed]


def _interview(value: Value, dice: Dice) -> list[Message]:
    return [
        _says("user", reworded(value.opinion, dice)),
        _says("assistant", reworded(pick(words.PROBES, dice), dice)),
        _says("user", reworded(value.experience, dice)),
        *(_further_turn(value, dice) if value.before and next(dice) < 0.6 else []),
    ]


def _further_turn(value: Value, dice: Dice) -> list[Message]:
    return [
        _says("assistant", reworded(pick(words.FURTHER_PROBES, dice), dice)),
        _names_criterion(words.LOOKING_FOR, value, dice),
    ]


def _names_criterion(openings: Sequence[str], value: Value, dice: Dice) -> Message:
    criterion = reworded(pick(value.criteria, dice), dice)
    return _says("user", f"{pick(openings, dice)} {criterion.lower()}.")


def _rejected_card(case: Case, value: Value, tool: str, dice: Dice) -> list[Message]:
    """A first card, of another value, that the participant turns down."""
    values = words.VALUES_BY_CASE[words.CASES.index(case)]
    other = pick([candidate for candidate in values if candidate is not value], dice)
    return [
        *_shown(reworded_card(other, dice), tool, dice),
        _says("user", reworded(pick(words.REFUSALS, dice), dice)),
        _says("assistant", reworded(pick(words.RETRIES, dice), dice)),
        _names_criterion(words.CLARIFICATIONS, value, dice),
    ]


def _shown(card: Card, tool: str, dice: Dice) -> list[Message]:
    return [
        _calls(tool),
        {"role": "function", "name": tool, "content": json.dumps(card, ensure_ascii=False)},
        {"role": "function", "name": tool, "content": f'<A card ("{card["title"]}") was shown to the user>'},
        _says("assistant", reworded(pick(words.CARD_OFFERS, dice), dice)),
    ]


def _submitted(dice: Dice) -> list[Message]:
    tool = "submit_values_card"
    return [
        _says("user", reworded(pick(words.ACCEPTANCES, dice), dice)),
        _calls(tool),
        {"role": "function", "name": tool, "content": "<The card was submitted>"},
        _says("assistant", pick(words.GOODBYES, dice)),
    ]


def _says(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _calls(tool: str) -> Message:
    return {"role": "assistant", "content": None, "function_call": {"name": tool, "arguments": "{}"}}
