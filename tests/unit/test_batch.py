"""OpenAI's batch format: what is written, what is refused, and what a line of answers says."""

import json
from typing import Any

import polars as pl
import pytest

from dft_pipeline.tables import TABLES
from dft_pipeline.training import batch
from dft_pipeline.training.answers import ANSWERS, NaiveAnswer, PromptAlone
from dft_pipeline.training.asking import About, Asked, requests
from dft_pipeline.training.batch import Line, TooMany, batch_file, counts, read_line
from resources.batch_answers import question_of
from resources.language_model import read_prompt
from resources.language_model.chat import Question
from resources.language_model.prompts import as_data

HASH = "a" * 64


def question(prompt: str = "Why?") -> Question[NaiveAnswer]:
    return Question(read_prompt("naive_answer"), NaiveAnswer, "m", 0.5, as_data(PromptAlone(prompt=prompt)))


def asked(prompt: str = "Why?", answer: object = None) -> Asked:
    return Asked(answer, False, *question(prompt).as_request)


def test_a_line_is_a_call_with_the_questions_hash() -> None:
    made = requests([About(asked("Warum – so?"), "p")])
    (line,) = batch_file(made).decode().splitlines()
    body = question("Warum – so?").request()
    assert json.loads(line) == {
        "custom_id": question("Warum – so?").hash,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
    }
    assert counts(made) == ": 1 `naive_answer`"
    assert (batch_file(made.clear()), counts(made.clear())) == (b"", "")


def test_a_question_that_was_put_twice_stands_once() -> None:
    every = [
        About(asked(), "b"),
        About(asked(), "a"),
        About(asked("Else?"), "c"),
        About(asked("Known?", 1), "d"),
    ]
    made = requests(every)
    assert sorted(made["prompt_id"]) == ["a", "c"]
    assert made["request_id"].to_list() == sorted(made["request_id"])
    assert TABLES["completion_requests"].contract.is_valid(made)


@pytest.mark.parametrize(("name", "limit"), [("MOST_REQUESTS", 1), ("MOST_BYTES", 100)])
def test_more_than_a_batch_takes_is_refused(name: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, name, limit)
    with pytest.raises(TooMany, match=r"2 requests of [\d,]+ bytes: a batch takes"):
        batch_file(requests([About(asked("One?"), "a"), About(asked("Two?"), "b")]))


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (["x"], Line(None, None, "wrong_type")),
        ({}, Line(None, None, "missing_key")),
        ({"custom_id": 7}, Line(None, None, "missing_key")),
        ({"custom_id": HASH, "response": None}, Line(HASH, None, "failed", "no response")),
        ({"custom_id": HASH, "response": {"status_code": 500}}, Line(HASH, None, "failed", "status 500")),
        ({"custom_id": HASH, "response": {"status_code": "x"}}, Line(HASH, None, "failed", "no status")),
        ({"custom_id": HASH, "response": {"status_code": 200, "body": {"a": 1}}}, Line(HASH, '{"a": 1}')),
        ({"custom_id": HASH, "response": {"status_code": 200}}, Line(HASH, "null")),
    ],
)
def test_what_a_line_says(record: Any, found: Line) -> None:
    assert read_line(record) == found


# A question put together again from its request


def request(**changes: Any) -> dict[str, Any]:
    return {**requests([About(asked(), "p")]).row(0, named=True), **changes}


def test_a_question_is_the_one_that_was_written_down() -> None:
    assert question_of(request()) == question()


def test_a_question_that_is_asked_otherwise_now_is_none() -> None:
    body = json.loads(request()["request"])
    other_words = {
        **body,
        "messages": [*body["messages"][:1], {"role": "user", "content": "<data>\n{}\n</data>"}],
    }
    assert question_of(request(prompt_name="forgotten")) is None
    assert question_of(request(prompt_name="moderate")) is None
    assert question_of(request(request_id=HASH)) is None
    assert question_of(request(request=json.dumps(other_words))) is None
    assert question_of(request(request=json.dumps({**body, "temperature": 0.7}))) is None


def test_every_prompt_that_is_asked_has_a_file_and_a_form() -> None:
    for name, form in ANSWERS.items():
        assert read_prompt(name).name == name
        assert form.model_json_schema()["type"] == "object"
    assert pl.Series(list(ANSWERS)).is_unique().all()
