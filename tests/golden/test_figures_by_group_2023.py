"""The real run's figures by group, attacked, and how many of them are left."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values.reading import AFFILIATION
from tests.groups_attacked import Snapshot, attacks, figures, raw_tables, snapshot_of, untrue

END = datetime(2023, 10, 18, tzinfo=UTC)  # of 2023-10-17


@pytest.fixture(scope="module")
def snapshot(real: Path) -> Snapshot:
    raw = raw_tables(real)
    return snapshot_of(
        {
            name: rows.filter(pl.col("createdAt") < END) if SOURCE_TABLES[name].evidence else rows
            for name, rows in raw.items()
        }
    )


@pytest.mark.parametrize("field", [AFFILIATION, "sex", "age_band"])
def test_no_two_figures_tell_of_few_people(snapshot: Snapshot, field: str) -> None:
    groups, shown = snapshot.groups[field], figures(snapshot, field)
    assert not untrue(shown, groups)
    assert not [(one[:2], other[:2]) for one, other in attacks(shown, groups)]


def test_what_is_shown_of_affiliations(snapshot: Snapshot) -> None:
    assert Counter(one.table for one in figures(snapshot, AFFILIATION)) == {
        "contested": 4,
        "coverage_by_h": 36,
        "group_answers": 50,
        "group_votes": 61,
        "funnel": 3,
        "behaviour_by_group": 13,
        "demographic_coverage": 1,
    }
