"""`dft calibrate` on a synthetic deliberation: three files, and a build that takes them as they are."""

import json
import tomllib
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import psycopg
import pytest

from dft_pipeline.plots import calibration_plot
from dft_pipeline.policies import OFFLINE_WORDLLAMA
from resources.lake import Lake
from tests.conftest import Dft, deliberating
from tests.model_server import NO_CARD, ModelServer

DAY = date(2024, 1, 14)
FILES = ("calibration.csv", "calibration.svg", "deduplication.toml")
LABELS = "card_kind,card_id,other_card_kind,other_card_id,verdict"


@pytest.fixture(scope="module")
def built(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` with the snapshot of a day whose cards the app has assigned."""
    key = {"DFT_PSEUDONYM_KEY": "a key for tests"}
    with deliberating(server, tmp_path_factory.mktemp("calibrating"), 60, **key) as dft:
        done = dft("build", "--as-of", DAY)
        assert done.returncode == 0, done.stderr
        yield dft


def _contents(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


def _rows(dft: Dft, name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads((dft.folder / "files" / f"{name}.json").read_text())
    return rows


def test_the_apps_assignment_gives_thresholds_a_plot_and_a_settings_file(built: Dft) -> None:
    done = built("calibrate", "--output", "first")
    assert done.returncode == 0, done.stderr
    folder = built.folder / "first"
    settings = tomllib.loads((folder / "deduplication.toml").read_text())
    assert settings["embed_model"] == "wordllama"
    assert settings["word_weight"] == OFFLINE_WORDLLAMA.word_weight
    assert settings["source"].startswith(f"the app's own assignment as of {DAY}: ")
    scores = pl.read_csv(folder / "calibration.csv")
    assert scores.columns == ["threshold", "precision", "recall", "f1"]
    best = scores.sort("f1", "threshold", nulls_last=False)["threshold"][-1]
    assert settings["threshold"] == best <= settings["canonical_threshold"]
    ElementTree.fromstring((folder / "calibration.svg").read_bytes())
    assert f"export DFT_DEDUPLICATION={folder / 'deduplication.toml'}" in done.stdout
    assert f"{best:.2f}" in done.stdout


def test_the_same_snapshot_gives_the_same_bytes(built: Dft) -> None:
    for output in ("once", "again"):
        done = built("calibrate", "--output", output, "--as-of", DAY)
        assert done.returncode == 0, done.stderr
    assert _contents(built.folder / "once") == _contents(built.folder / "again")
    in_force = {"DFT_DEDUPLICATION": str(built.folder / "once" / "deduplication.toml")}
    assert built("calibrate", "--output", "third", **in_force).returncode == 0
    assert _contents(built.folder / "third") == _contents(built.folder / "once"), "its fields are the same"


def test_labels_have_the_word_where_they_are_given(built: Dft) -> None:
    cards = [(card["id"], card["canonicalCardId"]) for card in _rows(built, "valuesCard")[:30]]
    rows = [
        f"card,{a},card,{b},{'same' if value == other else 'different'}"
        for (a, value), (b, other) in combinations(cards, 2)
    ]
    apps = [card["id"] for card in _rows(built, "canonicalValuesCard")]
    rows += [
        rows[0],
        f"canonical,{apps[0]},canonical,{apps[1]},unsure",
        "card,99999,card,1,same",
        "card,1,card,2,perhaps",
    ]
    (built.folder / "labels.csv").write_text("\n".join([LABELS, *rows]))
    done = built("calibrate", "--output", "labelled", "--labels", "labels.csv", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = found["labels"]
    assert (told["read"], told["unsure"]) == (len(rows), 1)
    assert told["used"] + told["unsure"] + sum(told["set_aside"].values()) == len(rows)
    aside = {row["row"]: (row["column"], row["rule"]) for row in told["rows_set_aside"]}
    assert {number: aside[number] for number in sorted(aside)[-3:]} == {
        len(rows) - 3: ("other_card_id", "pair_twice"),
        len(rows) - 1: ("card_id", "unknown_card"),
        len(rows): ("verdict", "unknown_enum"),
    }
    assert found["chosen"]["source"].startswith(f"the labels in labels.csv, of cards as of {DAY}: ")
    assert found["pairs"] == told["used"]
    shown = built("calibrate", "--output", "labelled", "--labels", "labels.csv").stdout
    assert f"set aside labels.csv row {len(rows) - 3}, other_card_id: pair_twice" in shown
    assert f"{len(rows)} rows: {told['used']} used, 1 unsure" in shown


def test_what_does_not_do_is_said(built: Dft, tmp_path: Path) -> None:
    (built.folder / "few.csv").write_text(f"{LABELS}\ncard,1,card,2,unsure\ncard,1,card,1,same\n")
    few = built("calibrate", "--output", "few", "--labels", "few.csv")
    assert (few.returncode, few.stdout) == (1, "")
    assert "few.csv row 2, other_card_id: with_itself" in few.stderr
    assert "0 of 0 pairs" in few.stderr
    assert not (built.folder / "few").exists()
    (built.folder / "narrow.csv").write_text("card_id\n1\n")
    narrow = built("calibrate", "--output", "few", "--labels", "narrow.csv")
    assert narrow.returncode == 1
    assert "narrow.csv: without the column card_kind, other_card_kind" in narrow.stderr
    nothing = built("calibrate", "--output", "few", DFT_LAKE=str(tmp_path / "empty"))
    assert nothing.returncode == 1
    assert "there is no snapshot yet" in nothing.stderr


def test_any_embedding_model_of_a_server_can_be_calibrated_and_then_built_with(built: Dft) -> None:
    """The server's vectors say nothing of a text but whether it is the same; the words say the rest."""
    with ModelServer(lambda system, data: NO_CARD) as server:
        model = {
            "OPENAI_API_KEY": "secret",
            "OPENAI_BASE_URL": server.url,
            "DFT_EMBED_MODEL": "our-embedder",
            "DFT_LAKE": str(built.folder / "ours"),
        }
        refused = built("build", "--as-of", DAY, "--dedup", "offline", **model)
        assert refused.returncode == 2
        assert "no threshold is known for the embedding model our-embedder" in refused.stderr
        assert "dft calibrate" in refused.stderr
        assert built("build", "--as-of", DAY, "--dedup", "given", **model).returncode == 0
        done = built("calibrate", "--output", "ours-calibrated", **model)
        assert done.returncode == 0, done.stderr
        file = built.folder / "ours-calibrated" / "deduplication.toml"
        model["DFT_DEDUPLICATION"] = str(file)
        offline = built("build", "--as-of", DAY, "--dedup", "offline", "--replace", **model)
        assert offline.returncode == 0, offline.stderr
        chats = [request.data for request in server.requests if request.path != "/v1/embeddings"]
    assert all(list(data) == ["turns"] for data in chats), (
        "finished chats have cards written, no pair is judged"
    )
    lake = Lake(model["DFT_LAKE"])
    assert set(lake.snapshot("card_values", DAY)["decided_by"]) == {f"calibrated-our-embedder-{DAY}-1"}
    manifest = lake.manifest(DAY)
    assert manifest is not None
    assert manifest["settings"]["deduplication"] == tomllib.loads(file.read_text())


def test_thresholds_of_another_model_are_refused(built: Dft) -> None:
    file = built.folder / "theirs.toml"
    file.write_text('name = "theirs"\nembed_model = "other"\nthreshold = 0.5\ncanonical_threshold = 0.5\n'
                    'candidate_threshold = 0.5\nsource = "elsewhere"\n')  # fmt: skip
    for words in (("build", "--as-of", DAY), ("calibrate", "--output", "refused")):
        done = built(*words, DFT_DEDUPLICATION=str(file))
        assert done.returncode == 2
        assert "theirs.toml: its thresholds belong to the embedding model other" in done.stderr
        assert "DFT_EMBED_MODEL is wordllama" in done.stderr


def test_where_the_app_has_assigned_nothing_labels_are_asked_for(built: Dft) -> None:
    elsewhere = {"DFT_LAKE": str(built.folder / "unassigned")}
    with psycopg.connect(built.environment["DFT_DATABASE_URL"]) as connection:
        connection.execute('UPDATE "ValuesCard" SET "canonicalCardId" = NULL')
    try:
        assert built("build", "--as-of", DAY, **elsewhere).returncode == 0
        done = built("calibrate", "--output", "unassigned-calibrated", **elsewhere)
    finally:
        assert built("load", "files").returncode == 0, "as it was, for other tests"
    assert done.returncode == 1
    assert "the app has assigned no card to a canonical one" in done.stderr
    assert "--labels FILE" in done.stderr
    assert not (built.folder / "unassigned-calibrated").exists()


def test_the_plot_is_the_same_and_names_no_moment() -> None:
    scores = pl.DataFrame(
        {"threshold": [0.4, 0.5], "precision": [0.6, None], "recall": [0.9, 0.0], "f1": [0.72, 0.0]}
    )
    drawn = calibration_plot(scores, 0.4, "6 pairs of $cards$", "by angle")
    assert drawn == calibration_plot(scores, 0.4, "6 pairs of $cards$", "by angle")
    assert b"<dc:date>" not in drawn
    for said in ("6 pairs of $cards$", "by angle", "at threshold 0.40", "F1 0.720", "precision 0.600"):
        assert f"<!-- {said} -->".encode() in drawn
