"""A question to a language model and what came of it, as the training stage sees both."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import polars as pl
from pydantic import BaseModel

from dft_pipeline.tables import TABLES

REQUESTS = TABLES["completion_requests"]


class Asked(NamedTuple):
    """A question, and its answer; None where there is none yet. `request`: then the call's body, as JSON."""

    answer: Any
    is_refused: bool
    request_id: str
    prompt_name: str
    prompt_version: int
    model: str
    parameters: str
    request: str | None

    @property
    def prompt(self) -> str:
        """The prompt with its version."""
        return f"{self.prompt_name}-{self.prompt_version}"


class About(NamedTuple):
    """A question about a prompt, or about a completion of it."""

    asked: Asked
    prompt_id: str
    completion_id: str | None = None


# Asks the prompt of that name of each item; one result an item, in their order.
Ask = Callable[[str, Sequence[BaseModel]], Sequence[Asked]]


def requests(questions: Iterable[About]) -> pl.DataFrame:
    """Table `completion_requests`: the questions without an answer; one that was put twice stands once."""
    open_ones = [about for about in questions if about.asked.answer is None]
    rows = [{**one.asked._asdict(), **one._asdict()} for one in open_ones]
    frame = pl.DataFrame([{name: row[name] for name in REQUESTS.columns} for row in rows], REQUESTS.schema)
    first = frame.sort("request_id", "prompt_id", "completion_id").unique("request_id", keep="first")
    return REQUESTS.conform(first)
