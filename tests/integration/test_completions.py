"""From prompts to exported pairs: asked elsewhere by a file, then of a server that errs and breaks off."""

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from dft_pipeline.training.answers import ANSWERS
from dft_pipeline.training.marks import mark, stripped
from resources.lake import Lake
from resources.language_model import read_prompt
from tests.conftest import Dft, deliberating
from tests.model_server import NO_CARD, ModelServer, Scene

DAY = date(2024, 1, 14)
WRITES = {"DFT_WRITE_COMPLETIONS": "true", "DFT_TRUST_JUDGE": "true"}
JUDGES = read_prompt("judge_criteria").system
SYSTEMS = {read_prompt(name).system: name for name in ANSWERS}
BAD, RUDE = "BAD", "RUDE"  # what a guided answer has for a model that does not answer well


def answer(system: str, data: Any) -> Any:
    """A model that shows which value it was given, and marks it; every seventh value it does badly by."""
    match SYSTEMS.get(system):
        case "naive_answer":
            return {"text": f"I cannot say anything about {data['prompt']}"}
        case "guided_answer":
            return guided(data)
        case "revise_answer":
            return {"critique": "It says nothing.", "revision": f"Let us look at {data['prompt']}"}
        case "moderate":
            return {"reason": "It is rude.", "verdict": "flagged" if RUDE in data["text"] else "fine"}
        case _:
            return judged(data) if system == JUDGES else NO_CARD


def judged(data: Any) -> Any:
    """A judge that finds no criterion met where nothing is said; by an answer's length it errs or refuses."""
    text = data["answer"]
    is_met = not text.startswith("I cannot")
    said = [
        {"number": int(number), "explanation": "I read it.", "is_met": is_met, "score": 4 if is_met else 2}
        for number in data["criteria"]
    ]
    match mishap(text):
        case "contradictory":
            said[0]["score"] = 1 if is_met else 5
        case "malformed":
            said.pop()
        case "refused":
            return Scene(content="null", refusal="I would rather not.")
    return {"criteria": said}


def mishap(text: str) -> str | None:
    return {0: "contradictory", 1: "malformed", 2: "refused"}.get(len(text) % 8)


def guided(data: Any) -> Any:
    value, words = data["value"], f"By {data['value']['title']}, about {data['prompt']}"
    criterion = value["evaluation_criteria"][0]
    match len(value["title"]) % 4:
        case 0:
            return {"text": words}  # not of the form
        case 1:
            return {"text": f"{RUDE}: {words}", "marked": ""}
        case 2:
            return {"text": words, "marked": mark(words, "When nobody is there", criterion)}
        case _:
            return {"text": words, "marked": mark(words, data["context"], criterion)}


class World:
    """A deliberation with completions loaded, and what `dft` made of it on three ways."""

    def __init__(self, dft: Dft) -> None:
        self.dft = dft
        path = dft.folder / "files" / "case.json"
        self.cases = {row["id"]: row["question"] for row in json.loads(path.read_text("utf-8"))}

    @property
    def url(self) -> str:
        return self.dft.environment["DFT_DATABASE_URL"]

    def lake(self, name: str) -> Lake:
        return Lake(str(self.dft.folder / name))

    def build(self, name: str, **environment: str) -> tuple[Lake, str]:
        done = self.dft(*self.words, DFT_LAKE=str(self.dft.folder / name), **WRITES, **environment)
        assert done.returncode == 0, done.stderr
        return self.lake(name), done.stderr

    words = ("build", "--as-of", DAY, "--dedup", "given")

    def load(self, option: str, name: str, lines: list[Any], **environment: str) -> dict[str, Any]:
        path = self.dft.folder / name
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        done = self.dft("load", option, path, "--json", **environment)
        assert done.returncode == 0, done.stderr
        (found,) = json.loads(done.stdout)["loaded"]
        return dict(found)


