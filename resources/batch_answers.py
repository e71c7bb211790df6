"""Answers to exported requests into `dft.llm_calls`, as if they had been asked for here.

Only answers to questions that a snapshot asks are taken: each question is put together again from its
request, and must still be the one that the project would ask.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import psycopg
from pydantic import BaseModel

from dft_pipeline.raw.reading import FORMATS, RefusedFile, Unreadable, records
from dft_pipeline.training.answers import ANSWERS
from dft_pipeline.training.batch import Line, read_line
from resources.lake import Lake, published
from resources.language_model import chat, read_prompt
from resources.language_model.budget import Use
from resources.language_model.calling import Tally
from resources.language_model.faults import Fault
from resources.language_model.model import recorded
from resources.language_model.prompts import data_of
from resources.language_model.records import Records
from resources.loading import Aside, Loaded, Refused, remember

NAME = "answers"  # in place of a table's
# The tables of requests, of all steps that ask.
REQUESTS = ("completion_requests", "judge_requests")


def requests_of(lake: Lake, day: date) -> pl.DataFrame:
    """The requests of a day's snapshot, of all steps that ask. Raises LakeProblem where it has none."""
    found = pl.concat([lake.snapshot(name, day) for name in REQUESTS])
    return found.unique("request_id", keep="first", maintain_order=True).sort("request_id")


def answers_loader(lake: Lake, path: Path) -> Callable[[psycopg.Connection[Any]], Loaded | Refused]:
    """Loads the file over a connection, and says what became of its lines."""

    def load(connection: psycopg.Connection[Any]) -> Loaded | Refused:
        if path.suffix not in FORMATS:
            return Refused(
                NAME, path.name, f"{path.name}: the name should end in one of {', '.join(FORMATS)}"
            )
        try:
            with connection.transaction():
                return _loaded(Records(connection, None), path, named_requests(lake, _ids(path)))
        except RefusedFile as refusal:
            return Refused(NAME, path.name, str(refusal))

    return load


def _ids(path: Path) -> set[str]:
    """The questions that the file's lines name."""
    lines = (read_line(record) for record in records(path) if not isinstance(record, Unreadable))
    return {line.request_id for line in lines if line.request_id is not None}


def named_requests(lake: Lake, ids: set[str]) -> Mapping[str, Mapping[str, Any]]:
    """The requests of those ids that a kept snapshot has, as the newest has them."""
    made_with = [day for day in lake.days() if all(lake.exists(published(name, day)) for name in REQUESTS)]
    found: dict[str, Mapping[str, Any]] = {}
    for day, name in product(reversed(made_with), REQUESTS):
        if missing := sorted(ids - found.keys()):
            rows = lake.rows(name, day, pl.col("request_id").is_in(missing))
            found |= {row["request_id"]: row for row in rows.iter_rows(named=True)}
    return found


class _Found(NamedTuple):
    """A question and its answer, or why the model refuses to give one."""

    question: "chat.Question[BaseModel]"
    answer: BaseModel | Fault
    use: Use


def _loaded(kept: Records, path: Path, known: Mapping[str, Mapping[str, Any]]) -> Loaded:
    aside: list[Aside] = []
    good: list[str] = []
    read = new = 0
    for read, record in enumerate(records(path), 1):
        line = Line(None, None, "wrong_type") if isinstance(record, Unreadable) else read_line(record)
        found = _answer(line, known)
        rule = found if isinstance(found, Aside) else _keep(kept, found)
        if isinstance(rule, Aside):
            aside.append(rule._replace(row=read))
        else:
            good.append(_key(line.request_id))
        new += rule is True
    with kept.connection.cursor() as cursor:
        remember(cursor, NAME, path.name, aside, good)
    return Loaded(NAME, path.name, read, new, 0, read - new - len(aside), aside, [])


def _answer(line: Line, known: Mapping[str, Mapping[str, Any]]) -> _Found | Aside:
    """The question and what a line says to it, or why that is nothing and the line is set aside."""
    if line.rule is not None or line.request_id is None or line.body is None:
        return _aside(line.request_id, str(line.rule), line.value)
    request = known.get(line.request_id)
    if request is None:
        return _aside(None, "unknown_question", None)
    question = question_of(request)
    if question is None:
        return _aside(line.request_id, "outdated_question", None)
    try:
        given = chat.reply(line.body, "the file")
        return _Found(question, _said(question, given), _use(given))
    except Fault as fault:
        rule = "malformed" if fault.kind == "unavailable" else fault.kind
        return _aside(line.request_id, rule, fault.why)


def _said(question: "chat.Question[BaseModel]", given: chat.Reply) -> BaseModel | Fault:
    """The answer, or the refusal to give one. Raises other Faults."""
    try:
        return chat.answer(question, given)
    except Fault as fault:
        if fault.kind != "refused":
            raise
        return fault


def question_of(request: Mapping[str, Any]) -> "chat.Question[BaseModel] | None":
    """The question of a request; None where the project asks it no longer, or otherwise."""
    form = ANSWERS.get(request["prompt_name"])
    if form is None:
        return None
    body = json.loads(request["request"])
    data = data_of(body["messages"][1]["content"])
    prompt = read_prompt(request["prompt_name"])
    question = chat.Question(prompt, form, body["model"], body.get("temperature"), data)
    return question if question.hash == request["request_id"] else None


def _use(given: chat.Reply) -> Use:
    """The tokens that were counted; what they cost elsewhere is not known."""
    return (
        Use() if given.usage is None else Use(given.usage.prompt_tokens, given.usage.completion_tokens or 0)
    )


def _keep(kept: Records, found: _Found) -> Aside | bool:
    """Keeps an answer: True where it was, False where the same was there, or why it is set aside.

    A refusal is set aside and kept as well, once: the next build is to know of it.
    """
    asked, tally = [found.question.hash], Tally(attempts=1, use=found.use)
    stored = kept.answers(asked).get(found.question.hash)
    if isinstance(found.answer, Fault):
        if stored is None and not kept.refusals(asked):
            kept.keep_call(recorded(found.question), tally, "refused", found.answer.why)
        return _aside(found.question.hash, found.answer.kind, found.answer.why)
    if stored is None:
        kept.keep_call(recorded(found.question, found.answer), tally, "answered", None)
        return True
    if json.loads(stored) == found.answer.model_dump(mode="json"):
        return False
    return _aside(found.question.hash, "answered_already", None)


def _aside(request_id: str | None, rule: str, value: str | None) -> Aside:
    return Aside(0, None if request_id is None else _key(request_id), "custom_id", rule, value)


def _key(request_id: str | None) -> str:
    return json.dumps({"custom_id": request_id}, separators=(",", ":"))
