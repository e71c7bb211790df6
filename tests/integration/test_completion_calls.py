"""What is asked about completions: its answer or why there is none, and what goes with a person."""

from typing import Any

import psycopg
import pytest

from dft_pipeline.training.answers import (
    AnswerToModerate,
    AnswerToRevise,
    Moderated,
    PromptAlone,
    PromptAndValue,
)
from dft_pipeline.training.asking import Ask
from dft_pipeline.values.answers import CardText
from resources.completion_writer import completion_writer
from resources.database import prepare
from resources.language_model import Answered, answers_from_before, language_model, read_prompt
from resources.settings import settings
from resources.withdrawals import forget_told
from tests.model_server import ModelServer, Scene

CARD = CardText(
    title="Calm",
    instructions_short="Be calm.",
    instructions_detailed="Be calm for long.",
    evaluation_criteria=["FEARS that lie behind", "PAUSES before an answer"],
)
OTHER = CARD.model_copy(update={"title": "Haste"})


def answer(_: str, data: Any) -> Any:
    if "value" not in data:
        return {"text": "Naively."}
    return {"text": "By it.", "marked": ""} if "context" in data else {"critique": "No.", "revision": "Yes."}


@pytest.fixture
def url(database_url: str) -> str:
    prepare(database_url)
    return database_url


def asking(url: str, server: ModelServer, heard: list[str]) -> Ask:
    chosen = settings(openai_api_key="secret", openai_base_url=server.url, max_parallel_calls=1)
    model = language_model(chosen, url, waits_s=(0, 0))
    assert model is not None
    return completion_writer(model, heard.append)


def test_a_refusal_is_known_without_a_key_until_there_is_an_answer(url: str) -> None:
    item = [PromptAlone(prompt="Why?")]

    def from_before() -> tuple[bool, bool]:
        (found,) = completion_writer(answers_from_before(settings(), url), lambda _: None)(
            "naive_answer", item
        )
        return found.is_refused, found.answer is None

    assert from_before() == (False, True), "nobody was asked"
    with ModelServer(answer) as server:
        server.plays(Scene(content="null", refusal="No."))
        asking(url, server, [])("naive_answer", item)
        assert from_before() == (True, True)
        assert asking(url, server, [])("naive_answer", item)[0].answer is not None, "it is asked again"
    assert from_before() == (False, False)


def test_what_has_no_answer_is_told_by_reason_and_count(url: str) -> None:
    heard: list[str] = []
    prompts = [PromptAlone(prompt=f"Why {number}?") for number in range(5)]
    with ModelServer(answer) as server:
        refusal, cut_short = Scene(content="null", refusal="No."), Scene(content='{"text":')
        server.plays(refusal, refusal, cut_short, cut_short, cut_short)
        found = asking(url, server, heard)("naive_answer", prompts)
        assert [one.answer is None for one in found] == [True, True, True, False, False]
        assert [one.is_refused for one in found] == [True, True, False, False, False]
        assert [one.request is None for one in found] == [False, False, False, True, True]
        (told,) = heard
        assert told.startswith("`naive_answer`: 3 of 5 have no answer yet: 2 × the model ")
        assert told.endswith("refuses to answer; 1 × the answer is no JSON, or was cut short")
        before = len(server.requests)
        again = asking(url, server, heard)("naive_answer", prompts)
        assert len(server.requests) - before == 3, "only what has no answer is asked again"
    assert all(one.answer is not None for one in again)
    assert [one.request_id for one in again] == [one.request_id for one in found]


def test_without_a_server_there_is_what_was_answered_before(url: str) -> None:
    with ModelServer(answer) as server:
        asking(url, server, [])("naive_answer", [PromptAlone(prompt="Why?")])
    heard: list[str] = []
    model = answers_from_before(settings(), url)
    ask = completion_writer(model, heard.append)
    found = ask("naive_answer", [PromptAlone(prompt="Why?"), PromptAlone(prompt="Else?")])
    assert [None if one.answer is None else one.answer.text for one in found] == ["Naively.", None]
    assert heard == [
        "`naive_answer`: 1 of 2 have no answer yet: there is no language model to ask (OPENAI_API_KEY)"
    ]
    items = [AnswerToModerate(prompt="Why?", text="So.")]
    assert not isinstance(model.ask(read_prompt("moderate"), items, Moderated)[0], Answered)


def test_a_withdrawal_takes_away_what_was_asked_with_a_persons_card(url: str) -> None:
    with ModelServer(answer) as server:
        ask = asking(url, server, [])
        ask("guided_answer", [PromptAndValue(prompt="Why?", context="", value=one) for one in (CARD, OTHER)])
        ask("revise_answer", [AnswerToRevise(prompt="Why?", text="So.", value=one) for one in (CARD, OTHER)])
    with psycopg.connect(url) as connection:
        assert forget_told(connection, [tuple(CARD.model_dump().values())], []) == 2
        left = connection.execute("SELECT prompt_name, input::text FROM dft.llm_calls ORDER BY 1").fetchall()
    assert [name for name, _ in left] == ["guided_answer", "revise_answer"]
    assert all("Haste" in text and "Calm" not in text for _, text in left)
