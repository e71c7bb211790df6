"""Chats, and the values cards in which they end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dft_pipeline.simulate import vocabulary as words
from dft_pipeline.simulate.columns import (
    HOUR,
    MINUTE,
    Ints,
    Row,
    between,
    iso,
    rows,
    spread,
    taken,
    tokens,
)
from dft_pipeline.simulate.people import People
from dft_pipeline.simulate.transcripts import (
    Card,
    Dice,
    Message,
    Variant,
    finished_chat,
    reworded_card,
    rolled,
    unfinished_chat,
    without_cards,
)
from dft_pipeline.simulate.vocabulary import Value

_VARIANTS: tuple[Variant, ...] = ("plain", "older", "several", "user_first", "unfinished")
_VARIANT_SHARES = (0.62, 0.12, 0.12, 0.06, 0.08)
# Which of a case's eight values a card articulates: the plainer ones come to mind somewhat more often.
_VALUE_SHARES = (0.14, 0.15, 0.13, 0.13, 0.13, 0.12, 0.11, 0.09)


@dataclass(frozen=True)
class ChatPlan:
    """Chats by position, in the order in which they ended; times in milliseconds since the start."""

    person: Ints
    case: Ints
    started: Ints
    ended: Ints


@dataclass(frozen=True)
class Conversations:
    """Rows of `chat` and `valuesCard`, and the id of the value behind each card that means one.

    `pending`: the chats that were finished and have no card, by id, and the value meant.
    """

    chats: list[Row]
    cards: list[Row]
    card_values: dict[int, int]
    pending: dict[str, int] = field(default_factory=dict)


# What was said in a chat, the card in which it ended, and the value meant.
_Held = tuple[list[Message], Card | None, Value]


def planned(rng: np.random.Generator, people: People) -> ChatPlan:
    """One chat per participant, and for 15 % a later one about another case."""
    again = np.flatnonzero(spread(rng, people.count, 0.85, 0.15))
    case = between(rng, 0, len(words.CASES), people.count)
    other = (case[again] + between(rng, 1, len(words.CASES), len(again))) % len(words.CASES)
    started = people.joined + between(rng, 2 * MINUTE, 20 * MINUTE, people.count)
    ended = started + between(rng, 6 * MINUTE, 25 * MINUTE, people.count)
    restarted = ended[again] + between(rng, 5 * MINUTE, HOUR, len(again))
    finished = restarted + between(rng, 6 * MINUTE, 25 * MINUTE, len(again))
    columns = np.array(
        [
            [*range(people.count), *again],
            np.concatenate([case, other]),
            np.concatenate([started, restarted]),
            np.concatenate([ended, finished]),
        ],
        dtype=np.int64,
    )
    return ChatPlan(*columns[:, np.argsort(columns[3], kind="stable")])


def conversations(rng: np.random.Generator, plan: ChatPlan, with_copies: bool) -> Conversations:
    """The chats' rows with a few copies among them, and one card per finished chat."""
    held = _held(rng, plan)
    chats = _chat_rows(rng, plan, [messages for messages, _, _ in held])
    done = np.flatnonzero([card is not None for _, card, _ in held])
    cards = _card_rows(plan, chats, done, held)
    values = {row["id"]: row["canonicalCardId"] for row in cards if row["canonicalCardId"] is not None}
    copies = _copies(rng, plan, chats, done) if with_copies else []
    return Conversations(sorted([*chats, *copies], key=lambda row: str(row["createdAt"])), cards, values)


