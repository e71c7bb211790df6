"""What was published stays provable: the log, revisions, differences, retention, and damage of any kind."""

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from dft_pipeline.cli.verify import verified
from dft_pipeline.history import publication_log
from resources.lake import Lake
from tests.conftest import Dft, deliberating

FIRST, SECOND, THIRD = "2024-01-08", "2024-01-09", "2024-01-14"
FLIPPED = 60  # bytes


@pytest.fixture(scope="module")
def dft(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """Three days, the last of which was built again under another policy."""
    with deliberating(server, tmp_path_factory.mktemp("history"), 80) as dft:
        built(dft, "--as-of", FIRST)
        built(dft, "--as-of", THIRD)
        built(dft, "--as-of", SECOND)
        built(dft, "--as-of", THIRD, "--policy", "published-2023", "--replace")
        yield dft


def built(dft: Dft, *words: str, **environment: str) -> None:
    done = dft("build", *words, **environment)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def lake(dft: Dft) -> Lake:
    return Lake(str(dft.folder / "home" / "lake"))


def test_the_log_has_each_day_in_the_order_of_publication(lake: Lake) -> None:
    told = [(entry.as_of, entry.revision, entry.reason) for entry in lake.log()]
    assert told == [
        (FIRST, 1, "nightly"),
        (THIRD, 1, "nightly"),
        (SECOND, 1, "nightly"),
        (THIRD, 2, "policy"),
    ]


def test_the_difference_of_two_days_names_the_judgments_behind_it(dft: Dft, lake: Lake) -> None:
    done = dft("diff", FIRST, SECOND, "--json")
    told = json.loads(done.stdout)
    assert (told["from"], told["to"], told["settings"]) == (FIRST, SECOND, [])
    days = [lake.snapshot("wisdom_edges", date.fromisoformat(day)) for day in (FIRST, SECOND)]
    edges = [set(day.select("scope", "source_value_id", "wiser_value_id").iter_rows()) for day in days]
    of = {
        change: {
            (row["scope"], row["source_value_id"], row["wiser_value_id"])
            for row in told["edges"]
            if row["change"] == change
        }
        for change in ("came", "went", "flipped")
    }
    assert of["came"] | {edge for edge in of["flipped"] if edge in edges[1]} == edges[1] - edges[0]
    assert of["went"] | {edge for edge in of["flipped"] if edge in edges[0]} == edges[0] - edges[1]
    judged = [lake.snapshot("judgments", date.fromisoformat(day)) for day in (FIRST, SECOND)]
    assert len(told["judgments"]) == len(judged[1]) - len(judged[0])
    asked = {frozenset((row["source_value_id"], row["wiser_value_id"])) for row in told["judgments"]}
    for row in told["edges"]:
        is_asked = frozenset((row["source_value_id"], row["wiser_value_id"])) in asked
        assert is_asked or "judgments" not in row["causes"]
    assert f"{len(of['came'])}" in dft("diff", FIRST, SECOND).stdout


def test_what_a_revision_changed_is_kept_and_names_nobody(dft: Dft, lake: Lake) -> None:
    (told,) = json.loads(dft("diff", THIRD, THIRD, "--json").stdout)
    assert (told["revision"], told["reason"]) == (2, "policy")
    assert told["changes"]["settings"] == ["aggregation", "policy"]
    assert {cause for edge in told["changes"]["edges"] for cause in edge["causes"]} == {"settings"}
    everybody = lake.snapshot("judgments", date.fromisoformat(THIRD))["participant_id"].unique()
    text = json.dumps(told)
    assert not [one for one in everybody if one in text]
    assert "revision 2: policy" in " ".join(dft("diff", THIRD, THIRD).stdout.split())
    assert "has not changed since" in " ".join(dft("diff", FIRST, FIRST).stdout.split())


def test_an_audit_says_on_which_days_an_edge_held_and_what_was_exported(dft: Dft, lake: Lake) -> None:
    days = [date.fromisoformat(day) for day in (FIRST, SECOND, THIRD)]
    edges = {day: set(lake.snapshot("wisdom_edges", day).filter(scope="all")["edge_id"]) for day in days}
    ended = sorted(edges[days[0]] - edges[days[1]])
    held = sorted(edges[days[0]] & edges[days[1]] & edges[days[2]])
    assert ended, "an edge that did not last"
    graph = dft.folder / "graph.json"
    assert dft("export", "graph", "--as-of", SECOND, "--format", "json", "--output", graph).returncode == 0
    for edge in (ended[0], held[0]):
        _, source, wiser = edge.split("|")
        told = json.loads(dft("audit", "edge", source, wiser, "--as-of", SECOND, "--json").stdout)
        first = told["days"][0]
        lasted = edge in edges[days[1]]
        assert (first["first_day"], first["last_day"]) == (FIRST, THIRD if lasted else FIRST)
        assert first["ended_on"] == (None if lasted else SECOND)
        assert first["ended_by"] == (None if lasted else told["verdict"]["rejection_reason"] or "not_judged")
        (export,) = told["exports"]
        assert export["files"] == {"graph.json": hashlib.sha256(graph.read_bytes()).hexdigest()}
        assert not export["superseded"]
        assert "graph-json: graph.json" in " ".join(
            dft("audit", "edge", source, wiser, "--as-of", SECOND).stdout.split()
        )


def test_days_without_a_snapshot_are_refused(dft: Dft) -> None:
    assert "there is no snapshot of 2024-01-12" in dft("diff", FIRST, "2024-01-12").stderr
    assert dft("diff", FIRST, "soon").returncode == 2


def test_one_byte_anywhere_is_found_and_its_file_named(dft: Dft, lake: Lake) -> None:
    """Files of the snapshot, the raw files it read, its manifest, and every entry of the log."""
    day = date.fromisoformat(THIRD)
    manifest = lake.manifest(day)
    assert manifest is not None
    named = [file["path"] for file in [*manifest["files"], *manifest["raw_files"]]]
    drawn = random.Random(1)
    paths = [*drawn.sample(named, FLIPPED), f"manifests/as_of={THIRD}.json", *lake.find("log")]
    for path in paths:
        file = Path(lake.at(path))
        content = file.read_bytes()
        place = drawn.randrange(len(content))
        try:
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert any(path in fault for fault in verified(lake, day).damage), path
        finally:
            file.write_bytes(content)
    assert verified(lake, day).damage == []


def test_old_days_go_and_the_log_keeps_that_they_were_there(dft: Dft, lake: Lake) -> None:
    """The Sunday stays, and what was exported from. The last test of these: a day is gone after it."""
    graph = dft.folder / "again.json"
    assert dft("export", "graph", "--as-of", SECOND, "--format", "json", "--output", graph).returncode == 0
    built(dft, "--as-of", "2024-01-15", DFT_KEEP_DAILY="1")
    assert [str(day) for day in lake.days()] == [SECOND, THIRD, "2024-01-15"]
    assert [entry.as_of for entry in lake.log() if entry.reason == "retired"] == [FIRST]
    assert publication_log.faults(lake.log_files(), lake.manifest_hashes()) == []
    assert not [path for path in lake.find("") if f"as_of={FIRST}" in path]
    done = dft("verify", "--as-of", "2024-01-15")
    assert done.returncode == 0, done.stderr
