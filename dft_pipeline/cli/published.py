"""What became of a snapshot outside of it: the days on which an edge held, and what was exported."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from dft_pipeline.history.edge_history import Night, edge_history
from dft_pipeline.tables import PAIR_KEY
from resources.lake import Lake


def days_of_edge(lake: Lake, pair: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The spans of kept snapshots in which a pair (PAIR_KEY) was an edge, and why each ended."""
    it = pl.all_horizontal(pl.col(name) == pair[name] for name in PAIR_KEY)
    key, why = list(PAIR_KEY), "rejection_reason"
    nights = (
        Night(day, lake.rows("wisdom_edges", day, it, key), lake.rows("rejected_pairs", day, it, [*key, why]))
        for day in lake.days()
    )
    return edge_history(nights).to_dicts()


def exports_of(lake: Lake, day: date) -> list[dict[str, Any]]:
    """What was written for other programs from the day's snapshot; `superseded`: from an earlier revision."""
    there = lake.manifest_hashes().get(str(day))
    return [
        {**export._asdict(), "superseded": export.manifest_sha256 != there}
        for export in lake.exports()
        if export.as_of == str(day)
    ]
