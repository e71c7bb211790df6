"""The plot of coverage by h, drawn of tables small enough to read."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import polars as pl

from dft_pipeline.plots import MOST_PANELS, coverage_plot
from dft_pipeline.tables import TABLES


def a_table(cases: Sequence[str], hops: Sequence[int | None], coverage: float | None) -> pl.DataFrame:
    rows = [
        {
            "case_id": case,
            "h": h,
            "group": group,
            "value_ids": [3],
            "wisdom": 0.5 if coverage else None,
            "coverage": coverage if group == "all" else None,
            "carried_coverage": coverage,
            "is_recommended": h == 1,
        }
        for case in cases
        for h in hops
        for group in ("Left", "all")
    ]
    return TABLES["coverage_by_h"].conform(pl.DataFrame(rows, schema=TABLES["coverage_by_h"].schema))


def test_the_same_table_gives_the_same_bytes() -> None:
    table = a_table(["we$d", "<b>"], [0, 1, None], 0.6)
    drawn = coverage_plot(table, 0.5)
    assert drawn == coverage_plot(table, 0.5)
    assert b"<script" not in drawn
    assert ElementTree.fromstring(drawn).tag.endswith("svg")


def test_what_there_is_little_of() -> None:
    for table in (
        a_table([], [0], 0.5),
        a_table(["weed"], [0], 0.5),
        a_table(["weed"], [0, None], None),
        a_table([f"case {place}" for place in range(MOST_PANELS + 1)], [*range(40), None], 0.5),
    ):
        assert ElementTree.fromstring(coverage_plot(table, 0.5)).tag.endswith("svg")
