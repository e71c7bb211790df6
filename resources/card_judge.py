"""The language model as the judge of cards: whether two are the same value, and how well one is written."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import polars as pl
from pydantic import BaseModel

from dft_pipeline.values.answers import CardText, Rating, SameValue, TwoCards
from dft_pipeline.values.judging import Asks, Card, Pair, Verdict
from resources.language_model import Answered, LanguageModel, Prompt, read_prompt

Texts = Mapping[Card, CardText]
K = TypeVar("K", bound=Hashable)
A = TypeVar("A", bound=BaseModel)


def texts(every: pl.DataFrame) -> Texts:
    """What each of the cards of `card_texts.all_cards` says."""
    columns = ("card_kind", "card_id", "title", "instructions_short", "instructions_detailed", "criteria")
    return {
        Card(kind, card_id): CardText(
            title=title,
            instructions_short=short,
            instructions_detailed=detailed,
            evaluation_criteria=criteria,
        )
        for kind, card_id, title, short, detailed, criteria in every.select(columns).iter_rows()
    }


def asks(model: LanguageModel, of: Texts, tell: Callable[[str], None]) -> Asks:
    """Asks the model, of anything once in a run; `tell` hears how many have no answer, and why."""
    same, written = read_prompt("same_value"), read_prompt("rate_card")
    judge_name = f"{model.chat_model}/{same.name}-{same.version}"
    verdicts: dict[tuple[Card, Card], SameValue | None] = {}
    ratings: dict[Card, Rating | None] = {}

    def judge(pairs: Sequence[Pair]) -> Sequence[Verdict]:
        two = {pair[:2]: TwoCards(first=of[pair.first], second=of[pair.second]) for pair in pairs}
        _ask(model, same, two, SameValue, verdicts, tell)
        answers = ((pair, verdicts[pair[:2]]) for pair in pairs)
        return [
            Verdict(*pair[:2], said.verdict, judge_name, said.motivation, str(same.version))
            for pair, said in answers
            if said is not None
        ]

    def rate(cards: Sequence[Card]) -> Sequence[int | None]:
        _ask(model, written, {card: of[card] for card in cards}, Rating, ratings, tell)
        return [None if said is None else said.rating for said in map(ratings.__getitem__, cards)]

    return Asks(judge, rate)


def _ask(
    model: LanguageModel,
    prompt: Prompt,
    items: Mapping[K, BaseModel],
    answer: type[A],
    known: dict[K, A | None],
    tell: Callable[[str], None],
) -> None:
    """Adds to `known` what the model answers about the items that are not there yet; None for no answer."""
    new = [key for key in items if key not in known]
    if not new:
        return
    answers = model.ask(prompt, [items[key] for key in new], answer)
    known.update(
        (key, said.value if isinstance(said, Answered) else None)
        for key, said in zip(new, answers, strict=True)
    )
    silent = [said for said in answers if not isinstance(said, Answered)]
    if silent:
        tell(f"`{prompt.name}`: {len(silent)} of {len(new)} have no answer yet: {silent[0].why}")
