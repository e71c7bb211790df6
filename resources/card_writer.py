"""The language model as the writer of the cards that finished chats lack."""

from collections.abc import Callable, Mapping

from dft_pipeline.values.answers import FinishedChat, WrittenCard
from dft_pipeline.values.writing import Write, Written
from resources.language_model import Answered, LanguageModel, Unanswered, read_prompt

NO_MODEL = "there is no language model to write it (OPENAI_API_KEY)"


def card_writer(model: LanguageModel | None, tell: Callable[[str], None]) -> Write:
    """Asks the model, if any, of each chat; `tell` hears how many stay without an answer, and why."""

    def write(chats: Mapping[str, FinishedChat]) -> Mapping[str, Written]:
        if model is None:
            _tell(len(chats), len(chats), NO_MODEL)
            return {}
        prompt = read_prompt("write_card")
        name = f"{model.chat_model}/{prompt.name}-{prompt.version}"
        answers = model.ask(prompt, list(chats.values()), WrittenCard) if chats else []
        silent = [answer for answer in answers if isinstance(answer, Unanswered)]
        _tell(len(silent), len(chats), silent[0].why if silent else "")
        found = zip(chats, answers, strict=True)
        return {chat_id: Written(one.value, name) for chat_id, one in found if isinstance(one, Answered)}

    def _tell(waiting: int, chats: int, why: str) -> None:
        if waiting:
            tell(f"{waiting} of {chats} finished chats without a card go on waiting for one: {why}")

    return write
