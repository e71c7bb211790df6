"""What a newcomer meets: `dft demo`, twice, and `dft dev`, on the embedded database."""

import json
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES
from tests.conftest import Dft

QUESTION = {"query": "{ assetNodes { assetKey { path } groupName } }"}


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Dft:
    """`dft` with no settings but a home: the database is the embedded one."""
    dft = Dft(tmp_path_factory.mktemp("newcomer"), "")
    del dft.environment["DFT_DATABASE_URL"]
    return dft


@pytest.fixture(scope="module")
def first(newcomer: Dft) -> str:
    done = newcomer("demo")
    assert done.returncode == 0, done.stderr
    return done.stdout


def _demo_home(dft: Dft) -> Path:
    return Path(dft.environment["DFT_HOME"]) / "demo"


def test_the_demo_says_what_it_made_and_what_to_type_next(newcomer: Dft, first: str) -> None:
    for said in ("reward_rows", "wisest values", "Parquet:", "dft audit edge ", "dft dev"):
        assert said in first
    lake = _demo_home(newcomer) / "lake"
    assert (lake / "reward_rows/as_of=2024-01-14/part-0.parquet").is_file()
    assert not (_demo_home(newcomer) / "postgres/postmaster.pid").exists(), "the database has stopped"


@pytest.mark.usefixtures("first")
def test_the_demo_run_twice_says_that_it_is_the_same(newcomer: Dft) -> None:
    elsewhere = {"DFT_SOURCE_URL": "postgresql://127.0.0.1:1/app", "DFT_LAKE": "elsewhere"}
    done = newcomer("demo", **elsewhere)
    assert done.returncode == 0, done.stderr
    assert f"{len(TABLES)} files, all byte for byte the same as before" in done.stdout
    assert "unset DFT_SOURCE_URL DFT_LAKE" in done.stdout
    assert not (newcomer.folder / "elsewhere").exists(), "the demo stays in its own home"


def test_what_it_says_to_type_next_works(newcomer: Dft, first: str) -> None:
    line = next(line for line in first.splitlines() if line.strip().startswith("dft audit edge"))
    source, wiser = line.split("#")[0].split()[3:]
    done = newcomer("audit", "edge", source, wiser, "--json", DFT_HOME=str(_demo_home(newcomer)))
    found = json.loads(done.stdout)
    assert found["verdict"]["is_edge"]
    assert len(found["judgments"]) == found["verdict"]["judgments_both_ways"]
    shown = newcomer("audit", "edge", source, wiser, DFT_HOME=str(_demo_home(newcomer))).stdout
    assert "an edge of the moral graph" in shown
    assert found["judgments"][0]["participant_id"] in shown


@pytest.mark.usefixtures("first")
def test_nobody_real_is_loaded_among_the_demos_people(newcomer: Dft, files: Path) -> None:
    done = newcomer("load", files, DFT_HOME=str(_demo_home(newcomer)))
    assert done.returncode == 2
    assert "is the demo's, whose people are made up" in done.stderr


def test_a_port_that_is_taken_is_said(newcomer: Dft) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = newcomer("dev", "--port", taken.getsockname()[1])
    assert done.returncode == 1
    assert "is taken; choose another with --port" in done.stderr


@pytest.fixture
def web_ui(newcomer: Dft) -> Iterator[str]:
    """The address of Dagster's web UI on the demo's home."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = newcomer.start("dev", "--port", port, DFT_HOME=str(_demo_home(newcomer)))
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.usefixtures("first")
def test_the_web_ui_has_all_of_it_loaded(newcomer: Dft, web_ui: str) -> None:
    nodes = _ask(web_ui)["data"]["assetNodes"]
    groups = {node["groupName"] for node in nodes}
    assert groups == {"raw", "values", "graph", "dataset", "training", "lineage", "reports"}
    assert len(nodes) == len(SOURCE_TABLES) + 1 + len(TABLES) + 2, "set aside, manifest, SQL"
    assert (_demo_home(newcomer) / "postgres/postmaster.pid").exists(), "it runs on the home's own database"


def _ask(address: str) -> dict[str, dict[str, list[dict[str, str]]]]:
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps(QUESTION).encode(), {"Content-Type": "application/json"}
    )
    for _ in range(120):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found: dict[str, dict[str, list[dict[str, str]]]] = json.load(answer)
            if found["data"]["assetNodes"]:
                return found
        except OSError:
            pass
        time.sleep(0.5)
    pytest.fail("the web UI did not come up within a minute")
