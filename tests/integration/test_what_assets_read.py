"""Dagster's lineage is what the code does: a step reads nothing that is not upstream of it."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import pytest

from assets.dataset import STEPS
from resources.build import BuildSettings, Workplace
from tests.conftest import Dft, deliberating

DAY = date(2024, 1, 14)


@pytest.fixture(scope="module")
def built(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    with deliberating(server, tmp_path_factory.mktemp("read"), 60) as dft:
        done = dft("build", "--as-of", DAY)
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.op.name)
def test_what_a_step_reads_is_upstream(
    step: dg.AssetsDefinition, built: Dft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step alone, on the tables of the snapshot before it; what it asks of the lake is listened to."""
    for name in ("DFT_HOME", "DFT_DATABASE_URL"):
        monkeypatch.setenv(name, built.environment[name])
    read: set[str] = set()
    table, raw_files = Workplace.table, Workplace.raw_files
    monkeypatch.setattr(Workplace, "table", lambda self, name, day: read.add(name) or table(self, name, day))
    monkeypatch.setattr(
        Workplace, "raw_files", lambda self, name, day: read.add(f"raw/{name}") or raw_files(self, name, day)
    )
    done = dg.materialize(
        [step],
        partition_key=str(DAY),
        resources={"workplace": Workplace(), "build_settings": BuildSettings()},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    assert done.success
    own = {key.to_user_string() for key in step.keys}
    assert read
    assert read - own <= _upstream(step)


def _upstream(step: dg.AssetsDefinition) -> set[str]:
    """What a step depends on, and what that depends on in turn."""
    made_by = {key: one for one in STEPS for key in one.keys}
    found: set[dg.AssetKey] = set()
    ahead = [step]
    while ahead:
        deps = {dep.asset_key for spec in ahead.pop().specs for dep in spec.deps}
        ahead += {id(made_by[key]): made_by[key] for key in deps - found if key in made_by}.values()
        found |= deps
    return {key.to_user_string() for key in found}
