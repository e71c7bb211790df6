"""Schema `dft` of real databases: fresh ones, those from before there were migrations, and foreign ones."""

import psycopg
import pytest

from resources import sql
from resources.database import prepare
from resources.migrations import known
from resources.problems import OtherSchema


def _tables(url: str) -> list[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'dft' ORDER BY 1, 2"
        ).fetchall()


def test_a_fresh_database_gets_every_migration_once(database_url: str) -> None:
    prepare(database_url)
    before = _tables(database_url)
    prepare(database_url)
    assert _tables(database_url) == before
    with psycopg.connect(database_url) as connection:
        assert connection.execute(sql.text("dft/migrated")).fetchall() == [tuple(one) for one in known()]


def test_a_database_from_before_migrations_is_taken_over_with_its_rows(
    database_url: str, server: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(sql.text("dft/0001_first_tables"))
        connection.execute(
            'INSERT INTO dft.quarantine ("table", "file", "row", "rule") VALUES (%s, %s, 1, %s)',
            ["vote", "vote.json", "wrong_type"],
        )
    prepare(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute('SELECT "table", "file" FROM dft.quarantine').fetchall() == [
            ("vote", "vote.json")
        ]
        assert connection.execute("SELECT count(*) FROM dft.migrations").fetchone() == (len(known()),)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE dft.migrations SET sha256 = 'f' WHERE number = 1", "another migration 0001_first_tables"),
        ("INSERT INTO dft.migrations VALUES (9999, '9999_later', 'f')", "migration 9999_later, which"),
    ],
)
def test_a_database_of_another_version_is_refused_and_left_alone(
    database_url: str, change: str, said: str
) -> None:
    prepare(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(change.encode())
    before = _tables(database_url)
    with pytest.raises(OtherSchema, match=said):
        prepare(database_url)
    assert _tables(database_url) == before


def test_a_migration_that_fails_leaves_none_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resources import migrations

    monkeypatch.setattr(migrations, "known", lambda: [*known(), known()[-1]._replace(number=99)])
    with pytest.raises(psycopg.errors.DuplicateTable):
        prepare(database_url)
    assert _tables(database_url) == []
