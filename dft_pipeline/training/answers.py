"""What a model is asked that writes or moderates completions, and what it may answer, by prompt.

A value is asked about as a whole card (`CardText`), so that a withdrawal finds what was said of it.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dft_pipeline.values.answers import CardText, CriteriaMet, Text


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PromptAlone(_Strict):
    """What `naive_answer` is asked of."""

    prompt: str


class NaiveAnswer(_Strict):
    """An answer without guidance."""

    text: Text


class PromptAndValue(_Strict):
    """What `guided_answer` is asked of; `context` is empty where the value is wise in none by itself."""

    prompt: str
    context: str
    value: CardText


class GuidedAnswer(_Strict):
    """An answer by a value, and the same answer with what the value did to it marked; empty without marks."""

    text: Text
    marked: str


class AnswerToRevise(_Strict):
    """What `revise_answer` is asked of."""

    prompt: str
    text: str
    value: CardText


class RevisedAnswer(_Strict):
    """What is wanting in an answer by a value's criteria, and a better one; the critique comes first."""

    critique: Text
    revision: Text


class AnswerToModerate(_Strict):
    """What `moderate` is asked of."""

    prompt: str
    text: str


class Moderated(_Strict):
    """Whether an answer may stand in training data; the reason comes first, so that it is thought first."""

    reason: Text
    verdict: Literal["fine", "flagged"]


# What may be answered, by the prompt's name: answers that come back in a file are read by it.
ANSWERS: Mapping[str, type[BaseModel]] = {
    "naive_answer": NaiveAnswer,
    "guided_answer": GuidedAnswer,
    "revise_answer": RevisedAnswer,
    "moderate": Moderated,
    "judge_criteria": CriteriaMet,
}