@pytest.fixture(scope="module")
def world(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("completions")
    with deliberating(server, folder, 60, DFT_PSEUDONYM_KEY="a key for tests") as dft:
        yield World(dft)


@pytest.fixture(scope="module")
def loaded(world: World) -> dict[str, Any]:
    """Completions without ids: by prompt or its id, as text or messages."""
    case, question = next(iter(world.cases.items()))
    talk = [{"role": "user", "content": question}, {"role": "assistant", "content": "As messages."}]
    lines = [
        {"promptId": case, "text": "By its id.", "model": "m", "isSynthetic": True},
        {"prompt": question, "text": "By its text."},
        {"prompt": question, "messages": talk},
        {"promptId": case, "text": "Write to somebody@example.org"},
        {"promptId": "nowhere", "text": "Of no prompt."},
        {"prompt": "What nobody asked", "text": "Of no prompt either."},
        {"promptId": case, "prompt": question, "text": "Of one prompt twice."},
        {"promptId": case, "messages": talk[:1]},
        {"promptId": case, "text": 7},
        {"promptId": case, "text": "By its id.", "model": "m", "isSynthetic": True},
    ]
    return world.load("--completions", "completions.jsonl", lines)


@pytest.fixture(scope="module")
def offline(world: World, loaded: object) -> Lake:
    return world.build("offline")[0]


def test_loading_names_rows_and_sets_aside_what_is_none(loaded: dict[str, Any]) -> None:
    counts = (loaded["table"], loaded["read"], loaded["new"], loaded["unchanged"], loaded["set_aside"])
    assert counts == ("completion", 10, 8, 1, 1), "the last row is the first again"
    (aside,) = loaded["rows_set_aside"]
    assert (aside["row"], aside["column"], aside["rule"]) == (9, "text", "wrong_type")


def test_loaded_ones_stand_there_with_their_prompt_or_are_set_aside(world: World, offline: Lake) -> None:
    found = offline.snapshot("completions", DAY)
    case, question = next(iter(world.cases.items()))
    assert set(found["kind"]) == {"loaded"}
    assert set(found.select("prompt_id", "prompt", "moderated_by").rows()) == {(case, question, "words-1")}
    said = dict(found.select("text", "set_aside_for").rows())
    assert said == {
        "By its id.": None,
        "By its text.": None,
        "As messages.": None,
        None: "flagged: e-mail address",
    }
    assert all(len(one) == 32 for one in found["completion_id"])
    aside = offline.snapshot("quarantine", DAY).filter(table="completion")
    assert Counter(aside.select("column", "rule").rows()) == Counter(
        {
            ("promptId", "unknown_prompt"): 1,
            ("prompt", "unknown_prompt"): 1,
            ("promptId", "id_or_prompt"): 1,
            ("messages", "bad_messages"): 1,
            ("text", "wrong_type"): 1,
        }
    )


def test_without_a_model_what_would_be_asked_is_written_down(world: World, offline: Lake) -> None:
    requests, rows = offline.snapshot("completion_requests", DAY), offline.snapshot("reward_rows", DAY)
    counts = dict(requests["prompt_name"].value_counts().iter_rows())
    prompts, values = rows["prompt_id"].n_unique(), rows.select("prompt_id", "value_id").n_unique()
    assert counts["naive_answer"] == prompts
    assert counts["guided_answer"] >= values + prompts, "each value of a prompt, and one that is none of it"
    assert counts["moderate"] == 3, "the personal one is shown to nobody"
    assert "revise_answer" not in counts, "there is nothing to revise yet"
    manifest = offline.manifest(DAY)
    assert manifest is not None
    training = manifest["settings"]["training"]
    assert (training["writes"], training["judges"]) == (True, False)
    people = offline.snapshot("participant_behaviour", DAY)["participant_id"]
    assert not any(person in text for person in people for text in requests["request"])


def exported(world: World) -> list[dict[str, Any]]:
    lake = str(world.lake("offline").url)
    path = world.dft.folder / "requests.jsonl"
    done = world.dft("export", "requests", "--as-of", DAY, "--output", path, DFT_LAKE=lake)
    assert done.returncode == 0, done.stderr
    assert " requests as of 2024-01-14 in " in " ".join(done.stdout.split())
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answered_elsewhere(line: dict[str, Any], **change: Any) -> dict[str, Any]:
    """A line of a batch's output."""
    system, user = (message["content"] for message in line["body"]["messages"])
    data = json.loads(user.removeprefix("<data>\n").removesuffix("\n</data>"))
    message = {"role": "assistant", "content": json.dumps(answer(system, data)), "refusal": None}
    choice = {"index": 0, "message": {**message, **change}, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "choices": [choice], "model": line["body"]["model"]}
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "b", "custom_id": line["custom_id"], "response": response, "error": None}


