"""What a model is asked about values, and what it may answer; an impossible answer is named as such.

Rules stand in validators and not in the schema: not every server knows a schema's finer words.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dft_pipeline.raw.tables import FEWEST_CRITERIA, FULLY, MOST_CRITERIA, NOT_AT_ALL


def _written(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    if not text.strip():
        raise ValueError("it is empty")
    return text.strip()


Text = Annotated[str, AfterValidator(_written)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CardText(_Strict):
    """A values card as a model reads it."""

    title: str
    instructions_short: str
    instructions_detailed: str
    evaluation_criteria: list[str]


class TwoCards(_Strict):
    """What `same_value` is asked of."""

    first: CardText
    second: CardText


class SameValue(_Strict):
    """Whether two cards lead to the same choices; the motivation comes first, so that it is thought first."""

    motivation: Text
    verdict: Literal["same", "different", "unsure"]


class Rating(_Strict):
    """How well a card is written, 1 to 5."""

    motivation: Text
    rating: Literal[1, 2, 3, 4, 5]


class Turn(_Strict):
    """Something that was said in a chat; `user` is the participant.

    The index is its place among the messages that can be read, from 0.
    """

    index: int
    role: Literal["user", "assistant"]
    text: str


class FinishedChat(_Strict):
    """What `write_card` is asked of."""

    turns: list[Turn]


class Criterion(_Strict):
    """Something to attend to, and the turns that it was taken from."""

    criterion: Text
    turns: list[int]

    @field_validator("turns")
    @classmethod
    def _from_the_chat(cls, turns: list[int], info: ValidationInfo) -> list[int]:
        if not turns:
            raise ValueError("a criterion comes from no turn")
        roles = _roles(info)
        if roles is not None:
            _refuse_strangers(turns, roles)
        return sorted(set(turns))


def _roles(info: ValidationInfo) -> dict[int, str] | None:
    """Who said each turn of the chat that was asked about, where the validation is told of it."""
    asked: dict[str, Any] = (info.context or {}).get("input") or {}
    turns = asked.get("turns")
    return None if turns is None else {turn["index"]: turn["role"] for turn in turns}


def _refuse_strangers(turns: list[int], roles: dict[int, str]) -> None:
    unknown = sorted({turn for turn in turns if turn not in roles})
    if unknown:
        raise ValueError(f"there is no turn {', '.join(map(str, unknown))} in the chat")
    if not any(roles[turn] == "user" for turn in turns):
        raise ValueError("a criterion comes from no turn of the participant's")


class Card(_Strict):
    """A values card that was written from a chat."""

    title: Text
    instructions_short: Text
    instructions_detailed: Text
    evaluation_criteria: list[Criterion]

    @field_validator("evaluation_criteria")
    @classmethod
    def _as_many_as_promised(cls, criteria: list[Criterion]) -> list[Criterion]:
        """As many as participants' own cards must have: another card would be set aside."""
        if not FEWEST_CRITERIA <= len(criteria) <= MOST_CRITERIA:
            raise ValueError(f"a card has {FEWEST_CRITERIA} to {MOST_CRITERIA} criteria, not {len(criteria)}")
        return criteria


class Refusal(_Strict):
    """Why there is no card."""

    kind: Literal["ideological_commitment"]
    reason: Text


class WrittenCard(_Strict):
    """A card, or why there is none."""

    card: Card | None
    refusal: Refusal | None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.card is None) == (self.refusal is None):
            raise ValueError("an answer is a card or a refusal, and never both or neither")
        return self


class PromptAndCandidate(_Strict):
    """What `context_applies` is asked of: a prompt, and a case's question or a context."""

    prompt: str
    kind: Literal["case", "context"]
    candidate: str


class ContextApplies(_Strict):
    """Whether a case or context applies to a prompt; the reason comes first, so that it is thought first."""

    reason: Text
    applies: Annotated[bool, Field(strict=True)]
    confidence: Annotated[float, Field(strict=True)]

    @field_validator("confidence")
    @classmethod
    def _is_a_share(cls, confidence: float, info: ValidationInfo) -> float:
        if not 0 <= confidence <= 1:
            raise ValueError("the confidence is not between 0 and 1")
        if confidence == 0 and info.data.get("applies"):
            raise ValueError("a yes without any confidence is none")
        return confidence


class CriterionText(_Strict):
    """Something to attend to, as a model reads it."""

    criterion: str


class AnswerAndCriteria(_Strict):
    """What `judge_criteria` is asked of: an answer to a prompt, and criteria by their numbers."""

    prompt: str
    answer: str
    criteria: dict[int, CriterionText]


class CriterionMet(_Strict):
    """Whether an answer meets the criterion of that number; why comes first, so that it is thought first."""

    number: Annotated[int, Field(strict=True)]
    explanation: Text
    is_met: Annotated[bool, Field(strict=True)]
    score: Literal[1, 2, 3, 4, 5]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.score == (NOT_AT_ALL if self.is_met else FULLY):
            raise ValueError("a criterion is met and not at all, or not met and fully")
        return self


class CriteriaMet(_Strict):
    """What is said of each criterion, once."""

    criteria: list[CriterionMet]

    @field_validator("criteria")
    @classmethod
    def _each_once(cls, criteria: list[CriterionMet], info: ValidationInfo) -> list[CriterionMet]:
        said = [one.number for one in criteria]
        if len(set(said)) < len(said):
            raise ValueError("a criterion is answered twice")
        asked = {int(number) for number in ((info.context or {}).get("input") or {}).get("criteria", said)}
        if set(said) - asked:
            raise ValueError("a criterion is answered that was not asked")
        if asked - set(said):
            raise ValueError("a criterion is not answered")
        return sorted(criteria, key=lambda one: one.number)
