"""The language model as the judge of whether two cards are the same value."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from dft_pipeline.values.answers import CardText, SameValue, TwoCards
from dft_pipeline.values.judging import Card, Judge, Pair, Verdict
from resources.language_model import Answered, LanguageModel, Unanswered, read_prompt

Texts = Mapping[Card, CardText]


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


def card_judge(model: LanguageModel, of: Texts, tell: Callable[[str], None]) -> Judge:
    """Asks the model of each pair, once in a run; `tell` hears how many have no answer, and why."""
    prompt = read_prompt("same_value")
    name = f"{model.chat_model}/{prompt.name}-{prompt.version}"
    known: dict[tuple[Card, Card], Verdict | None] = {}

    def judge(pairs: Sequence[Pair]) -> Sequence[Verdict]:
        new = [pair for pair in pairs if (pair.first, pair.second) not in known]
        items = [TwoCards(first=of[pair.first], second=of[pair.second]) for pair in new]
        answers = model.ask(prompt, items, SameValue) if items else []
        for pair, answer in zip(new, answers, strict=True):
            known[pair.first, pair.second] = verdict(pair, answer)
        silent = [answer for answer in answers if isinstance(answer, Unanswered)]
        if silent:
            tell(f"{len(silent)} of {len(new)} pairs of cards have no answer yet: {silent[0].why}")
        said = (known[pair.first, pair.second] for pair in pairs)
        return [one for one in said if one is not None]

    def verdict(pair: Pair, answer: Answered[SameValue] | Unanswered) -> Verdict | None:
        if isinstance(answer, Unanswered):
            return None
        said = answer.value
        return Verdict(pair.first, pair.second, said.verdict, name, said.motivation, str(prompt.version))

    return judge
