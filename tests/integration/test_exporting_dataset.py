"""`dft export dataset` from one night: every format, what is refused, and two exports compared."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from dft_pipeline.cli.commands import app
from resources.lake import Lake, sha256
from tests.conftest import Dft, deliberating

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
        assert (entry.files, entry.options) == (hashes, {"version": 1, "filters": {}})
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


def test_the_datasets_library_opens_the_folders(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    datasets = pytest.importorskip("datasets")
    told = {form: export(run, form, tmp_path / form)["files"] for form in ("hf", "rubric", "value-choice")}
    cache = str(tmp_path / "cache")
    configs = datasets.get_dataset_config_names(str(tmp_path / "hf"))
    assert {"reward_rows", "rubric_rows"} <= set(configs)
    for name in configs:
        opened = datasets.load_dataset(str(tmp_path / "hf"), name, cache_dir=cache)
        for side, rows in opened.items():
            assert len(rows) == told["hf"][f"data/{name}/{side}-00000-of-00001.parquet"]["rows"]
    for form, ending in (("rubric", "jsonl"), ("value-choice", "parquet")):
        opened = datasets.load_dataset(str(tmp_path / form), cache_dir=cache)
        counts = {f"{side}.{ending}": len(rows) for side, rows in opened.items()}
        assert counts == {path: file["rows"] for path, file in told[form].items()}
