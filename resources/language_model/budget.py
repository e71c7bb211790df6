"""What a run may use of a model: its tokens and its money, estimated before and counted while it runs."""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from resources.problems import Problem
from resources.settings import Price

# List prices of OpenAI, US dollars per million tokens, as of 2026-06-21; others by DFT_CHAT_PRICE.
PRICES = {
    "gpt-4.1": Price(2.0, 8.0),
    "gpt-4.1-mini": Price(0.4, 1.6),
    "gpt-4.1-nano": Price(0.1, 0.4),
    "text-embedding-3-large": Price(0.13, 0.0),
    "text-embedding-3-small": Price(0.02, 0.0),
}
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")  # a model's date, which changes no price
BYTES_PER_TOKEN = 4
MILLION = 1_000_000


class OverBudget(Problem):
    """What is asked for would use more than the run may; nothing of it was asked."""


class Use(NamedTuple):
    """Tokens, and their cost in US dollars; None where the price is not known."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def plus(self, other: "Use") -> "Use":
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        cost = math.fsum(known) if known else None
        return Use(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out, cost)

    def __str__(self) -> str:
        money = "at a price that is not known" if self.cost is None else f"{self.cost:.4f} US dollars"
        return f"{self.tokens:,} tokens, {money}"


def price_of(model: str, said: Price | None = None) -> Price | None:
    """What was said, else the list price."""
    return said or PRICES.get(SNAPSHOT.sub("", model))


def used(tokens_in: int, tokens_out: int, price: Price | None) -> Use:
    if price is None:
        return Use(tokens_in, tokens_out)
    cost = (tokens_in * price.tokens_in + tokens_out * price.tokens_out) / MILLION
    return Use(tokens_in, tokens_out, cost)


def estimated_tokens(texts: Iterable[str]) -> int:
    """A token for every four bytes of UTF-8: about right for English, rather too many for other scripts."""
    return sum(math.ceil(len(text.encode(errors="surrogatepass")) / BYTES_PER_TOKEN) for text in texts)


class Budget:
    """Counts what a run uses. `use` begins with what the run has used before, perhaps in another process."""

    def __init__(self, max_tokens: int, max_cost: float, use: Use = Use()) -> None:  # noqa: B008 (a tuple)
        self.max_tokens = max_tokens
        self.max_cost = max_cost
        self.use = use

    def add(self, use: Use) -> None:
        self.use = self.use.plus(use)

    def refuse(self, estimate: Use, what: str) -> None:
        """Raises OverBudget where the estimate, with what is used already, is more than the run may use."""
        after = self.use.plus(estimate)
        said = f"{what} would take about {estimate}"
        if after.tokens > self.max_tokens:
            raise OverBudget(f"{said}; the run may use {self._tokens()}")
        if (after.cost or 0) > self.max_cost:
            raise OverBudget(f"{said}; the run may use {self._money()}")

    def spent(self) -> str | None:
        """Why nothing more may be asked, if so."""
        if self.use.tokens >= self.max_tokens:
            return f"the run may use {self._tokens()}"
        if self.use.cost is not None and self.use.cost >= self.max_cost:
            return f"the run may use {self._money()}"
        return None

    def _tokens(self) -> str:
        return f"{self.max_tokens:,} tokens (DFT_MAX_RUN_TOKENS) and has used {self.use.tokens:,}"

    def _money(self) -> str:
        used = self.use.cost or 0
        return f"{self.max_cost:g} US dollars (DFT_MAX_RUN_COST) and has used {used:.4f}"
