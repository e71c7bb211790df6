"""The language model as the judge of whether two cards are the same value."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from dft_pipeline.values.answers import CardText, SameValue, TwoCards
from dft_pipeline.values.judging import Card, Judge, Pair, Verdict
from resources.language_model import Answered, LanguageModel, Unanswered, read_prompt

Texts = Mapping[Card, CardText]


def texts(cards: pl.DataFrame, canonical_cards: pl.DataFrame) -> Texts:
    """What each of the app's `valuesCard` and `canonicalValuesCard` rows says."""
    columns = ("id", "title", "instructionsShort", "instructionsDetailed", "evaluationCriteria")
    return {
        Card(kind, card_id): CardText(
            title=title,
            instructions_short=short,
            instructions_detailed=detailed,
            evaluation_criteria=criteria,
        )
        for kind, rows in (("card", cards), ("canonical", canonical_cards))
        for card_id, title, short, detailed, criteria in rows.select(columns).iter_rows()
    }


def card_judge(model: LanguageModel, of: Texts, tell: Callable[[str], None]) -> Judge:
    """Asks the model of each pair. Of pairs without an answer `tell` hears how many, and why."""
    prompt = read_prompt("same_value")
    name = f"{model.chat_model}/{prompt.name}-{prompt.version}"

    def judge(pairs: Sequence[Pair]) -> Sequence[Verdict]:
        items = [TwoCards(first=of[pair.first], second=of[pair.second]) for pair in pairs]
        answers = model.ask(prompt, items, SameValue)
        silent = [answer for answer in answers if isinstance(answer, Unanswered)]
        if silent:
            tell(f"{len(silent)} of {len(pairs)} pairs of cards have no answer yet: {silent[0].why}")
        return [
            Verdict(
                pair.first,
                pair.second,
                answer.value.verdict,
                name,
                answer.value.motivation,
                str(prompt.version),
            )
            for pair, answer in zip(pairs, answers, strict=True)
            if isinstance(answer, Answered)
        ]

    return judge
