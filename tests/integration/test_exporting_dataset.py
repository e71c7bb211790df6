"""`dft export dataset` from one night: every format, what is refused, and two exports compared."""

import importlib
import json
import random
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from dft_pipeline.cli.commands import app
from resources.lake import Lake, sha256
from tests.conftest import Dft, deliberating
from tests.unit import export_world

DAY = "2024-01-14"
PUBLIC = {"DFT_LICENSE": "CC-BY-4.0", "DFT_CONSENT_BASIS": "They *agreed* to research."}
FROM_THE_GRAPH = ("reward", "rubric", "value-choice", "hf")
FROM_PAIRS = ("trl-preference", "trl-preference-plain", "trl-unpaired-preference", "trl-sft", "chat-jsonl")

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def dft(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    with deliberating(server, tmp_path_factory.mktemp("exporting"), 120) as dft:
        done = dft("build", "--as-of", DAY)
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.fixture
def lake(dft: Dft) -> Lake:
    return Lake(str(dft.folder / "home" / "lake"))


@pytest.fixture
def run(dft: Dft, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, for a start takes seconds: words, then variables of the environment."""
    monkeypatch.chdir(dft.folder)

    def invoked(*words: object, **environment: str) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], env=dft.environment | environment)

    return invoked


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The library `datasets`, which asks nobody."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    return importlib.import_module("datasets")


def asked(form: str, folder: Path, *words: object) -> tuple[object, ...]:
    return ("export", "dataset", "--as-of", DAY, "--format", form, "--output", folder, *words)


def export(run: Run, form: str, folder: Path, *words: object) -> dict[str, dict[str, dict[str, int]]]:
    done = run(*asked(form, folder, "--json", *words), **PUBLIC)
    assert done.exit_code == 0, done.output
    told: dict[str, dict[str, dict[str, int]]] = json.loads(done.stdout)
    return told


def test_the_command_writes_a_folder_whole_and_says_what_it_wrote(dft: Dft, tmp_path: Path) -> None:
    done = dft(*asked("rubric", tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "export.json").read_text())
    rows = sum(file["rows"] for file in told["files"].values())
    assert f"{rows} rows of format rubric as of {DAY}" in done.stdout
    refused = dft(*asked("trl-sft", tmp_path / "none"))
    assert (refused.returncode, (tmp_path / "none").exists()) == (1, False)
    said = " ".join(refused.stderr.split())
    assert f"format trl-sft needs preference_pairs, and the snapshot of {DAY} has none" in said


def test_every_format_from_the_graph_is_registered_and_the_same_again(
    run: Run, lake: Lake, tmp_path: Path
) -> None:
    for form in FROM_THE_GRAPH:
        folder, again = tmp_path / form, tmp_path / "again" / form
        told = export(run, form, folder)
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        assert set(files) == {*told["files"], "export.json"}
        hashes = {name: sha256(path.read_bytes()) for name, path in files.items()}
        (entry,) = [
            one for one in lake.exports() if one.form == f"dataset-{form}" and not one.options["filters"]
        ]
        public = {"license": PUBLIC["DFT_LICENSE"], "consent_basis": PUBLIC["DFT_CONSENT_BASIS"]}
        options = {"version": 1, "filters": {}} | (public if form == "hf" else {})
        assert (entry.files, entry.options) == (hashes, options)
        before = folder.stat().st_mtime_ns
        assert export(run, form, folder) == told, "the same once more"
        assert folder.stat().st_mtime_ns == before
        assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
        export(run, form, again)
        assert {name: sha256((again / name).read_bytes()) for name in files} == hashes


def test_what_the_snapshot_lacks_is_refused_by_name_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    for form in FROM_PAIRS:
        done = run(*asked(form, tmp_path / form))
        assert f"format {form} needs preference_pairs, and the snapshot of {DAY}" in str(done.exception)
    assert "needs DFT_LICENSE and DFT_CONSENT_BASIS" in str(run(*asked("hf", tmp_path / "hf")).exception)
    half = run(*asked("hf", tmp_path / "hf"), DFT_LICENSE="CC0-1.0")
    assert "needs DFT_CONSENT_BASIS:" in str(half.exception)
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_for_wrongly_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    assert "holds something else" in str(run(*asked("reward", tmp_path / "taken")).exception)
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["mine.txt"]
    out = tmp_path / "out"
    wrong = {
        "is a file": asked("reward", tmp_path / "file"),
        "is not one of": asked("csv", out),
        "--margin-scale is for preferences": asked("rubric", out, "--margin-scale", 2),
        "min_share": asked("rubric", out, "--min-share", 2),
        "max_q": asked("rubric", out, "--max-q", -1),
    }
    for said, words in wrong.items():
        done = run(*words)
        told = " ".join(done.output.replace("│", " ").split())
        assert (done.exit_code, said in told) == (2, True), (said, told)
    assert "DFT_LICENSE" in str(run(*asked("hf", out), DFT_LICENSE="a\n- b").exception)
    no_day = run("export", "dataset", "--as-of", "2024-01-13", "--format", "hf", "--output", out)
    assert "there is no snapshot of 2024-01-13" in str(no_day.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


def test_two_exports_are_compared_by_their_rows(run: Run, lake: Lake, tmp_path: Path) -> None:
    every, sure = tmp_path / "every", tmp_path / "sure"
    export(run, "reward", every)
    rows = lake.snapshot("reward_rows", date.fromisoformat(DAY))
    least = rows["share"].median()
    told = export(run, "reward", sure, "--min-share", least)
    went = rows.filter(pl.col("share") < least)
    assert 0 < len(went) < len(rows)
    assert told["filtered"]["reward_rows"] == len(went)
    found = json.loads(run("diff", every, sure, "--json").stdout)
    assert found["settings"] == {"filters": [{}, {"min_share": least}]}
    keys = [", ".join(map(str, key)) for key in went["prompt_id", "context_id", "value_id"].iter_rows()]
    assert found["rows"]["reward_rows"] == {"came": [], "went": sorted(keys), "changed": []}
    assert found["rows"]["rubric_rows"]["changed"], "weights are made anew"
    assert f"reward_rows: 0 came, {len(keys)} went, 0 changed" in run("diff", every, sure).stdout
    assert run("diff", every, DAY).exit_code == 2
    part = sorted(sure.rglob("*.parquet"))[0]
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert "not as export.json says" in str(run("diff", every, sure).exception)


def test_a_row_of_an_export_walks_back_to_people(run: Run, tmp_path: Path) -> None:
    """From a criterion's weight to the reward rows behind it, and from these to votes and judgments."""
    export(run, "rubric", tmp_path / "out")
    lines = [line for path in (tmp_path / "out").glob("*.jsonl") for line in path.read_text().splitlines()]
    items = [json.loads(line) for line in lines]
    drawn = random.Random(5).sample(
        [row for item in items for one in item["rubrics"] for row in one["row_ids"]], 3
    )
    for row_id in drawn:
        told = json.loads(run("audit", "row", row_id, "--json").stdout)
        assert told["row"]["row_id"] == row_id
        assert told["support"] or told["carried"], "people's votes, cards and judgments behind the row"


# From a snapshot with completions and pairs


@pytest.fixture
def run_on_pairs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command on a lake with the tables of `export_world`; `chats` for ten prompts."""
    for name, of in (("tables", export_world.tables()), ("chats", export_world.chats())):
        lake, day = Lake(str(tmp_path / name)), date.fromisoformat(DAY)
        for table, rows in of.items():
            lake.stage(table, day, rows)
        files = [{"path": f"{table}/as_of={DAY}/part-0.parquet"} for table in of]
        lake.publish(day, export_world.MANIFEST | {"files": files})
    monkeypatch.chdir(tmp_path)

    def invoked(*words: object, lake: str = "tables", **environment: str) -> Result:
        env = {"DFT_HOME": str(tmp_path / "home"), "DFT_LAKE": str(tmp_path / lake), **environment}
        return CliRunner().invoke(app, [str(word) for word in words], env=env)

    return invoked


def test_every_format_from_pairs_is_written_and_opened_by_the_datasets_library(
    run_on_pairs: Run, tmp_path: Path, offline: ModuleType
) -> None:
    wanted = {"trl-preference": 3, "trl-preference-plain": 3, "trl-unpaired-preference": 6, "trl-sft": 3}
    for form, rows in wanted.items():
        done = run_on_pairs(*asked(form, tmp_path / form))
        assert (done.exit_code, f"{rows} rows of format {form}" in done.stdout) == (0, True), done.output
        opened = offline.load_dataset(str(tmp_path / form), cache_dir=str(tmp_path / "cache"))
        assert sum(map(len, opened.values())) == rows
        (tea,) = [row for row in opened["test"] if row.get("label", True)]
        text = tea["prompt"] if form.endswith("plain") else tea["prompt"][0]["content"]
        assert text.strip() == "Is green tea “healthy”?"
    done = run_on_pairs(*asked("chat-jsonl", tmp_path / "chat"), lake="chats")
    assert done.exit_code == 0, done.output
    file = str(tmp_path / "chat" / "train.jsonl")
    opened = offline.load_dataset("json", data_files={"train": file}, cache_dir=str(tmp_path / "cache"))
    assert opened["train"].column_names == ["messages"]
    assert len(opened["train"]) == 10
    few = run_on_pairs(*asked("chat-jsonl", tmp_path / "few"))
    assert "at_least_10_examples (1 times, first at train, with 2)" in str(few.exception)


def test_everything_is_opened_with_completions_too(
    run_on_pairs: Run, tmp_path: Path, offline: ModuleType
) -> None:
    for form in ("hf", "reward"):
        assert run_on_pairs(*asked(form, tmp_path / form), **PUBLIC).exit_code == 0
    names = offline.get_dataset_config_names(str(tmp_path / "hf"))
    assert "preference_pairs" in names
    for name in names:
        opened = offline.load_dataset(str(tmp_path / "hf"), name, cache_dir=str(tmp_path / "cache"))
        theirs = offline.load_dataset(
            str(tmp_path / "reward"), data_dir=name, cache_dir=str(tmp_path / "cache")
        )
        assert {side: rows[:] for side, rows in opened.items()} == {
            side: rows[:] for side, rows in theirs.items()
        }


def test_two_exports_of_pairs_differ_by_their_ids(run_on_pairs: Run, tmp_path: Path) -> None:
    for name, words in {"all": (), "sure": ("--min-share", 0.5), "margins": ("--margin-scale", 2)}.items():
        done = run_on_pairs(*asked("trl-preference", tmp_path / name, *words))
        assert done.exit_code == 0, done.output
    same = json.loads(run_on_pairs("diff", tmp_path / "all", tmp_path / "sure", "--json").stdout)
    none: list[str] = []
    assert same["rows"] == {"trl-preference": {"came": none, "went": none, "changed": none}}
    margins = json.loads(run_on_pairs("diff", tmp_path / "all", tmp_path / "margins", "--json").stdout)
    assert margins["settings"] == {"margin_scale": [None, 2.0]}
    assert len(margins["rows"]["trl-preference"]["changed"]) == 3
    assert run_on_pairs(*asked("rubric", tmp_path / "rubric")).exit_code == 0
    other = run_on_pairs("diff", tmp_path / "all", tmp_path / "rubric")
    assert "exports of two formats have no rows in common" in str(other.exception)


def test_the_datasets_library_opens_what_comes_from_the_graph(
    run: Run, tmp_path: Path, offline: ModuleType
) -> None:
    told = {form: export(run, form, tmp_path / form)["files"] for form in ("hf", "rubric", "value-choice")}
    cache = str(tmp_path / "cache")
    configs = offline.get_dataset_config_names(str(tmp_path / "hf"))
    assert {"reward_rows", "rubric_rows"} <= set(configs)
    for name in configs:
        opened = offline.load_dataset(str(tmp_path / "hf"), name, cache_dir=cache)
        for side, rows in opened.items():
            assert len(rows) == told["hf"][f"data/{name}/{side}-00000-of-00001.parquet"]["rows"]
    for form, ending in (("rubric", "jsonl"), ("value-choice", "parquet")):
        opened = offline.load_dataset(str(tmp_path / form), cache_dir=cache)
        counts = {f"{side}.{ending}": len(rows) for side, rows in opened.items()}
        assert counts == {path: file["rows"] for path, file in told[form].items()}
