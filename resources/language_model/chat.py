"""A question to a chat model: how it is put, what makes two the same, and how a reply is read."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import openai
from pydantic import BaseModel, Field, ValidationError

from resources.language_model.budget import estimated_tokens
from resources.language_model.faults import Fault, Kind, malformed
from resources.language_model.prompts import Prompt

T = TypeVar("T", bound=BaseModel)
# An answer may take so many times its usual tokens, then it is cut: a model that does not stop costs no more.
ROOM = 8


@dataclass(frozen=True)
class Answered(Generic[T]):
    """A good answer; `reused` when it was given, and paid for, before."""

    value: T
    reused: bool = False


@dataclass(frozen=True)
class Unanswered:
    """A question without an answer, and in one line why; the next run asks it again."""

    kind: Kind
    why: str


class Request(NamedTuple):
    """A question as whoever puts it elsewhere needs it; `request` is the call's body, as JSON, if needed."""

    request_id: str
    prompt_name: str
    prompt_version: int
    model: str
    parameters: str
    request: str | None


@dataclass(frozen=True)
class Question(Generic[T]):
    """What is asked of one item; equal `hash`, equal question."""

    prompt: Prompt
    answer: type[T]
    model: str
    temperature: float | None
    data: str

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What is asked for beside the prompt, as it is recorded."""
        said = {
            "max_completion_tokens": ROOM * self.prompt.answer_tokens,
            "schema": _sha256(_schema(self.answer)),
            "temperature": self.temperature,
        }
        return {name: value for name, value in said.items() if value is not None}

    @cached_property
    def input_hash(self) -> str:
        return _sha256(self.data)

    @cached_property
    def hash(self) -> str:
        parts = [self.prompt.hash, self.model, self.parameters, self.input_hash]
        return _sha256(json.dumps(parts, sort_keys=True))

    @property
    def spread(self) -> float:
        """0 to 1, another for each question and the same each time."""
        return int(self.hash[:4], 16) / 0xFFFF

    @property
    def estimated_in(self) -> int:
        return estimated_tokens([self.prompt.system, _schema(self.answer), self.data])

    def request(self) -> dict[str, Any]:
        schema = {
            "name": self.answer.__name__,
            "strict": True,
            "schema": json.loads(_schema(self.answer)),
        }
        return {
            "model": self.model,
            "messages": self.prompt.messages(self.data),
            "response_format": {"type": "json_schema", "json_schema": schema},
            **{name: value for name, value in self.parameters.items() if name != "schema"},
        }

    @property
    def as_request(self) -> "Request":
        body, parameters = (
            json.dumps(one, sort_keys=True, ensure_ascii=False) for one in (self.request(), self.parameters)
        )
        return Request(self.hash, self.prompt.name, self.prompt.version, self.model, parameters, body)

    def read(self, content: str) -> T:
        """The answer in a text; its rules may look at what was asked. Raises ValidationError."""
        return self.answer.model_validate_json(content, context={"input": json.loads(self.data)})


class Usage(BaseModel):
    """The tokens that a server counted."""

    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int | None = Field(None, ge=0)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class Reply(BaseModel):
    """As much of a chat completion as is read."""

    choices: list[_Choice] = Field(min_length=1)
    usage: Usage | None = None


def reply(body: str, server: str) -> Reply:
    """The reply in a body. Raises Fault where it is not one, such as a web page."""
    try:
        return Reply.model_validate_json(body)
    except ValidationError:
        raise no_reply(server) from None


def no_reply(server: str) -> Fault:
    return Fault("unavailable", f"what {server} sent is no reply of the OpenAI protocol", again=True)


def answer(question: Question[T], given: Reply) -> T:
    """The answer in a reply. Raises Fault."""
    choice = given.choices[0]
    if choice.finish_reason == "length":
        room = question.parameters["max_completion_tokens"]
        raise Fault("too_long", f"the answer did not end within {room} tokens")
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise Fault("refused", f"the model {question.model} refuses to answer")
    try:
        return question.read(choice.message.content or "")
    except ValidationError as error:
        raise malformed(error) from None


@cache
def _schema(answer: type[BaseModel]) -> str:
    """The answer's JSON schema as strict servers want it: every property required, no further ones."""
    return json.dumps(openai.pydantic_function_tool(answer)["function"]["parameters"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
