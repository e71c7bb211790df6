"""A night that a gate blocks stops by itself, says why and how to go on, and harms nothing."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from resources.lake import Lake
from tests.conftest import Dft, deliberating

GOOD, BAD = date(2024, 1, 13), date(2024, 1, 14)


@pytest.fixture(scope="module")
def robbed(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """A home with a good snapshot, whose source then lost most of the judgments."""
    with deliberating(server, tmp_path_factory.mktemp("blocked")) as dft:
        done = dft("build", "--as-of", GOOD)
        assert done.returncode == 0, done.stderr
        with psycopg.connect(dft.environment["DFT_DATABASE_URL"]) as connection:
            connection.execute('DELETE FROM "Edge" WHERE "userId" > 6')
        yield dft


def _lake(dft: Dft) -> Lake:
    return Lake(str(dft.folder / "home" / "lake"))


def _pages(dft: Dft) -> Path:
    return dft.folder / "home" / "data-docs" / f"as_of={BAD}"


def test_a_drop_blocks_the_night_until_it_is_accepted(robbed: Dft) -> None:
    blocked = robbed("build", "--as-of", BAD)
    assert blocked.returncode == 1
    assert "Traceback" not in blocked.stderr
    said = " ".join(blocked.stderr.split())
    assert "wisdom_edges: edges_steady: " in said
    assert " edges before, " in said
    assert "--accept-drop" in said, "how to go on"
    assert "the last good snapshot stays as it was" in said
    assert _lake(robbed).days() == [GOOD], "the snapshot before is still the latest one"
    assert not list((robbed.folder / "home" / "lake").glob(f"[!.]*/as_of={BAD}"))
    page = (_pages(robbed) / "graph_consensus.html").read_text()
    assert "edges_steady" in page
    assert "--accept-drop" in page
    assert not (_pages(robbed) / "dataset_rows.html").exists(), "nothing was built on it"

    status = json.loads(robbed("status", "--json").stdout)
    assert status["last_run"]["outcome"] == "failure"
    assert status["last_run"]["day"] == str(BAD)
    (check,) = (check for check in status["last_run"]["failed_checks"] if check["blocks"])
    assert (check["asset"], check["check"]) == ("wisdom_edges", "edges_steady")

    accepted = robbed("build", "--as-of", BAD, "--accept-drop", "--json")
    assert accepted.returncode == 0, accepted.stderr
    assert json.loads(accepted.stdout)["as_of"] == str(BAD)
    assert _lake(robbed).days() == [GOOD, BAD]
    assert "edges_steady" in (_pages(robbed) / "graph_consensus.html").read_text()


def test_the_status_says_what_became_of_every_row(robbed: Dft) -> None:
    snapshots = json.loads(robbed("status", "--json").stdout)["snapshots"]
    by_table: dict[str, dict[str, int]] = {}
    for row in snapshots[0]["row_counts"]:
        by_table.setdefault(row["table"], {})[row["outcome"]] = row["rows"]
    raw = {name: _rows(robbed, name) for name in ("edge", "vote", "impression", "valuesCard", "chat")}
    for name, read in raw.items():
        assert sum(by_table[name].values()) == read, name
    assert by_table["edge"]["unknown_enum"] == 1
    assert by_table["edge"]["duplicate_key"] == 1
    text = robbed("status").stdout
    assert "source table" in text
    assert "unknown_enum 1" in text


def _rows(dft: Dft, name: str) -> int:
    """The table's file's rows up to the day; those that loading set aside have no day, and count always."""
    rows = json.loads((dft.folder / "files" / f"{name}.json").read_text())
    broken = [row for row in json.loads((dft.folder / "files" / "truth.json").read_text())["broken_rows"]
              if row["table"] == name]  # fmt: skip
    sound = [row for place, row in enumerate(rows, 1) if place not in {one["row"] for one in broken}]
    return len([row for row in sound if row["createdAt"] < "2024-01-14"]) + len(broken)


def test_a_participant_policy_leaves_people_out_and_says_what_that_did(robbed: Dft) -> None:
    policy = robbed.folder / "recruited.toml"
    policy.write_text('name = "recruited"\nsignup_types = ["PROLIFIC"]\nexcluded = [1, 2, 3]\n')
    refused = robbed("build", "--as-of", GOOD, "--participants", policy)
    assert refused.returncode == 2
    assert "other settings" in refused.stderr
    lake = robbed.folder / "recruited"
    done = robbed("build", "--as-of", GOOD, "--participants", policy, DFT_LAKE=str(lake))
    assert done.returncode == 0, done.stderr
    snapshot = Lake(str(lake))
    rules = set(snapshot.snapshot("set_aside", GOOD)["rule"])
    assert {"other_signup_type", "test_user"} <= rules
    effects = snapshot.snapshot("exclusion_effects", GOOD)
    assert set(effects["rule"]) <= {"other_signup_type", "test_user"}
    manifest = snapshot.manifest(GOOD)
    assert manifest is not None
    people = manifest["settings"]["participants"]
    assert people["name"] == "recruited"
    assert all(len(name) == 32 for name in people["excluded"]), "ids are nobody's business here"


@pytest.mark.parametrize(
    ("content", "named"),
    [("exclude_admin = true", "exclude_admin"), ("name = ", "policy.toml"), ("\xff", "policy.toml")],
)
def test_a_policy_that_is_not_understood_is_refused(robbed: Dft, content: str, named: str) -> None:
    policy = robbed.folder / "policy.toml"
    policy.write_bytes(content.encode("latin-1"))
    done = robbed("build", "--as-of", GOOD, "--participants", policy)
    assert done.returncode == 2
    assert named in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
