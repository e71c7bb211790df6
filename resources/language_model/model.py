"""The language model: questions and texts in, answers and vectors out; what is known is not asked again."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from resources.language_model import chat, embedding
from resources.language_model.budget import Budget, Use, price_of, used
from resources.language_model.calling import TIMEOUT_S, WAITS_S, Calls, Server, Tally
from resources.language_model.chat import Answered, Question, Request, Unanswered
from resources.language_model.embedding import Batch, batches, text_hash
from resources.language_model.faults import Fault
from resources.language_model.prompts import Item, Prompt, as_data
from resources.language_model.records import Records, records
from resources.problems import Problem
from resources.settings import Settings

T = TypeVar("T", bound=BaseModel)

POOL = "language_model"  # Dagster's pool of the assets that ask it
NOT_ASKED = Unanswered("not_asked", "there is no language model to ask (OPENAI_API_KEY)")


class NotEmbedded(Problem):
    """Some texts have no vector; the others have, and are not embedded again."""


class LanguageModel:
    """The models of one server, for one run; without a server, what they have answered before."""

    def __init__(
        self, server: Server | None, settings: Settings, database_url: str, run_id: str | None = None
    ) -> None:
        self.server = server
        self.chat_model = settings.chat_model
        self.temperature = settings.chat_temperature
        self.price = price_of(settings.chat_model, settings.chat_price)
        self.budget = Budget(settings.max_run_tokens, settings.max_run_cost)
        self.database_url = database_url
        self.run_id = run_id

    @property
    def use(self) -> Use:
        """What the run has used so far."""
        return self.budget.use

    def ask(self, prompt: Prompt, inputs: Sequence[Item], answer: type[T]) -> list[Answered[T] | Unanswered]:
        """Asks the prompt of each item; one result an item, in their order.

        What was answered before is not asked again; without a server, what was refused stays refused.
        Raises OverBudget before anything is asked, ModelRefuses, or NoDatabase; what was answered until then
        is kept.
        """
        questions = [self._question(prompt, answer, item) for item in inputs]
        with records(self.database_url, self.run_id) as kept:
            found = _known(kept, questions)
            new = {one.hash: one for one in questions if one.hash not in found}
            if new and self.server is None:
                found |= dict.fromkeys(new, NOT_ASKED) | _refused(kept, new)
            elif new and self.server is not None:
                what = f"asking `{prompt.name}` of {len(new):,} items"
                self._begin(kept, self._estimate(new.values()), what)
                found |= asyncio.run(self._ask(kept, self.server, list(new.values())))
        return [found[one.hash] for one in questions]

    def requests(self, prompt: Prompt, inputs: Sequence[Item], answer: type[T]) -> Iterator[Request]:
        """What `ask` would send of each item, in their order, for whoever puts it to a model elsewhere."""
        return (self._question(prompt, answer, item).as_request for item in inputs)

    def _question(self, prompt: Prompt, answer: type[T], item: Item) -> Question[T]:
        return Question(prompt, answer, self.chat_model, self.temperature, as_data(item))

    def _estimate(self, questions: Collection[Question[T]]) -> Use:
        tokens_in = sum(one.estimated_in for one in questions)
        return used(tokens_in, sum(one.prompt.answer_tokens for one in questions), self.price)

    def _begin(self, kept: Records, estimate: Use, what: str) -> None:
        """Raises OverBudget."""
        self.budget.use = kept.run_use() or self.budget.use
        self.budget.refuse(estimate, what)

    async def _ask(
        self, kept: Records, server: Server, questions: Sequence[Question[T]]
    ) -> dict[str, Answered[T] | Unanswered]:
        found: dict[str, Answered[T] | Unanswered] = {}

        async with server.client() as client:
            calls = Calls(server, client, self.budget)

            async def work(question: Question[T]) -> None:
                found[question.hash] = await self._ask_one(calls, kept, question)

            await calls.each(questions, work)
        return found

    async def _ask_one(self, calls: Calls, kept: Records, question: Question[T]) -> Answered[T] | Unanswered:
        async def attempt(tally: Tally) -> T:
            create = calls.client.chat.completions.with_raw_response.create
            body = await calls.send(create(**question.request()))
            given = chat.reply(body, calls.server.name)
            calls.count(self._used(question, given), tally)
            return chat.answer(question, given)

        tally = Tally()
        try:
            value = await calls.patiently(attempt, tally, question.spread)
        except Fault as fault:
            if tally.attempts:
                kept.keep_call(recorded(question), tally, fault.kind, fault.why)
            return Unanswered(fault.kind, fault.why)
        kept.keep_call(recorded(question, value), tally, "answered", None)
        return Answered(value)

    def _used(self, question: Question[T], given: chat.Reply) -> Use:
        if given.usage is None:
            return self._estimate([question])
        return used(given.usage.prompt_tokens, given.usage.completion_tokens or 0, self.price)

    def embed(self, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of non-empty texts as the model gives them, n × its dimension, n at least 1.

        What was embedded before is not sent again. Raises as `ask` does, or NotEmbedded.
        """
        hashed = {text_hash(text): text for text in texts}
        with records(self.database_url, self.run_id) as kept:
            found = kept.vectors(model, list(hashed))
            new = list(batches({one: text for one, text in hashed.items() if one not in found}))
            if new:
                estimate = used(sum(batch.tokens for batch in new), 0, price_of(model))
                self._begin(kept, estimate, f"embedding {sum(len(batch.texts) for batch in new):,} texts")
                found |= asyncio.run(self._embed(kept, model, new))
        _refuse_mixed(model, found)
        return embedding.stacked([found[text_hash(text)] for text in texts])

    async def _embed(self, kept: Records, model: str, new: Sequence[Batch]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        faults: list[Fault] = []

        assert self.server is not None, "only a server embeds"
        async with self.server.client() as client:
            calls = Calls(self.server, client, self.budget)

            async def work(batch: Batch) -> None:
                try:
                    found.update(await self._embed_one(calls, kept, model, batch))
                except Fault as fault:
                    faults.append(fault)

            await calls.each(new, work)
        if faults:
            missing = sum(len(batch.texts) for batch in new) - len(found)
            raise NotEmbedded(
                f"{missing:,} texts have no vector by {model}: {faults[0]}; the others are kept"
            )
        return found

    async def _embed_one(self, calls: Calls, kept: Records, model: str, batch: Batch) -> dict[str, bytes]:
        texts = list(batch.texts.values())

        async def attempt(tally: Tally) -> dict[str, bytes]:
            create = calls.client.embeddings.with_raw_response.create
            body = await calls.send(create(model=model, input=texts, encoding_format="float"))
            given = embedding.embedding_reply(body, calls.server.name)
            tokens = batch.tokens if given.usage is None else given.usage.prompt_tokens
            calls.count(used(tokens, 0, price_of(model)), tally)
            return embedding.vectors(batch, given)

        tally = Tally()
        try:
            found = await calls.patiently(attempt, tally, 0)
        except Fault as fault:
            if tally.attempts:
                kept.keep_call(_embedded(model, batch), tally, fault.kind, fault.why)
            raise
        kept.keep_vectors(model, found)
        kept.keep_call(_embedded(model, batch), tally, "answered", None)
        return found


def language_model(
    settings: Settings,
    database_url: str,
    run_id: str | None = None,
    waits_s: Sequence[float] = WAITS_S,
    timeout_s: float = TIMEOUT_S,
) -> LanguageModel | None:
    """The model that the settings name, for one run of that id; None without a key: the rest works offline.

    The database is the project's own, prepared. Processes of one run share its budget.
    """
    key = settings.openai_api_key
    if key is None:
        return None
    server = Server(key, settings.openai_base_url, settings.max_parallel_calls, timeout_s, waits_s)
    return LanguageModel(server, settings, database_url, run_id)


def answers_from_before(settings: Settings, database_url: str) -> LanguageModel:
    """The model that the settings name as far as its answers are kept, asked or loaded; it asks nothing."""
    return LanguageModel(None, settings, database_url)


def _known(kept: Records, questions: Sequence[Question[T]]) -> dict[str, Answered[T] | Unanswered]:
    """Answers from before, but for those that today's rules would not take."""
    by_hash = {one.hash: one for one in questions}
    found: dict[str, Answered[T] | Unanswered] = {}
    for hashed, answer in kept.answers(list(by_hash)).items():
        with suppress(ValidationError):
            found[hashed] = Answered(by_hash[hashed].read(answer), reused=True)
    return found


def _refused(kept: Records, questions: Collection[str]) -> dict[str, Unanswered]:
    return {one: Unanswered("refused", why) for one, why in kept.refusals(list(questions)).items()}


def recorded(question: Question[T], answer: T | None = None) -> dict[str, Any]:
    """A question as `Records.keep_call` takes it."""
    return {
        "kind": "chat",
        "prompt_name": question.prompt.name,
        "prompt_version": question.prompt.version,
        "prompt_hash": question.prompt.hash,
        "model": question.model,
        "parameters": question.parameters,
        "question_hash": question.hash,
        "input_hash": question.input_hash,
        "input": question.data,
        "answer": None if answer is None else answer.model_dump_json(),
    }


def _embedded(model: str, batch: Batch) -> dict[str, Any]:
    return {
        "kind": "embedding",
        **dict.fromkeys(("prompt_name", "prompt_version", "prompt_hash", "input", "answer")),
        "model": model,
        "parameters": {"texts": len(batch.texts)},
        "question_hash": batch.hash,
        "input_hash": batch.hash,
    }


def _refuse_mixed(model: str, found: dict[str, bytes]) -> None:
    if len({len(vector) for vector in found.values()}) > 1:
        raise NotEmbedded(
            f"vectors by {model} have different lengths, so that name has stood for different models; "
            f"delete those of it from dft.embeddings"
        )
