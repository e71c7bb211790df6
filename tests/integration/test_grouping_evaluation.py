"""How well cards were grouped, in `dft build`: beside the app's groupings, and what participants said."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Any

import psycopg
import pytest

from resources.lake import Lake
from tests.conftest import Dft, deliberating

DAY = date(2024, 1, 14)
NOON = "2024-01-13 12:00"
VERDICTS = ("same", "different", "same", "unsure")


@pytest.fixture(scope="module")
def compared(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a deliberation whose app put two of its values together in a second, background deduplication.

    Two participants were asked about the first five cards.
    """
    with deliberating(server, tmp_path_factory.mktemp("compared"), 60) as dft:
        with psycopg.connect(dft.environment["DFT_DATABASE_URL"]) as connection:
            connection.execute(
                f"""INSERT INTO "Deduplication"
                    SELECT "id", "canonicalCardId" / 2, 2, '{NOON}', '{NOON}' FROM "ValuesCard"
                    WHERE "canonicalCardId" IS NOT NULL"""
            )
            rows = connection.execute('SELECT "id" FROM "ValuesCard" ORDER BY "id" LIMIT 5').fetchall()
            first, *others = (card for (card,) in rows)
            for number, (other, verdict) in enumerate(zip(others, VERDICTS, strict=True), 1):
                _verify(connection, number, 1, other, first, verdict)
            # Another mind about the first pair, shown the other way round.
            _verify(connection, 5, 1, first, others[0], "different", "2024-01-13 13:00")
            _verify(connection, 6, 2, first, others[0], "different")
            _verify(connection, 7, 2, first, first, "same")
            _verify(connection, 8, 2, others[2], others[1], "same", "2024-01-15 00:00")  # the day is over
        yield dft


def _verify(
    connection: psycopg.Connection, number: int, user: int, one: int, other: int, verdict: str, at: str = NOON
) -> None:
    connection.execute(
        'INSERT INTO "DeduplicationVerification" VALUES (%s, %s, %s, %s, %s, %s, %s)',
        (number, user, one, other, verdict, at, at),
    )


@pytest.fixture(scope="module")
def lake(compared: Dft) -> Lake:
    return _build(compared, "given")


def _build(dft: Dft, name: str, *words: object, **environment: str) -> Lake:
    where = dft.folder / name
    done = dft("build", "--as-of", DAY, *words, DFT_LAKE=str(where), **environment)
    assert done.returncode == 0, done.stderr
    return Lake(str(where))


def _values(lake: Lake) -> dict[int, int]:
    theirs = lake.snapshot("card_values", DAY).filter(card_kind="card")
    return dict(theirs.select("card_id", "value_id").iter_rows())


def _agreement(lake: Lake) -> dict[tuple[str, str], dict[str, Any]]:
    rows = lake.snapshot("dedup_agreement", DAY).filter(population="all_cards").to_dicts()
    return {(row["grouping"], row["reference"]): row for row in rows}


def test_the_apps_background_deduplication_beside_its_assignment(lake: Lake) -> None:
    """Values 2k and 2k + 1 are one there: all that is together in the assignment is together there too."""
    values = _values(lake)
    pairs = list(combinations(values.values(), 2))
    row = _agreement(lake)["generation:2", "given"]
    assert row["cards"] == len(values) > 30
    assert row["pairs_in_grouping"] == sum(one // 2 == other // 2 for one, other in pairs)
    assert row["pairs_in_reference"] == row["pairs_in_both"] == sum(one == other for one, other in pairs)
    assert row["precision"] < row["recall"] == 1


def test_groupings_are_by_what_made_the_snapshot(compared: Dft, lake: Lake) -> None:
    of_given = _agreement(lake)
    assert of_given["snapshot", "given"]["f1"] == 1
    assert of_given["offline", "given"]["f1"] > of_given["exact", "given"]["f1"]
    of_offline = _agreement(_build(compared, "offline", "--dedup", "offline"))
    assert not any("offline" in names for names in of_offline), "the snapshot is that"
    figures = ("cards", "pairs_in_both", "precision", "recall", "f1", "adjusted_rand")
    for reference in ("generation:2", "given"):
        for figure in figures:
            assert of_offline["snapshot", reference][figure] == of_given["offline", reference][figure]


def test_what_participants_said(lake: Lake) -> None:
    rows = {row["grouping"]: row for row in lake.snapshot("dedup_verdicts", DAY).to_dicts()}
    assert set(rows) == {"exact", "offline", "snapshot", "generation:2", "given"}
    values = _values(lake)
    first, *others = sorted(values)[:5]
    verdicts = zip(others, ("different", "different", "same", "unsure"), strict=True)
    told = [(verdict, values[first] == values[other]) for other, verdict in verdicts]
    for name in ("snapshot", "given"):
        row = rows[name]
        assert row["pairs"] == 4, "what was said after the day's end does not count"
        assert row["unsure"] == 1
        assert (row["same_together"], row["same_apart"]) == (
            told.count(("same", True)),
            told.count(("same", False)),
        )
        assert (row["different_together"], row["different_apart"]) == (
            told.count(("different", True)),
            told.count(("different", False)),
        )
        assert row["not_grouped"] == 0


def test_verdicts_that_do_not_count_are_set_aside(lake: Lake) -> None:
    aside = lake.snapshot("quarantine", DAY).filter(table="deduplicationVerification")
    assert set(aside.select("key", "rule").iter_rows()) == {
        ('{"id":1}', "superseded"),
        ('{"id":7}', "same_card_twice"),
    }
    counts = lake.snapshot("row_counts", DAY).filter(table="deduplicationVerification", outcome="used")
    assert counts["rows"].to_list() == [5]


def test_the_manifest_names_what_was_read(lake: Lake) -> None:
    manifest = lake.manifest(DAY)
    assert manifest is not None
    read = {file["path"].split("/")[1] for file in manifest["raw_files"]}
    assert {"deduplication", "deduplicationVerification"} <= read


def test_no_other_embedding_model_is_asked_than_the_thresholds_belong_to(compared: Dft, lake: Lake) -> None:
    """One of a server, for which there is no key, and which the app's own assignment does not need."""
    other = _build(compared, "other_model", "--dedup", "given", DFT_EMBED_MODEL="of-a-server")
    assert other.snapshot("dedup_agreement", DAY).equals(lake.snapshot("dedup_agreement", DAY))
