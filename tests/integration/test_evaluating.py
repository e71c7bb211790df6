"""A night's questions, answered by a script, and how good its answers are said to be."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from resources.lake import Lake, sha256
from resources.language_model import read_prompt
from tests.conftest import Dft, deliberating
from tests.model_server import NO_CARD, ModelServer

DAY = date(2024, 1, 14)
JUDGE = read_prompt("judge_criteria").system
Row = dict[str, Any]


@pytest.fixture(scope="module")
def built(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    key = {"DFT_PSEUDONYM_KEY": "a key for tests"}
    with deliberating(server, tmp_path_factory.mktemp("evaluating"), 120, **key) as dft:
        done = dft("build", "--as-of", DAY)
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.fixture(scope="module")
def lake(built: Dft) -> Lake:
    return Lake(str(built.folder / "home" / "lake"))


@pytest.fixture(scope="module")
def items(lake: Lake) -> dict[str, Row]:
    rows = lake.snapshot("evaluation_items", DAY).to_dicts()
    return {row["item_id"]: row for row in rows}


@pytest.fixture(scope="module")
def asked(built: Dft) -> list[Row]:
    """What `dft export evaluation` writes."""
    done = built("export", "evaluation", "--as-of", DAY, "--output", "questions.jsonl")
    assert done.returncode == 0, done.stderr
    lines = (built.folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    assert f"{len(lines)} questions as of {DAY} in questions.jsonl" in done.stdout
    return [json.loads(line) for line in lines]


def evaluated(
    dft: Dft, questions: list[Row], answer: Callable[[Row], Row | None], *words: str, **environment: str
) -> Row:
    """What `dft evaluate` says of answers that a function gives."""
    given = [{"item_id": one["item_id"], **found} for one in questions if (found := answer(one)) is not None]
    (dft.folder / "answers.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in given), "utf-8")
    done = dft("evaluate", "answers.jsonl", "--json", *words, **environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def score(told: Row, kind: str, metric: str, by: str = "answers") -> Row:
    (found,) = [
        one for one in told["scores"] if (one["kind"], one["metric"], one["by"]) == (kind, metric, by)
    ]
    return dict(found)


def test_a_night_asks_what_is_held_out(items: dict[str, Row], asked: list[Row], lake: Lake) -> None:
    assert [one["item_id"] for one in asked] == sorted(items)
    assert {one["kind"] for one in asked} == {"value_choice", "edge", "execution"}
    assert not {"answer_value_ids", "edge_id", "row_ids"} & {name for one in asked for name in one}
    # Three cases: a fold each, so that all can be asked about but edges that two of them share.
    rewards, pairs = (lake.snapshot(name, DAY) for name in ("reward_rows", "value_pairs"))
    choices = [one for one in asked if one["kind"] == "value_choice"]
    assert len(choices) == rewards.select("prompt_id", "context_id").n_unique()
    beside: dict[frozenset[int], set[str]] = {}
    ends = pairs.select("less_wise_value_id", "wiser_value_id", "prompt_id").rows()
    for source, wiser, prompt in ends:
        beside.setdefault(frozenset((source, wiser)), set()).add(prompt)
    alone = sum(len(beside[frozenset((source, wiser))]) == 1 for source, wiser, _ in ends)
    assert sum(one["kind"] == "edge" and one["fold"] is not None for one in asked) == alone > 0
    content = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in asked).encode()
    (export,) = [one for one in lake.exports() if one.form == "evaluation"]
    assert export.files == {"questions.jsonl": sha256(content)}, "it is registered"


def test_perfect_answers_to_a_fold_have_1_beside_the_baselines(
    built: Dft, items: dict[str, Row], asked: list[Row]
) -> None:
    def right(question: Row) -> Row | None:
        answers = items[question["item_id"]]["answer_value_ids"]
        if question["kind"] == "execution":
            return None
        letters = ["ABCDEFGHIJKLMN"[question["options"].index(value)] for value in answers]
        return {"answer": letters if question["kind"] == "value_choice" else letters[0]}

    told = evaluated(built, asked, right, "--fold", "0")
    there = [one for one in asked if one["fold"] == 0]
    assert told["outcomes"]["value_choice"]["answered"] == sum(one["kind"] == "value_choice" for one in there)
    assert told["outcomes"]["execution"] == {"items": 1, "answered": 0, "unanswered": 1, "unreadable": 0}
    assert told["answers_elsewhere"] == sum(one["kind"] != "execution" for one in asked if one["fold"] != 0)
    assert score(told, "value_choice", "f1")["value"] == 1
    assert score(told, "edge", "accuracy")["value"] == 1
    assert score(told, "value_choice", "f1", "chance")["value"] == 0.5
    assert score(told, "edge", "accuracy", "longest")["value"] > 0.5, "simulated ones are"
    assert told["unscored"].startswith("nothing scores them")
    shown = built("evaluate", "answers.jsonl", "--fold", "0")
    assert shown.returncode == 0, shown.stderr
    assert "fold 0 as of 2024-01-14" in shown.stdout
    assert "1 unanswered, which count as wrong" in shown.stdout
    assert evaluated(built, asked, right, "--fold", "0") == told, "the same again"


def test_prompts_are_scored_by_the_model_as_judge(built: Dft, asked: list[Row], lake: Lake) -> None:
    """It finds met what begins with a letter before N; the reward is what such criteria weigh."""

    def judge(system: str, data: Any) -> Any:
        if system != JUDGE:
            return NO_CARD
        met = {int(number): one["criterion"][0] < "N" for number, one in data["criteria"].items()}
        return {
            "criteria": [
                {"number": number, "explanation": "So.", "is_met": is_met, "score": 5 if is_met else 1}
                for number, is_met in met.items()
            ]
        }

    def answered(question: Row) -> Row | None:
        return {"answer": "Talk to them."} if question["kind"] == "execution" else None

    with ModelServer(judge) as server:
        key = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": server.url}
        told = evaluated(built, asked, answered, "--split", "test", **key)
        count = len([one for one in server.requests if one.system == JUDGE])
        again = evaluated(built, asked, answered, "--split", "test", **key)
        assert len([one for one in server.requests if one.system == JUDGE]) == count, "nothing is paid twice"
    assert again == told
    prompts = sorted(
        one["prompt_id"] for one in asked if one["kind"] == "execution" and one["split"] == "test"
    )
    assert count == len(prompts) > 0
    rubric = lake.snapshot("rubric_rows", DAY).to_dicts()
    rewards = [
        sum(row["weight"] for row in rubric if row["prompt_id"] == prompt and row["criterion"][0] < "N")
        for prompt in prompts
    ]
    found = score(told, "execution", "reward")
    assert (found["value"], found["items"]) == (pytest.approx(sum(rewards) / len(rewards)), len(prompts))
    assert told["unscored"] is None


def test_what_does_not_do_is_said(built: Dft, asked: list[Row], tmp_path: Path) -> None:
    file = built.folder / "wrong.csv"
    file.write_text(f"item_id,answer\n{asked[0]['item_id']},A\nnobody,A\n")
    unknown = built("evaluate", "wrong.csv", "--fold", "0")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "wrong.csv row 2, item_id: nobody is no item of the snapshot" in unknown.stderr
    nobody = built("evaluate", "wrong.csv", "--fold", "7")
    assert nobody.returncode == 1
    assert "no item has the fold 7" in nobody.stderr
    assert "--fold 0, --fold 1, --fold 2" in nobody.stderr.replace("\n", " ")
    empty = built("evaluate", "wrong.csv", DFT_LAKE=str(tmp_path / "empty"))
    assert empty.returncode == 1
    assert "there is no snapshot yet" in empty.stderr
