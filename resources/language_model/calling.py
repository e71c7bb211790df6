"""Calling a model server: so many calls at a time, each patiently, and all stopped where it is no use."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI
from pydantic import SecretStr

from resources.language_model.budget import Budget, Use
from resources.language_model.faults import Fault, ModelRefuses, fault

TIMEOUT_S = 120.0
# Our own attempts, because they know a wrong answer from a right one; the client's are switched off.
WAITS_S = (1.0, 4.0, 16.0, 40.0)
# A wrong answer is paid for, and a model seldom thinks better of it.
ANSWERS_AT_MOST = 3
# So many questions in a row that found no server, or none that takes any: the others would fare the same.
GIVE_UP_AFTER = 5
OPENAI = "https://api.openai.com/v1"

T = TypeVar("T")
Q = TypeVar("Q")


@dataclass(frozen=True)
class Server:
    """Where the models are, and how it is treated."""

    key: SecretStr
    url: str | None = None
    parallel: int = 8
    timeout_s: float = TIMEOUT_S
    waits_s: Sequence[float] = WAITS_S

    @property
    def name(self) -> str:
        return urlsplit(self.url or OPENAI).netloc

    def client(self) -> AsyncOpenAI:
        return AsyncOpenAI(
            api_key=self.key.get_secret_value(),
            base_url=self.url or OPENAI,
            max_retries=0,
            timeout=self.timeout_s,
        )


@dataclass
class Tally:
    """What one question took, in all its attempts."""

    attempts: int = 0
    use: Use = field(default_factory=Use)
    latency_s: float = 0.0  # of the last attempt


class Calls:
    """The calls of one list of questions."""

    def __init__(self, server: Server, client: AsyncOpenAI, budget: Budget) -> None:
        self.server = server
        self.client = client
        self.budget = budget
        self._stopped_by: ModelRefuses | None = None
        self._in_vain = 0  # questions in a row
        self._any_answered = False
        self._resume_at = 0.0

    async def each(self, questions: Sequence[Q], work: Callable[[Q], Awaitable[None]]) -> None:
        """Does the work of each question, so many at a time as the server may be asked.

        Raises ModelRefuses after the calls under way have ended, because they are paid for.
        """
        pending = iter(questions)
        await asyncio.gather(*(self._some(pending, work) for _ in range(self.server.parallel)))
        if self._stopped_by is not None:
            raise self._stopped_by

    async def _some(self, pending: Iterator[Q], work: Callable[[Q], Awaitable[None]]) -> None:
        for question in pending:
            if self._stopped_by is not None:
                return
            try:
                await work(question)
            except ModelRefuses as stopped:
                self._stopped_by = stopped

    async def patiently(self, attempt: Callable[[Tally], Awaitable[T]], tally: Tally, spread: float) -> T:
        """What an attempt gives, tried again after each wait; `spread` (0 to 1) keeps waits apart.

        Raises Fault, the last one.
        """
        try:
            given = await self._attempts(attempt, tally, spread)
        except Fault as last:
            # A server that has answered may reject a single question, for its length.
            rejects_all = last.kind == "rejected" and not self._any_answered
            self._in_vain = self._in_vain + 1 if last.kind == "unavailable" or rejects_all else 0
            raise
        self._in_vain, self._any_answered = 0, True
        return given

    async def _attempts(self, attempt: Callable[[Tally], Awaitable[T]], tally: Tally, spread: float) -> T:
        for wait_s in (*self.server.waits_s, None):
            await self._until_asked()
            self._refuse_in_vain()
            try:
                return await self._timed(attempt, tally)
            except Fault as found:
                if wait_s is None or not _may_do_better(found, tally):
                    raise
                await self._wait(found, wait_s * (1 + spread))
        raise AssertionError("the last attempt gives or raises")

    async def _until_asked(self) -> None:
        """A server that asks one question to wait means all."""
        while (wait_s := self._resume_at - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)

    def _refuse_in_vain(self) -> None:
        if self._stopped_by is not None:
            raise Fault("rejected", str(self._stopped_by))
        if self._in_vain >= GIVE_UP_AFTER:
            failed = f"{GIVE_UP_AFTER} questions in a row came to nothing there"
            raise Fault("unavailable", f"the model server at {self.server.name} is given up: {failed}")
        spent = self.budget.spent()
        if spent is not None:
            raise Fault("budget", f"the budget is used up: {spent}")

    async def _timed(self, attempt: Callable[[Tally], Awaitable[T]], tally: Tally) -> T:
        tally.attempts += 1
        begin = time.monotonic()
        try:
            return await attempt(tally)
        finally:
            tally.latency_s = time.monotonic() - begin

    async def _wait(self, found: Fault, wait_s: float) -> None:
        if found.wait_s is None:
            await asyncio.sleep(wait_s)
        else:
            self._resume_at = max(self._resume_at, time.monotonic() + found.wait_s)

    async def send(self, request: Awaitable[Any]) -> str:
        """The body of the reply to a raw request. Raises Fault, or ModelRefuses."""
        try:
            # The client's own limit is for each piece of a reply: one that trickles would never end.
            async with asyncio.timeout(self.server.timeout_s):
                reply = await request
        except (openai.APIError, TimeoutError) as error:
            raise fault(error, self.server.name) from None
        return str(reply.text)

    def count(self, use: Use, tally: Tally) -> None:
        """What an attempt used, whether its answer is good or not."""
        self.budget.add(use)
        tally.use = tally.use.plus(use)


def _may_do_better(found: Fault, tally: Tally) -> bool:
    return found.again and not (found.kind == "malformed" and tally.attempts >= ANSWERS_AT_MOST)