@pytest.fixture(scope="module")
def elsewhere(world: World, offline: Lake) -> dict[str, Any]:
    """The naive answers from elsewhere, the first not in time, the second refused; and what was not asked."""
    lines = exported(world)
    assert [line["custom_id"] for line in lines] == sorted(line["custom_id"] for line in lines)
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert lines[0]["body"]["response_format"]["type"] == "json_schema"
    naive = [line for line in lines if named(line) == "naive_answer"]
    given = [answered_elsewhere(line) for line in naive]
    late = {**given[0], "response": {"status_code": 408, "body": None}}
    refused = answered_elsewhere(naive[1], content=None, refusal="I would rather not.")
    stranger = {**given[2], "custom_id": "0" * 64}
    broken = answered_elsewhere(naive[1], content='{"text": ')
    lines = [
        late,
        refused,
        refused,
        *given[2:],
        given[2],
        stranger,
        broken,
        {"response": None},
        ["no", "object"],
    ]
    return world.load("--answers", "answers.jsonl", lines, DFT_LAKE=str(world.lake("offline").url))


def named(line: dict[str, Any]) -> str:
    return SYSTEMS[line["body"]["messages"][0]["content"]]


def test_answers_from_elsewhere_are_kept_and_others_are_set_aside(
    world: World, elsewhere: dict[str, Any]
) -> None:
    naive = world.lake("offline").snapshot("completion_requests", DAY).filter(prompt_name="naive_answer")
    assert len(naive) >= 3
    rows = {row["row"]: (row["rule"], row["value"]) for row in elsewhere["rows_set_aside"]}
    last = elsewhere["read"]
    assert rows == {
        1: ("failed", "status 408"),
        2: ("refused", "the model gpt-4.1-mini-2025-04-14 refuses to answer"),
        3: ("refused", "the model gpt-4.1-mini-2025-04-14 refuses to answer"),
        last - 3: ("unknown_question", None),
        last - 2: ("malformed", "the answer is no JSON, or was cut short"),
        last - 1: ("missing_key", None),
        last: ("wrong_type", None),
    }
    assert (elsewhere["new"], elsewhere["unchanged"]) == (len(naive) - 2, 1)
    with psycopg.connect(world.url) as connection:
        query = "SELECT prompt_name, outcome, count(*) FROM dft.llm_calls GROUP BY 1, 2 ORDER BY 2"
        assert connection.execute(query).fetchall() == [
            ("naive_answer", "answered", len(naive) - 2),
            ("naive_answer", "refused", 1),
        ], "the refusal once, though it came twice"
        query = """SELECT count(*) FROM dft.quarantine WHERE "table" = 'answers'"""
        assert connection.execute(query).fetchone() == (7,)


@pytest.fixture(scope="module")
def models(world: World, elsewhere: object) -> Iterator[ModelServer]:
    with ModelServer(answer, delay_s=0.15) as server:
        world.dft.environment |= {"OPENAI_BASE_URL": server.url, "DFT_MAX_PARALLEL_CALLS": "4"}
        yield server


def of_completions(models: ModelServer) -> list[tuple[str, str]]:
    """What was asked about completions, in order: the prompt's name and the data."""
    return [(SYSTEMS[one.system], one.user) for one in models.requests if one.system in SYSTEMS]


@pytest.fixture(scope="module")
def killed(world: World, models: ModelServer) -> Counter[tuple[str, str]]:
    """What a run was asking that was killed half-way."""
    lake = str(world.lake("online").url)
    process = world.dft.start(*world.words, OPENAI_API_KEY="secret", DFT_LAKE=lake, **WRITES)
    while len(of_completions(models)) < 12 and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    time.sleep(0.5)  # what was on its way arrives
    models.delay_s = 0
    return Counter(of_completions(models))


@pytest.fixture(scope="module")
def online(world: World, models: ModelServer, killed: object) -> tuple[Lake, str]:
    return world.build("online", OPENAI_API_KEY="secret")


def test_a_killed_run_goes_on_without_asking_again(
    world: World,
    models: ModelServer,
    killed: Counter[tuple[str, str]],
    online: tuple[Lake, str],
) -> None:
    assert 12 <= sum(killed.values()) < len(of_completions(models)), "it was killed half-way"
    with psycopg.connect(world.url) as connection:
        query = (
            "SELECT prompt_name, input::text FROM dft.llm_calls WHERE outcome = 'answered' AND kind = 'chat'"
        )
        good = Counter(connection.execute(query).fetchall())
    assert set(good.values()) == {1}, "no good answer was asked for twice"
    asked = Counter(of_completions(models))
    naive = [user for name, user in asked if name == "naive_answer"]
    assert len(naive) == 2, "the others were answered elsewhere"