def some_pending(rng: np.random.Generator, talks: Conversations) -> Conversations:
    """The same, but for one finished chat in thirty whose card is missing; no copied one is among them."""
    copied = {chat["copiedFromId"] for chat in talks.chats}
    meant = {
        card["chatId"]: talks.card_values[card["id"]]
        for card in talks.cards
        if card["id"] in talks.card_values and card["chatId"] not in copied
    }
    count = -(-len(meant) // 30)
    pending = {chat_id: meant[chat_id] for chat_id in sorted(rng.permutation(sorted(meant)).tolist()[:count])}
    cards = [card for card in talks.cards if card["chatId"] not in pending]
    values = {card["id"]: talks.card_values[card["id"]] for card in cards if card["id"] in talks.card_values}
    return Conversations([_perhaps_pending(chat, pending) for chat in talks.chats], cards, values, pending)


def _perhaps_pending(chat: Row, pending: Mapping[str, int]) -> Row:
    return {**chat, "transcript": without_cards(chat["transcript"])} if chat["id"] in pending else chat


def _held(rng: np.random.Generator, plan: ChatPlan) -> list[_Held]:
    count = len(plan.person)
    variants = taken(_VARIANTS, spread(rng, count, *_VARIANT_SHARES))
    slots = rng.choice(len(_VALUE_SHARES), count, p=_VALUE_SHARES).tolist()
    invalid = (spread(rng, count, 0.99, 0.01) == 1).tolist()
    dice = rolled(rng)
    held: list[_Held] = []
    for case, slot, empty, variant in zip(plan.case.tolist(), slots, invalid, variants, strict=True):
        value = words.NOT_VALUES[slot % 2] if empty else words.VALUES_BY_CASE[case][slot]
        held.append((*_conversation(case, value, variant, dice), value))
    return held


def _conversation(case: int, value: Value, variant: Variant, dice: Dice) -> tuple[list[Message], Card | None]:
    if variant == "unfinished":
        return unfinished_chat(words.CASES[case], value, dice), None
    card = reworded_card(value, dice)
    return finished_chat(words.CASES[case], value, card, variant, dice), card


def _chat_rows(rng: np.random.Generator, plan: ChatPlan, transcripts: list[list[Message]]) -> list[Row]:
    return rows(
        id=tokens(rng, len(transcripts)),
        userId=(plan.person + 1).tolist(),
        caseId=taken([case.id for case in words.CASES], plan.case),
        transcript=transcripts,
        copiedFromId=[None] * len(transcripts),
        createdAt=iso(plan.started),
        updatedAt=iso(plan.ended),
        evaluation=[None] * len(transcripts),
    )


def _card_rows(plan: ChatPlan, chats: list[Row], done: Ints, held: list[_Held]) -> list[Row]:
    cards = [held[position][1] or {} for position in done.tolist()]
    value_ids = [held[position][2].id for position in done.tolist()]
    created = iso(plan.ended[done])
    return rows(
        id=range(1, len(cards) + 1),
        title=[card["title"] for card in cards],
        instructionsShort=[card["instructions_short"] for card in cards],
        instructionsDetailed=[card["instructions_detailed"] for card in cards],
        evaluationCriteria=[card["evaluation_criteria"] for card in cards],
        createdAt=created,
        updatedAt=created,
        canonicalCardId=[value_id or None for value_id in value_ids],
        chatId=[chats[position]["id"] for position in done.tolist()],
        quality=["ok" if value_id else "invalid" for value_id in value_ids],
    )


def _copies(rng: np.random.Generator, plan: ChatPlan, chats: list[Row], done: Ints) -> list[Row]:
    """One chat in a hundred, copied by the participant who joined just before; without a card row."""
    originals = rng.permutation(done)[: max(len(chats) // 100, 1)]
    created = iso(plan.ended[originals] + between(rng, HOUR, 3 * HOUR, len(originals)))
    sources = [chats[position] for position in originals.tolist()]
    return rows(
        id=tokens(rng, len(sources)),
        userId=[max(source["userId"] - 1, 1) for source in sources],
        caseId=[source["caseId"] for source in sources],
        transcript=[source["transcript"] for source in sources],
        copiedFromId=[source["id"] for source in sources],
        createdAt=created,
        updatedAt=created,
        evaluation=[None] * len(sources),
    )
