"""What Dagster is told: every asset explains itself, checks block, the schedule builds the day that ended."""

from datetime import UTC, date, datetime
from typing import Any, cast

import dagster as dg
import polars as pl
import pytest

from assets.metadata import finished, preview
from dft_pipeline.definitions import defs
from dft_pipeline.manifest import File
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES
from resources.build import Workplace, refuse_rest
from resources.problems import PartOfRun

GRAPH = defs.resolve_asset_graph()


def _specs() -> list[dg.AssetSpec]:
    return sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)


def test_the_assets_are_the_tables_the_manifest_and_its_views() -> None:
    names = {spec.key.to_user_string() for spec in _specs()}
    raw = {f"raw/{name}" for name in (*SOURCE_TABLES, "quarantine")}
    assert names == raw | set(TABLES) | {"manifest", "sql_views"}


@pytest.mark.parametrize("spec", _specs(), ids=lambda spec: spec.key.to_user_string())
def test_every_asset_explains_itself(spec: dg.AssetSpec) -> None:
    assert (spec.description or "").startswith(("One row is ", "One file names "))
    assert spec.owners
    assert spec.kinds
    assert spec.code_version
    assert spec.group_name in {"raw", "values", "graph", "dataset", "training", "lineage", "reports"}


def test_raw_is_unpartitioned_and_the_rest_is_daily() -> None:
    for spec in _specs():
        partitions = GRAPH.get(spec.key).partitions_def
        if spec.group_name == "raw":
            assert partitions is None, spec.key
        else:
            assert isinstance(partitions, dg.DailyPartitionsDefinition), spec.key
            assert partitions.start == datetime(2023, 1, 1, tzinfo=UTC), spec.key


def test_every_snapshot_table_has_blocking_checks_of_its_key_and_its_contract() -> None:
    checks = {key: GRAPH.get_check_spec(key) for key in GRAPH.asset_check_keys}
    blocking = {(key.asset_key.to_user_string(), key.name) for key, spec in checks.items() if spec.blocking}
    assert {(name, check) for name in TABLES for check in ("keys_unique", "keeps_contract")} <= blocking


def test_the_schedule_builds_the_day_that_ended() -> None:
    schedule = defs.resolve_schedule_def("every_night")
    night = datetime(2024, 1, 15, 1, 0, tzinfo=UTC)
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=night, repository_def=defs.get_repository_def()
        )
        tick = schedule.evaluate_tick(context)
    assert [request.partition_key for request in tick.run_requests or ()] == ["2024-01-14"]
    assert schedule.job_name == "nightly"


def test_a_preview_shows_text_as_text() -> None:
    text = "<img src=x onerror=alert(1)>|`x` [a](http://b)\nnext"
    shown = preview(pl.DataFrame({"title": [text], "comment": ["I am Ann"], "story": ["Ann's"]}))
    assert "Ann" not in shown, "what people wrote may tell who they are"
    cell = shown.splitlines()[2]
    assert "<" not in cell.replace("&lt;", "")
    assert cell.count("|") == 2
    assert "[" not in cell
    assert "`" not in cell


def test_the_rest_of_a_failed_run_is_refused() -> None:
    whole = dg.DagsterRun(job_name="nightly", run_id="b", parent_run_id="a", root_run_id="a")
    refuse_rest(whole)
    refuse_rest(dg.DagsterRun(job_name="nightly", run_id="a"))
    rest = dg.DagsterRun(
        job_name="nightly",
        run_id="b",
        parent_run_id="a",
        root_run_id="a",
        step_keys_to_execute=["consensus"],
    )
    with pytest.raises(PartOfRun, match="re-execute all"):
        refuse_rest(rest)


class Nowhere:
    """A workplace that keeps nothing and judges nothing."""

    def keep(self, *_: object) -> None:
        pass

    def judge(self, *_: object) -> list[Any]:
        return []

    def file(self, name: str, *_: object) -> File:
        return File(name, "0" * 64, 0, "a row")


def test_the_card_of_one_chat_is_not_shown_in_its_preview() -> None:
    row = dict.fromkeys(TABLES["articulated_cards"].columns) | {
        "chat_id": "chat 1",
        "title": "Ann's Way",
        "instructions_short": "Ask Ann.",
        "instructions_detailed": "Ask Ann again.",
        "criteria": ["ANN"],
        "refusal_reason": "Ann says so.",
    }
    frame = pl.DataFrame([row], TABLES["articulated_cards"].schema)
    workplace = cast(Workplace, Nowhere())
    (result,) = finished(workplace, "values_articulation", date(2024, 1, 1), {"articulated_cards": frame})
    shown = str((result.metadata or {})["preview"].value)  # type: ignore[union-attr]
    assert "chat 1" in shown
    assert "ann" not in shown.lower()
