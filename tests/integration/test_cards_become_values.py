"""Cards become values in `dft build`: by the app's assignment, by what they say, by a model's verdict."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import psycopg
import pytest

from resources.lake import Lake
from resources.language_model import read_prompt
from tests.conftest import Dft, deliberating
from tests.model_server import NO_CARD, ModelServer

DAY = date(2024, 1, 14)
KEY = {"DFT_PSEUDONYM_KEY": "a key for tests"}


@pytest.fixture(scope="module")
def unassigned(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a deliberation whose app has not assigned any card."""
    with deliberating(server, tmp_path_factory.mktemp("dedup"), 60, **KEY) as dft:
        with psycopg.connect(dft.environment["DFT_DATABASE_URL"]) as connection:
            connection.execute('UPDATE "ValuesCard" SET "canonicalCardId" = NULL')
        yield dft


def _build(dft: Dft, lake: str, *words: object, **environment: str) -> Lake:
    where = dft.folder / lake
    done = dft("build", "--as-of", DAY, *words, DFT_LAKE=str(where), **environment)
    assert done.returncode == 0, done.stderr
    return Lake(str(where))


def _truth(dft: Dft) -> dict[int, int]:
    """The canonical card that each card was made from."""
    truth = json.loads((dft.folder / "files" / "truth.json").read_text())
    return {int(card): value for card, value in truth["card_values"].items()}


def _assert_grouping(lake: Lake, dft: Dft) -> None:
    """Every card and every canonical card became exactly one value, and everything stands on values."""
    grouping, values = lake.snapshot("card_values", DAY), lake.snapshot("canonical_values", DAY)
    assert set(grouping["value_id"]) == set(values["value_id"])
    kinds = dict(grouping["card_kind"].value_counts().iter_rows())
    assert kinds["canonical"] == 24
    used = lake.snapshot("row_counts", DAY).filter(table="valuesCard", outcome="used")["rows"].item()
    assert kinds["card"] == used == len(_truth(dft))
    assert (
        lake.snapshot("judgments", DAY)
        .join(values, left_on="wiser_value_id", right_on="value_id", how="anti")
        .is_empty()
    )
    assert lake.snapshot("votes", DAY).join(values, on="value_id", how="anti").is_empty()
    assert len(lake.snapshot("reward_rows", DAY))


def test_without_an_assignment_and_a_model_cards_are_compared(unassigned: Dft) -> None:
    lake = _build(unassigned, "offline")
    _assert_grouping(lake, unassigned)
    assert set(lake.snapshot("card_values", DAY)["decided_by"]) == {"offline-wordllama-1"}
    truth, grouping = _truth(unassigned), lake.snapshot("card_values", DAY)
    theirs = dict(grouping.filter(card_kind="card").select("card_id", "value_id").iter_rows())
    right = sum(theirs[card] == value for card, value in truth.items())
    assert right / len(truth) > 0.9, "reworded cards find the card that they were made from"
    again = _build(unassigned, "offline")
    manifest = again.manifest(DAY)
    assert manifest is not None
    assert (manifest["settings"]["dedup"], manifest["settings"]["given_first"]) == ("offline", True)
    assert _build(unassigned, "twin").hashes(file["path"] for file in manifest["files"]) == {
        file["path"]: file["sha256"] for file in manifest["files"]
    }


def test_what_is_asked_for_as_given_is_given(unassigned: Dft) -> None:
    lake = _build(unassigned, "given", "--dedup", "given")
    assert set(lake.snapshot("card_values", DAY)["decided_by"]) == {"given"}
    aside = lake.snapshot("quarantine", DAY).filter(table="valuesCard", rule="unassigned")
    assert len(aside) == len(_truth(unassigned)), "asked for in so many words, there is no other way"


class Titles:
    """A model that goes by titles, and whose first three verdicts nobody can read until it is mended."""

    def __init__(self) -> None:
        self.unreadable: set[str] = set()
        self.is_mended = False

    def __call__(self, system: str, data: dict[str, Any]) -> dict[str, Any]:
        if system == read_prompt("write_card").system:
            return NO_CARD
        if system == read_prompt("rate_card").system:
            return {"motivation": "by its title's length", "rating": 1 + len(data["title"]) % 5}
        question = json.dumps(data)
        if len(self.unreadable) < 3:
            self.unreadable.add(question)
        same = data["first"]["title"] == data["second"]["title"]
        if question in self.unreadable and not self.is_mended:
            return {"motivation": "hm", "verdict": "perhaps"}
        return {"motivation": "by their titles", "verdict": "same" if same else "different"}


def test_a_model_judges_and_is_never_asked_twice(unassigned: Dft) -> None:
    titles = Titles()
    with ModelServer(titles) as server:
        model = {"OPENAI_API_KEY": "secret", "OPENAI_BASE_URL": server.url}
        first = _build(unassigned, "model", "--dedup", "model", **model)
        _assert_grouping(first, unassigned)
        asked = [json.dumps(request.data) for request in server.requests]
        found = {check["check"]: check["found"] for check in json.loads(
            unassigned("status", "--json", DFT_LAKE=first.url).stdout
        )["last_run"]["failed_checks"]}  # fmt: skip
        assert "no_answer 3" in found["answers_are_possible"]
        decisions = first.snapshot("merge_decisions", DAY).filter(pl.col("judge") != "exact-1")
        assert len({one for one in asked if '"first"' in one}) == len(decisions) > 20
        silent = decisions.filter(pl.col("prompt_version").is_null())
        assert silent["verdict"].to_list() == ["unsure"] * 3, "who gave no answer is not believed to have"
        titles.is_mended = True
        server.requests.clear()
        second = _build(unassigned, "model", "--dedup", "model", **model)
        again = {json.dumps(request.data) for request in server.requests}
        assert again & set(asked) == titles.unreadable, "only what had no answer is asked again"
        judged = second.snapshot("merge_decisions", DAY).filter(pl.col("judge") != "exact-1")
        assert judged["prompt_version"].null_count() == 0
        assert set(judged["motivation"]) == {"by their titles"}
        assert all("same_value-1" in judge for judge in judged["judge"])
        joined = second.snapshot("card_values", DAY).filter(pl.col("motivation").is_not_null())
        assert set(joined["motivation"]) == {"by their titles"}, "a card says why it is with its value"
        server.requests.clear()
        third = _build(unassigned, "model-again", "--dedup", "model", **model)
        assert server.requests == []
        for table in ("card_values", "canonical_values", "merge_decisions", "reward_rows"):
            assert third.snapshot(table, DAY).equals(second.snapshot(table, DAY))


def test_a_model_needs_a_key(unassigned: Dft) -> None:
    done = unassigned("build", "--as-of", DAY, "--dedup", "model")
    assert done.returncode == 2
    assert "OPENAI_API_KEY" in done.stderr
