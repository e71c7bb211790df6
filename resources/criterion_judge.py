"""The language model as the judge of completions: which criteria an answer to a prompt meets."""

from collections.abc import Callable, Sequence

from dft_pipeline.training import asking
from dft_pipeline.training.scores import Asked, Judge, Said, ordered
from dft_pipeline.values.answers import AnswerAndCriteria, CriteriaMet, CriterionText
from resources.language_model import Answered, LanguageModel, read_prompt

PROMPT = "judge_criteria"


def criterion_judge(model: LanguageModel | None, seed: int, tell: Callable[[str], None]) -> Judge | None:
    """Asks the model, if any, one question an answer; `tell` hears how many have no answer, and why."""
    if model is None:
        return None
    prompt = read_prompt(PROMPT)
    name, version = model.chat_model, f"{prompt.name}-{prompt.version}"

    def judge(asked: Sequence[Asked]) -> list[Sequence[Said] | None]:
        orders = [ordered(one, seed) for one in asked]
        items = [_item(one, order) for one, order in zip(asked, orders, strict=True)]
        answers = model.ask(prompt, items, CriteriaMet) if items else []
        silent = [said for said in answers if not isinstance(said, Answered)]
        if silent:
            tell(f"`{prompt.name}`: {len(silent)} of {len(items)} have no answer yet: {silent[0].why}")
        calls = [one.request_id for one in model.requests(prompt, items, CriteriaMet)]
        return [
            _said(one, order, said.value, (name, version, call)) if isinstance(said, Answered) else None
            for one, order, said, call in zip(asked, orders, answers, calls, strict=True)
        ]

    return judge


def judge_questions(model: LanguageModel, seed: int) -> Callable[[Sequence[Asked]], list[asking.Asked]]:
    """What the judge would be asked, for whoever puts it to a model elsewhere."""

    def questions(asked: Sequence[Asked]) -> list[asking.Asked]:
        items = [_item(one, ordered(one, seed)) for one in asked]
        put = model.requests(read_prompt(PROMPT), items, CriteriaMet)
        return [asking.Asked(None, False, *request) for request in put]

    return questions


def _item(asked: Asked, order: Sequence[str]) -> AnswerAndCriteria:
    criteria = {number: CriterionText(criterion=one) for number, one in enumerate(order, 1)}
    return AnswerAndCriteria(prompt=asked.prompt, answer=asked.answer, criteria=criteria)


def _said(
    asked: Asked, order: Sequence[str], answer: CriteriaMet, call: tuple[str, str, str]
) -> Sequence[Said]:
    """What is said of each criterion, in the order in which they were asked for."""
    by_criterion = dict(zip(order, answer.criteria, strict=True))
    found = (by_criterion[one] for one in asked.criteria)
    return [Said(one.is_met, one.score, one.explanation, *call) for one in found]
