"""How a snapshot that is about to be published differs from the one that it replaces."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl

from dft_pipeline.history.difference import Difference, difference, stand
from resources.lake import Lake
from resources.problems import LakeProblem

Read = Callable[[str, date, list[str]], pl.DataFrame]


def revised(lake: Lake, day: date, manifest: Mapping[str, Any], read: Read) -> Difference | None:
    """What is different in the snapshot that `read` gives; None where there is none yet, or it is the same.

    None too where the one before cannot be compared, since other code made it, or it is damaged.
    """
    before = lake.manifest(day)
    if before is None or before == manifest:
        return None
    try:
        old = stand(lambda table, columns: lake.snapshot(table, day, columns), before["settings"])
    except LakeProblem:
        return None
    return difference(old, stand(lambda table, columns: read(table, day, columns), manifest["settings"]))
