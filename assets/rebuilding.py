"""A snapshot built again elsewhere, with the settings of its manifest, from raw files that lie there."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from assets.dataset import STEPS, snapshot_manifest
from assets.notices import causes
from resources.build import BuildSettings, Workplace
from resources.problems import RebuildFailed

COMPARED = ("wisdom_edges", "pair_tallies", "canonical_values", "graph_values", "reward_rows")


def rebuild(folder: Path, day: date, settings: Mapping[str, Any], only: Sequence[str] | None = None) -> None:
    """Builds the day in the lake below the folder; `only` these tables and what they need, else all.

    Dagster keeps nothing of it. Raises RebuildFailed with the cause.
    """
    build_settings = BuildSettings(exactly=json.dumps(settings), accept_drop=True, withdrawal=True)
    steps = [*STEPS, snapshot_manifest]
    result = dg.materialize(
        steps,
        partition_key=str(day),
        selection=None if only is None else _with_needed(only),
        resources={"workplace": Workplace(folder=str(folder)), "build_settings": build_settings},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    if not result.success:
        raise RebuildFailed("; ".join([f"{day} could not be built again", *causes(result.all_events)]))


def _with_needed(names: Sequence[str]) -> dg.AssetSelection:
    made = {key for step in STEPS for key in step.keys}
    wanted = dg.AssetSelection.assets(*names).upstream() & dg.AssetSelection.assets(*made)
    return wanted.required_multi_asset_neighbors()
