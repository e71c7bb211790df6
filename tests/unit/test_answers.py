"""What a model may answer: every impossible answer is refused by a rule that says what is wrong."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from dft_pipeline.values.answers import FinishedChat, SameValue, Turn, WrittenCard
from resources.language_model.faults import malformed

CHAT = FinishedChat(
    turns=[
        Turn(index=0, role="assistant", text="What matters?"),
        Turn(index=1, role="user", text="I look for what they fear."),
        Turn(index=4, role="user", text="And what they hope."),
    ]
)
CRITERION = {"criterion": "FEARS that are not spoken about", "turns": [4, 1, 4]}
HOPE = {"criterion": "HOPES", "turns": [4]}
CARD = {
    "title": " Listening ",
    "instructions_short": "Listen.",
    "instructions_detailed": "Listen for long.",
    "evaluation_criteria": [CRITERION, HOPE],
}
REFUSAL = {"kind": "ideological_commitment", "reason": "It is a slogan."}


def written(answer: object) -> WrittenCard:
    context = {"input": CHAT.model_dump(mode="json")}
    return WrittenCard.model_validate_json(json.dumps(answer), context=context)


def why_not(answer: object) -> str:
    with pytest.raises(ValidationError) as impossible:
        written(answer)
    return malformed(impossible.value).why.removeprefix("the answer is not possible: ")


def test_a_card_names_the_turns_that_it_came_from() -> None:
    card = written({"card": CARD, "refusal": None}).card
    assert card is not None
    assert card.title == "Listening"
    assert card.evaluation_criteria[0].turns == [1, 4]


def test_a_refusal_has_its_reason() -> None:
    refusal = written({"card": None, "refusal": REFUSAL}).refusal
    assert refusal is not None
    assert (refusal.kind, refusal.reason) == ("ideological_commitment", "It is a slogan.")


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ([], "a criterion comes from no turn"),
        ([1, 2, 9], "there is no turn 2, 9 in the chat"),
        ([-1], "there is no turn -1 in the chat"),
        ([0], "a criterion comes from no turn of the participant's"),
    ],
)
def test_a_criterion_comes_from_turns_that_there_are(turns: list[int], why: str) -> None:
    card = {**CARD, "evaluation_criteria": [{**CRITERION, "turns": turns}, HOPE]}
    assert why_not({"card": card, "refusal": None}) == f"card.evaluation_criteria.0.turns: {why}"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        *(
            (
                {"evaluation_criteria": [HOPE] * count},
                f"card.evaluation_criteria: a card has 2 to 10 criteria, not {count}",
            )
            for count in (0, 1, 11)
        ),
        ({"title": " \n"}, "card.title: it is empty"),
        ({"instructions_short": "a\0b"}, "card.instructions_short: it holds a NUL character"),
        ({"jane_doe": "said this"}, "card: Extra inputs are not permitted"),
    ],
)
def test_a_card_is_whole(change: dict[str, Any], why: str) -> None:
    assert why_not({"card": CARD | change, "refusal": None}) == why


@pytest.mark.parametrize(("card", "refusal"), [(None, None), (CARD, REFUSAL)])
def test_an_answer_is_one_of_both(card: object, refusal: object) -> None:
    why = "an answer is a card or a refusal, and never both or neither"
    assert why_not({"card": card, "refusal": refusal}) == why


def test_a_verdict_is_one_of_three() -> None:
    with pytest.raises(ValidationError) as impossible:
        SameValue.model_validate({"motivation": "m", "verdict": "Same"})
    why = malformed(impossible.value).why
    assert why.endswith("verdict: Input should be 'same', 'different' or 'unsure'")


def test_the_motivation_is_thought_before_the_verdict() -> None:
    assert list(SameValue.model_json_schema()["properties"]) == ["motivation", "verdict"]
