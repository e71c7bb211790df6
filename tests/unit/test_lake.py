"""The lake on a local folder and on an object store: staged, published whole, swept, and damage named."""

import json
import secrets
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dft_pipeline.history import publication_log
from dft_pipeline.manifest import damage
from dft_pipeline.tables import TABLES
from resources.lake import Lake, parquet, published, sha256
from resources.problems import LakeProblem

DAY = date(2024, 1, 14)
TABLE = "articulations"
PATH = published(TABLE, DAY)


@pytest.fixture(params=["folder", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    url = str(tmp_path / "a lake") if request.param == "folder" else f"memory://{secrets.token_hex(4)}/lake"
    return Lake(url)


def rows(*value_ids: int) -> pl.DataFrame:
    table = TABLES[TABLE]
    frame = pl.DataFrame({"participant_id": "p", "value_id": value_ids, "case_id": "c"})
    return table.conform(frame)


def manifest(lake: Lake, raw: tuple[str, ...] = ()) -> dict[str, Any]:
    content = lake.content_in_build(TABLE, DAY)
    return {
        "settings_hash": "as before",
        "files": [{"path": PATH, "sha256": sha256(content)}],
        "raw_files": [{"path": path} for path in raw],
    }


def test_what_is_staged_is_seen_by_the_build_alone(lake: Lake) -> None:
    lake.stage(TABLE, DAY, rows(1))
    assert lake.in_build(TABLE, DAY).equals(rows(1))
    assert lake.days() == []
    with pytest.raises(LakeProblem, match="is not in the lake"):
        lake.snapshot(TABLE, DAY)


def test_a_snapshot_is_published_with_its_manifest(lake: Lake) -> None:
    lake.stage(TABLE, DAY, rows(1))
    lake.publish(DAY, manifest(lake))
    assert lake.days() == [DAY]
    assert lake.snapshot(TABLE, DAY).equals(rows(1))
    lake.stage(TABLE, DAY, rows(2))
    lake.clear_staging()
    assert lake.in_build(TABLE, DAY).equals(rows(1)), "what did not end leaves the last good one"


def test_a_table_that_came_later_is_named(lake: Lake) -> None:
    lake.stage(TABLE, DAY, rows(1))
    lake.publish(DAY, manifest(lake))
    why = "of 2024-01-14 was built before the table votes was made: dft build --as-of 2024-01-14 --replace"
    with pytest.raises(LakeProblem, match=why):
        lake.snapshot("votes", DAY)


def test_damage_is_named(lake: Lake) -> None:
    lake.stage(TABLE, DAY, rows(1))
    lake.publish(DAY, found := manifest(lake) | {"raw_files": []})
    assert damage(found, lake.hashes([PATH]), lake.beside([PATH])) == []
    stray = PATH.replace("part-0", "part-1")
    lake.write(stray, parquet(rows(3)))
    lake.write(PATH, b"PAR1 and then nothing")
    said = damage(found, lake.hashes([PATH]), lake.beside([PATH]))
    assert said[0] == f"{stray} is not in the manifest"
    assert said[1].startswith(f"{PATH} was changed")
    with pytest.raises(LakeProblem, match=f"{PATH} in the lake .* is damaged"):
        lake.snapshot(TABLE, DAY)
    lake.remove(PATH)
    assert f"{PATH} is missing" in damage(found, lake.hashes([PATH]), lake.beside([PATH]))


def test_a_broken_manifest_is_named(lake: Lake) -> None:
    lake.write(f"manifests/as_of={DAY}.json", json.dumps({"files": []}).encode()[:-3])
    with pytest.raises(LakeProblem, match=r"manifests/as_of=2024-01-14\.json in the lake .* is damaged"):
        lake.manifest(DAY)


def test_raw_files_go_when_no_index_and_no_snapshot_names_them(lake: Lake) -> None:
    old, kept, current = (lake.write_raw("vote", "2024-01-02", rows(number)) for number in (1, 2, 3))
    entry = {"file": current, "rows": 1, "fingerprint": "1:1"}
    lake.write_raw_index("vote", {"2024-01-02": entry})
    lake.stage(TABLE, DAY, rows(1))
    lake.publish(DAY, manifest(lake, raw=(kept,)))
    lake.sweep_raw()
    assert [lake.exists(path) for path in (old, kept, current)] == [False, True, True]


def test_equal_frames_give_equal_bytes() -> None:
    apart = pl.concat([rows(1), rows(2)], rechunk=False)
    assert parquet(apart) == parquet(rows(1, 2))


def test_each_publication_is_logged(lake: Lake) -> None:
    for value_id in (1, 2, 2):
        lake.stage(TABLE, DAY, rows(value_id))
        lake.publish(DAY, manifest(lake))
    manifests = {str(DAY): sha256(lake.read("manifests/as_of=2024-01-14.json"))}
    assert [(entry.revision, entry.reason) for entry in lake.log()] == [(1, "nightly"), (2, "rebuild")]
    assert publication_log.faults(lake.log_files(), manifests) == []
    lake.write("log/000001.json", lake.read("log/000001.json").replace(b"nightly", b"rebuild"))
    with pytest.raises(LakeProblem, match=r"log/000001\.json in the lake .* was changed"):
        lake.publish(DAY, manifest(lake))
