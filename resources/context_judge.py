"""The language model as the judge of moral similarity: whether a case or a context applies to a prompt."""

from collections.abc import Callable, Sequence

from dft_pipeline.dataset.moral_similarity import Candidate, Judge, Said
from dft_pipeline.values.answers import ContextApplies, PromptAndCandidate
from resources.language_model import Answered, LanguageModel, read_prompt


def context_judge(model: LanguageModel | None, tell: Callable[[str], None]) -> Judge | None:
    """Asks the model, if any, of each candidate; `tell` hears how many have no answer, and why."""
    if model is None:
        return None
    prompt = read_prompt("context_applies")
    name, version = f"{model.chat_model}/{prompt.name}-{prompt.version}", str(prompt.version)

    def judge(candidates: Sequence[Candidate]) -> list[Said | None]:
        items = [
            PromptAndCandidate.model_validate(dict(zip(Candidate._fields, one, strict=True)))
            for one in candidates
        ]
        answers = model.ask(prompt, items, ContextApplies) if items else []
        silent = [said for said in answers if not isinstance(said, Answered)]
        if silent:
            tell(f"`{prompt.name}`: {len(silent)} of {len(items)} have no answer yet: {silent[0].why}")
        return [
            Said(said.value.applies, said.value.confidence, said.value.reason, name, version)
            if isinstance(said, Answered)
            else None
            for said in answers
        ]

    return judge
