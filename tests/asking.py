"""Pairs of cards to ask a model of; as a program, a process of its own that asks.

python -m tests.asking DATABASE_URL COUNT RUN_ID
"""

import sys
from collections.abc import Sequence

from dft_pipeline.values.answers import CardText, SameValue, TwoCards
from resources.language_model import Answered, Unanswered, language_model, read_prompt
from resources.settings import settings

PROMPT = read_prompt("same_value")


def pair(number: int | str) -> TwoCards:
    """Two cards, the first with that title."""
    return TwoCards(first=_card(f"{number}"), second=_card("other"))


def _card(title: str) -> CardText:
    return CardText(
        title=title,
        instructions_short="Listen.",
        instructions_detailed="Listen for long.",
        evaluation_criteria=["FEARS that are not spoken about"],
    )


def results(found: Sequence[Answered[SameValue] | Unanswered]) -> list[str]:
    """Each answer's motivation, or why there is none."""
    return [one.value.motivation if isinstance(one, Answered) else f"{one.kind}: {one.why}" for one in found]


def main(url: str, count: str, run_id: str) -> None:
    model = language_model(settings(), url, run_id)
    assert model is not None
    found = model.ask(PROMPT, [pair(number) for number in range(int(count))], SameValue)
    sys.stdout.write(f"{results(found)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
