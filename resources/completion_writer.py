"""The language model as the writer and moderator of completions; without one, its answers from before."""

from collections import Counter
from collections.abc import Callable, Sequence

from pydantic import BaseModel

from dft_pipeline.training.answers import ANSWERS
from dft_pipeline.training.asking import Ask, Asked
from resources.language_model import Answered, LanguageModel, Unanswered, read_prompt

REASONS = 3  # that are told


def completion_writer(model: LanguageModel, tell: Callable[[str], None]) -> Ask:
    """Asks the model of each item; `tell` hears how many have no answer, and why."""

    def ask(name: str, items: Sequence[BaseModel]) -> Sequence[Asked]:
        prompt, form = read_prompt(name), ANSWERS[name]
        answers = model.ask(prompt, items, form)
        silent = [one for one in answers if isinstance(one, Unanswered)]
        if silent:
            tell(f"`{name}`: {len(silent)} of {len(items)} have no answer yet: {_reasons(silent)}")
        requests = model.requests(prompt, items, form)
        return [
            Asked(one.value, False, *request._replace(request=None))
            if isinstance(one, Answered)
            else Asked(None, one.kind == "refused", *request)
            for one, request in zip(answers, requests, strict=True)
        ]

    return ask


def _reasons(silent: Sequence[Unanswered]) -> str:
    """The commonest reasons, with how often each is given where there are several."""
    counts = Counter(one.why for one in silent)
    if len(counts) == 1:
        return silent[0].why
    common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{count} × {why}" for why, count in common[:REASONS])
