"""OpenAI's batch format: what is written, what is refused, and what a line of answers says."""

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from dft_pipeline.tables import TABLES
from dft_pipeline.training import batch
from dft_pipeline.training.answers import ANSWERS, NaiveAnswer, PromptAlone
from dft_pipeline.training.asking import About, Asked, requests
from dft_pipeline.training.batch import Line, batch_files, counts, names, read_line
from resources.batch_answers import named_requests, question_of
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
    (file,) = batch_files(made)
    (line,) = file.decode().splitlines()
    body = question("Warum – so?").request()
    assert json.loads(line) == {
        "custom_id": question("Warum – so?").hash,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
    }
    assert counts(made) == ": 1 `naive_answer`"
    assert (batch_files(made.clear()), counts(made.clear())) == ([b""], "")


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


@pytest.mark.parametrize(
    ("name", "lines", "counts"),
    [("MOST_REQUESTS", 2, [2, 2, 1]), ("MOST_BYTES", 3, [3, 2]), ("MOST_BYTES", 0, [1] * 5)],
)
def test_what_a_batch_does_not_take_goes_on_in_the_next(
    name: str, lines: int, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    every = requests([About(asked(f"{number}?"), "p") for number in range(5)])
    (whole,) = batch_files(every)
    limit = lines if name == "MOST_REQUESTS" else lines * len(whole) // 5
    monkeypatch.setattr(batch, name, limit)
    parts = batch_files(every)
    assert b"".join(parts) == whole
    assert [len(part.splitlines()) for part in parts] == counts


def test_further_files_are_numbered_before_the_ending() -> None:
    assert names("a.b.jsonl", 3) == ["a.b.jsonl", "a.b-2.jsonl", "a.b-3.jsonl"]
    assert names("requests", 2) == ["requests", "requests-2"]
    assert names("requests.jsonl", 1) == ["requests.jsonl"]


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


class FewSnapshots:
    """As much of a lake as is read: two days with questions each, and what was asked for of which."""

    def __init__(self, *of_days: pl.DataFrame) -> None:
        self.of_days = {date(2024, 1, day): rows for day, rows in enumerate(of_days, 1)}
        self.read: list[int] = []

    def days(self) -> list[date]:
        return sorted(self.of_days)

    def exists(self, path: str) -> bool:
        return True

    def rows(self, table: str, day: date, where: pl.Expr) -> pl.DataFrame:
        self.read.append(day.day)
        rows = self.of_days[day]
        return rows.filter(where) if table == "completion_requests" else rows.clear()


def test_requests_are_read_by_id_from_the_newest_snapshot_on() -> None:
    ids = [question(f"{number}?").hash for number in range(4)]
    every = [requests([About(asked(f"{number}?"), day) for number in range(3)]) for day in ("old", "new")]
    lake: Any = FewSnapshots(every[0], every[1].filter(pl.col("request_id") != ids[1]))
    found = named_requests(lake, {ids[0]})
    assert [(name, row["prompt_id"]) for name, row in found.items()] == [(ids[0], "new")]
    assert lake.read == [2], "nothing is looked for that is found"
    found = named_requests(lake, set(ids) - {ids[2]})
    assert {name: row["prompt_id"] for name, row in found.items()} == {ids[0]: "new", ids[1]: "old"}


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
