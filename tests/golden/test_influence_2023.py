"""The real run without one participant: a dry run's edges are those of the same answers less theirs.

Three participants, who said least, half-way and most; all with EVERY_PARTICIPANT=1 in the environment.
"""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets.withdrawing import influence
from dft_pipeline.graph import moral_graph
from dft_pipeline.policies import SnapshotSettings
from dft_pipeline.values.reading import links
from resources.lake import Lake
from resources.settings import Settings, settings
from tests.conftest import Dft, fresh_database

DAY = date(2023, 10, 17)
KEY = "a key for tests"


@pytest.fixture(scope="module")
def chosen(real: Path, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a home with a snapshot of the real run."""
    with fresh_database(server) as url:
        dft = Dft(tmp_path_factory.mktemp("influence"), url)
        dft.environment["DFT_PSEUDONYM_KEY"] = KEY
        for words in (("load", real), ("build", "--as-of", DAY)):
            done = dft(*words)
            assert done.returncode == 0, done.stderr
        with pytest.MonkeyPatch.context() as patch:
            for name in ("DFT_HOME", "DFT_DATABASE_URL", "DFT_PSEUDONYM_KEY"):
                patch.setenv(name, dft.environment[name])
            yield settings()


def test_a_dry_run_is_a_rebuild_without_them(real: Path, chosen: Settings) -> None:
    lake = Lake(chosen.lake_url)
    policy = SnapshotSettings.model_validate((lake.manifest(DAY) or {})["settings"]).policy
    judgments, of_cases = lake.snapshot("judgments", DAY), links(pl.read_json(real / "contextsOnCases.json"))

    def edges(counted: pl.DataFrame) -> set[str]:
        tallies = moral_graph.pair_tallies(counted, of_cases, policy)
        return set(moral_graph.wisdom_edges(tallies, policy)["edge_id"])

    every, changed = edges(judgments), 0
    people = (
        judgments.group_by("participant_id").len().sort("len", "participant_id")["participant_id"].to_list()
    )
    some = (
        people if os.environ.get("EVERY_PARTICIPANT") else [people[0], people[len(people) // 2], people[-1]]
    )
    for person in some:
        rest = edges(judgments.filter(pl.col("participant_id") != person))
        _, found = influence(chosen, frozenset([person]), lambda _: None)
        assert found is not None
        assert found.same_code
        told = {kind: {row["edge_id"] for row in rows} for kind, rows in found.changes["edges"].items()}
        assert told == {"went": every - rest, "came": rest - every, "changed": set()}, person
        changed += rest != every
    assert changed, "somebody makes a difference"