def test_a_night_writes_every_kind_and_says_what_it_could_not(world: World, online: tuple[Lake, str]) -> None:
    lake, said = online
    found = lake.snapshot("completions", DAY)
    assert set(found["kind"]) == {"loaded", "naive", "guided", "less_wise", "shuffled", "revision"}
    open_ones = lake.snapshot("completion_requests", DAY)
    assert set(open_ones["prompt_name"]) == {"guided_answer"}, "those whose answer was not of the form"
    assert f"`guided_answer`: {len(open_ones)} of " in said
    assert "marked: Field required" in said
    assert f"questions_are_answered: {len(open_ones)} questions" in said
    values = lake.snapshot("canonical_values", DAY).select("value_id", "title", "criteria")
    of_values = found.filter(pl.col("kind").is_in(["guided", "less_wise", "shuffled"])).join(
        values, on="value_id"
    )
    assert of_values.select((pl.col("title").str.len_chars() % 4 != 0).all()).item()
    for row in of_values.iter_rows(named=True):
        assert row["title"] in row["text"], "it was written by its own value"
        match len(row["title"]) % 4:
            case 1:
                assert (row["set_aside_for"], row["marked_text"]) == ("flagged: It is rude.", None)
            case 2:
                assert (row["marked_text"], row["marks_rule"]) == (None, "unknown_context")
            case _:
                assert stripped(row["marked_text"]) == row["text"]
                assert row["criteria"][0] in row["marked_text"].replace("&amp;", "&")
    judges = set(found.filter(pl.col("text").is_not_null())["moderated_by"])
    assert judges == {"gpt-4.1-mini-2025-04-14/moderate-1"}


def test_the_judge_scores_what_it_can_and_counts_add_up(world: World, online: tuple[Lake, str]) -> None:
    lake, said = online
    texts = dict(
        lake.snapshot("completions", DAY)
        .filter(pl.col("set_aside_for").is_null())
        .select("completion_id", "text")
        .rows()
    )
    fine = {one for one, text in texts.items() if mishap(text) is None}
    assert {mishap(text) for text in texts.values()} == {None, "contradictory", "malformed", "refused"}
    scores, rubric = lake.snapshot("criterion_scores", DAY), lake.snapshot("rubric_rows", DAY)
    assert set(scores["completion_id"]) == fine
    assert set(lake.snapshot("judge_requests", DAY)["completion_id"]) == set(texts) - fine
    assert f"`judge_criteria`: {len(texts) - len(fine)} of {len(texts)} have no answer yet" in said
    criteria = rubric.group_by("prompt_id").len("criteria")
    counts = scores.group_by("completion_id", "prompt_id").len().join(criteria, on="prompt_id")
    assert (counts["len"] == counts["criteria"]).all(), "each by every criterion of its prompt"
    rewards = lake.snapshot("completion_scores", DAY).drop_nulls("reward")
    assert set(rewards["completion_id"]) == fine
    for completion, reward in rewards.select("completion_id", "reward").unique().iter_rows():
        assert reward == pytest.approx(0 if texts[completion].startswith("I cannot") else 1)


def test_pairs_follow_and_none_is_lost(world: World, online: tuple[Lake, str]) -> None:
    lake = online[0]
    pairs, out = lake.snapshot("preference_pairs", DAY), lake.snapshot("pairs_left_out", DAY)
    made, found = lake.snapshot("completions", DAY), pl.concat([one.select("reason") for one in (pairs, out)])
    per_prompt = made.group_by("prompt_id", "kind").len().pivot("kind", index="prompt_id", values="len")
    of_prompt = {row["prompt_id"]: row for row in per_prompt.fill_null(0).iter_rows(named=True)}
    counts = Counter(found["reason"])
    assert counts["naive"] == sum(row["guided"] * row["naive"] for row in of_prompt.values())
    assert counts["shuffled_value"] == sum(row["guided"] * row["shuffled"] for row in of_prompt.values())
    assert counts["revision"] == len(made.filter(kind="revision"))
    balance = lake.snapshot("pair_balance", DAY).row(by_predicate=pl.col("reason") == "all", named=True)
    assert (balance["pairs"], balance["left_out"]) == (len(pairs), len(out))
    assert {"naive", "revision"} <= set(pairs["reason"])
    assert {"set_aside", "unscored"} <= set(out["rule"]), "what is flagged, and what the judge has not scored"


