"""The newest snapshot in PostgreSQL: what the views show is what the Parquet says, and never a mixture."""

import psycopg
import pytest
from collections.abc import Iterator
from datetime import date
from tests.conftest import Dft, deliberating
from resources.lake import Lake
from dft_pipeline.history.in_sql import PUBLISHED

DAY = date(2024, 1, 14)


@pytest.fixture(scope="module")
def built(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    with deliberating(server, tmp_path_factory.mktemp("sql")) as dft:
        done = dft("build", "--as-of", DAY)
        assert done.returncode == 0, done.stderr
        print(done.stderr)
        yield dft


def test_x(built):
    with psycopg.connect(built.environment["DFT_DATABASE_URL"]) as c:
        for n in PUBLISHED:
            print(n, c.execute(f"select count(*) from dft.{n}").fetchone())
        for n in (
            "edge_judgments",
            "edge_votes",
            "value_supporters",
            "row_supporters",
            "snapshot",
            "publications",
            "migrations",
        ):
            print(n, c.execute(f"select count(*) from dft.{n}").fetchone())
