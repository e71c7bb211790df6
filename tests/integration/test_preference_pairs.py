"""From loaded answers, ratings and rankings to preference pairs, in a night of `dft`."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from resources.lake import Lake
from tests.conftest import Dft, deliberating

DAY = date(2024, 1, 14)
EXPERT = -1
# Two good answers and two bad ones, of each a long and a short one.
TEXTS = {
    "good long": "Let us look at what you fear, and at what you hope for, before anything else.",
    "good short": "What do you fear?",
    "bad long": "It is what it is, and there is nothing that anybody could say about that here.",
    "bad short": "It is what it is",
}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def dft(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    folder = tmp_path_factory.mktemp("pairs")
    with deliberating(server, folder, 60, DFT_PSEUDONYM_KEY="a key for tests") as one:
        yield one


def read(dft: Dft, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((dft.folder / "files" / f"{name}.json").read_text("utf-8"))
    return rows


@pytest.fixture(scope="module")
def lake(dft: Dft) -> Lake:
    """The same four answers to the first case, rated by every criterion and ranked by every value."""
    case, cards = read(dft, "case")[0]["id"], read(dft, "canonicalValuesCard")
    loaded = [{"id": name, "promptId": case, "text": text} for name, text in TEXTS.items()]
    whose = {"userId": EXPERT, "role": "expert"}
    ratings = [
        {
            **whose,
            "completionId": name,
            "valueId": card["id"],
            "criterion": criterion,
            "isMet": "good" in name,
        }
        for name in TEXTS
        for card in cards
        for criterion in card["evaluationCriteria"]
    ]
    ranks = [
        {**whose, "completionId": name, "valueId": card["id"], "rank": rank}
        for rank, name in enumerate(TEXTS, 1)
        for card in cards
    ]
    files = {
        "--completions": written(dft.folder / "completions.jsonl", loaded),
        "--ratings": written(dft.folder / "ratings.jsonl", ratings),
    }
    files_of_ranks = {"--ratings": written(dft.folder / "ranks.jsonl", ranks)}
    for options in (files, files_of_ranks):
        done = dft("load", *(word for option in options.items() for word in option))
        assert done.returncode == 0, done.stderr
    done = dft("build", "--as-of", DAY, "--dedup", "given")
    assert done.returncode == 0, done.stderr
    return Lake(str(dft.folder / "home" / "lake"))


def test_people_make_pairs_that_rest_on_training_rows(lake: Lake) -> None:
    pairs, rows = lake.snapshot("preference_pairs", DAY), lake.snapshot("reward_rows", DAY)
    assert set(pairs["reason"]) == {"execution", "ranked"}
    assert set(pairs["scored_by"]) == {"people"}
    assert len(pairs) <= 20
    for chosen, rejected in pairs.select("chosen_id", "rejected_id").iter_rows():
        assert list(TEXTS).index(chosen) < list(TEXTS).index(rejected)
    behind = pairs.explode("row_ids").join(rows, left_on="row_ids", right_on="row_id", how="left")
    assert (behind["prompt_id"] == behind["prompt_id_right"]).all()
    assert (behind["value_id"] == behind["value_id_right"]).all()
    assert behind["split"].equals(behind["split_right"], check_names=False)


def test_all_candidates_are_accounted_for_and_lengths_are_matched(lake: Lake) -> None:
    pairs, out = lake.snapshot("preference_pairs", DAY), lake.snapshot("pairs_left_out", DAY)
    balance = lake.snapshot("pair_balance", DAY).filter(reason="all").to_dicts()[0]
    assert (balance["pairs"], balance["left_out"]) == (len(pairs), len(out))
    # By each value four pairs by execution, and six by rank.
    values = lake.snapshot("completion_scores", DAY)["value_id"].n_unique()
    assert len(pairs) + len(out) == 10 * values
    assert set(out["rule"]) <= {"most_per_prompt", "unlike_length"}
    assert abs(balance["length_correlation"] or 0) <= 0.15 + 1e-9


def test_the_snapshot_holds_and_the_checks_are_there(dft: Dft, lake: Lake) -> None:
    assert dft("verify", "--as-of", DAY).returncode == 0
    sides = lake.snapshot("reward_rows", DAY).select("value_split").to_series()
    assert set(sides) <= {"train", "validation", "test"}
    pages = "".join(path.read_text("utf-8") for path in (dft.folder / "home" / "data-docs").rglob("*.html"))
    for check in ("length_correlation", "completions_on_one_side", "like_prompts_on_one_side"):
        assert check in pages