def test_each_exported_pair_walks_back_to_what_people_said(
    world: World, online: tuple[Lake, str], tmp_path: Path
) -> None:
    environment = {"DFT_LAKE": str(online[0].url)}
    for form in ("trl-preference", "trl-sft"):
        words = ("export", "dataset", "--as-of", DAY, "--format", form, "--output", tmp_path / form)
        done = world.dft(*words, **environment)
        assert done.returncode == 0, done.stderr
    lines = [
        json.loads(line)
        for path in tmp_path.glob("*/*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    assert len(lines) > 10
    for line in random.Random(7).sample(lines, 2):
        told = json.loads(world.dft("audit", "row", line["row_ids"][0], "--json", **environment).stdout)
        assert told["row"]["prompt"] in line["prompt"][0]["content"]
        direct = [person for person in told["support"] if person["how"] in ("voted", "judged_wiser")]
        assert direct, "people's votes and judgments"


def test_each_completion_says_what_it_comes_from(online: tuple[Lake, str]) -> None:
    lake = online[0]
    found, rows = lake.snapshot("completions", DAY), lake.snapshot("reward_rows", DAY)
    edges = lake.snapshot("wisdom_edges", DAY)
    own = {row["row_id"]: row for row in rows.iter_rows(named=True)}
    naive = {row["completion_id"]: row for row in found.filter(kind="naive").iter_rows(named=True)}
    values = {prompt: set(part["value_id"]) for (prompt,), part in rows.group_by("prompt_id")}
    for row in found.filter(pl.col("kind") != "loaded").iter_rows(named=True):
        assert row["is_synthetic"]
        assert json.loads(row["parameters"])["temperature"] == 0
        reward = own.get(row["row_id"])
        assert reward is None or reward["prompt_id"] == row["prompt_id"]
        match row["kind"]:
            case "naive":
                assert (reward, row["value_id"], row["prompt_version"]) == (None, None, "naive_answer-1")
            case "guided" | "revision":
                assert reward is not None
                assert row["value_id"] == reward["value_id"]
            case "less_wise":
                assert reward is not None
                (edge,) = edges.filter(edge_id=row["edge_id"]).iter_rows(named=True)
                assert row["edge_id"] in reward["edge_ids"]
                assert (edge["source_value_id"], edge["wiser_value_id"]) == (
                    row["value_id"],
                    reward["value_id"],
                )
            case "shuffled":
                assert row["value_id"] not in values[row["prompt_id"]]
        if row["kind"] == "revision":
            assert naive[row["revises_id"]]["prompt_id"] == row["prompt_id"]
            assert row["critique"] == "It says nothing."


def test_a_night_without_a_key_has_what_was_answered_before(
    world: World, models: ModelServer, online: tuple[Lake, str]
) -> None:
    before = len(models.requests)
    again, said = world.build("again")
    assert len(models.requests) == before, "it asks nothing"
    for table in ("completions", "completion_requests"):
        assert again.snapshot(table, DAY).equals(online[0].snapshot(table, DAY)), table
    assert "there is no language model to ask" in said


def test_a_good_answer_mends_what_was_set_aside_of_it(world: World, online: object) -> None:
    """The one that was not in time is there by now, and says the same."""
    naive = [line for line in exported(world) if named(line) == "naive_answer"]
    lake = str(world.lake("offline").url)
    found = world.load("--answers", "late.jsonl", [answered_elsewhere(naive[0])], DFT_LAKE=lake)
    assert (found["read"], found["unchanged"], found["set_aside"]) == (1, 1, 0)
    other = answered_elsewhere(naive[0], content='{"text": "Something else."}')
    found = world.load("--answers", "other.jsonl", [other], DFT_LAKE=lake)
    assert [row["rule"] for row in found["rows_set_aside"]] == ["answered_already"]
    with psycopg.connect(world.url) as connection:
        query = """SELECT "rule" FROM dft.quarantine WHERE "key"::json ->> 'custom_id' = %s"""
        assert connection.execute(query, [naive[0]["custom_id"]]).fetchall() == [("answered_already",)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("load", "--answers", "answers.txt"), "answers.txt: the name should end in one of .json"),
        (("load", "--answers", "answers.csv", "--strict"), "nothing was written: under --strict"),
    ],
)
def test_answers_that_cannot_be_read_are_refused(world: World, words: tuple[str, ...], said: str) -> None:
    folder: Path = world.dft.folder
    (folder / "answers.txt").write_text("")
    (folder / "answers.csv").write_text("custom_id,response\nx,\n")
    done = world.dft(*words)
    assert done.returncode == 1
    assert said in " ".join((done.stdout + done.stderr).split())
