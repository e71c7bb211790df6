"""What identifies a person is planted wherever the app keeps it, and then looked for in all that is made.

Words that people type into chats and comments are theirs, and stay; this is about columns that identify.
"""

import bisect
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest
from psycopg import sql

from dft_pipeline.raw.tables import AGE_BANDS, OUT_OF_BANDS, SOURCE_TABLES
from resources.lake import Lake
from tests.conftest import Dft, deliberating

DAY = date(2024, 1, 14)
MARK, AGE, KEY = "planted-", 7654321, "planted-key-of-the-pseudonyms"
NEEDLES = (MARK, str(AGE))
# What a live app keeps beside what the project declares: columns that nobody reads.
UNDECLARED = ("loginCode", "phone", "ipAddress")
EXTRACTING = """
import sys
from dataclasses import replace
from dft_pipeline.raw import tables
from dft_pipeline.raw.tables import SOURCE_TABLES
for table, column in (("user", "email"), ("demographic", "age")):
    columns = tuple(
        replace(one, identifying=False, bands=None) if one.name == column else one
        for one in SOURCE_TABLES[table].columns
    )
    SOURCE_TABLES[table] = replace(SOURCE_TABLES[table], columns=columns)
tables.APP_TABLES = tuple(SOURCE_TABLES[one.name] for one in tables.APP_TABLES)
from dft_pipeline.cli import main
main()
"""


@pytest.fixture(scope="module")
def planted(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a deliberation in which every identifying column holds something to look for."""
    folder = tmp_path_factory.mktemp("private")
    with deliberating(server, folder, people=60, DFT_PSEUDONYM_KEY=KEY) as dft:
        with psycopg.connect(dft.environment["DFT_DATABASE_URL"]) as connection:
            _plant(connection)
        _load_broken(dft)
        yield dft


def _plant(connection: psycopg.Connection) -> None:
    for name in UNDECLARED:
        connection.execute(sql.SQL('ALTER TABLE "User" ADD COLUMN {} text').format(sql.Identifier(name)))
    for table in SOURCE_TABLES.values():
        further = UNDECLARED if table.name == "user" else ()
        for name in (*(one.name for one in table.columns if one.identifying), *further):
            value = sql.SQL("{} || {}::text").format(f"{MARK}{name}-", sql.Identifier(table.key[0]))
            names = {"table": sql.Identifier(table.relation), "column": sql.Identifier(name)}
            connection.execute(sql.SQL("UPDATE {table} SET {column} = ").format(**names) + value)
    connection.execute('UPDATE "Demographic" SET "age" = %s WHERE "id" = 1', [AGE])


def _load_broken(dft: Dft) -> None:
    """Rows that loading sets aside for what identifies a person; one more column that nobody declared."""
    when = {"createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z"}
    users = [
        {"id": 90001, "email": {"of": f"{MARK}in-a-file"}, **when},
        {"id": 90002, "name": f"{MARK}with-a-nul\0", "phone": f"{MARK}phone", **when},
    ]
    backgrounds = [{"id": 90001, "userId": 1, "age": AGE}, {"id": 90002, "userId": 1, "age": f"{AGE} years"}]
    folder = dft.folder / "broken"
    folder.mkdir()
    (folder / "user.json").write_text(json.dumps(users))
    (folder / "demographic.json").write_text(json.dumps(backgrounds))
    done = dft("load", folder, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "phone" in done.stdout, "a column that nobody declared is reported, by its name"
    assert sum(table["set_aside"] for table in told["loaded"]) == 4
    (dft.folder / "said.txt").write_text(done.stdout + done.stderr)


@pytest.fixture(scope="module")
def home(planted: Dft) -> Path:
    """Where it was built and exported; what was printed lies beside what was written."""
    home = Path(planted.environment["DFT_HOME"])
    made, said = home / "made", []
    for words in (
        ("build", "--as-of", DAY),
        ("status",),
        ("status", "--json"),
        ("verify",),
        *(
            ("export", "graph", "--as-of", DAY, "--format", form, "--output", made / form)
            for form in ("json", "graphml", "parquet")
        ),
        ("build", "--as-of", DAY, "--policy", "none"),
    ):
        done = planted(*words)
        assert done.returncode == (2 if "none" in words else 0), done.stderr
        said += [done.stdout, done.stderr]
    (made / "said.txt").write_text("\n".join(said))
    return home


def _found(home: Path, dft: Dft) -> dict[str, set[str]]:
    """Where a needle lies: in files, decoded, and in every row of every table but the app's own."""
    texts = {
        str(path.relative_to(home)): _decoded(path) for path in sorted(home.rglob("*")) if path.is_file()
    }
    texts |= _rows(dft.environment["DFT_DATABASE_URL"])
    found = {place: {one for one in NEEDLES if one in text} for place, text in texts.items()}
    return {place: needles for place, needles in found.items() if needles}


def _decoded(path: Path) -> str:
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_ndjson()
    return path.read_bytes().decode(errors="replace")


def _rows(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('public', 'pg_catalog', 'information_schema')"
        ).fetchall()
        texts = {}
        for schema, name in tables:
            query = sql.SQL("SELECT t::text FROM {}.{} AS t").format(*map(sql.Identifier, (schema, name)))
            rows = connection.execute(query).fetchall()
            texts[f"{schema}.{name}"] = "\n".join(str(row) for (row,) in rows)
    assert len(texts["dagster.event_logs"]) > 10_000, "Dagster's own records are among them"
    return texts


def test_nothing_that_identifies_a_person_leaves_the_source(planted: Dft, home: Path) -> None:
    assert _decoded(planted.folder / "said.txt").count(MARK) == 0
    assert _found(home, planted) == {}
    assert {path.suffix for path in home.rglob("*")} >= {".parquet", ".json", ".html", ".txt"}


def test_columns_that_are_extracted_by_mistake_are_found(planted: Dft, tmp_path: Path) -> None:
    environment: Mapping[str, str] = planted.environment | {"DFT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", EXTRACTING, "build", "--as-of", str(DAY)]
    done = subprocess.run(
        command, cwd=planted.folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = _found(tmp_path / "home", planted)
    for table, needle in (("user", MARK), ("demographic", str(AGE))):
        assert any(path.startswith(f"lake/raw/{table}/") and needle in said for path, said in found.items())


def test_ages_leave_the_source_as_their_band(planted: Dft, home: Path) -> None:
    lake = Lake(str(home / "lake"))
    rows = pl.concat(pl.read_parquet(lake.at(file.path)) for file in lake.raw_files("demographic", None))
    with psycopg.connect(planted.environment["DFT_DATABASE_URL"]) as connection:
        ages = dict(connection.execute('SELECT "id", "age" FROM "Demographic"').fetchall())
    ends, names = list(AGE_BANDS), [*AGE_BANDS.values(), OUT_OF_BANDS]
    expected = {
        one: None if age is None else names[bisect.bisect_right(ends, age)] for one, age in ages.items()
    }
    assert dict(rows.select("id", "age").iter_rows()) == expected
    assert {OUT_OF_BANDS, None, *AGE_BANDS.values()} - set(expected.values()) <= {"under 18"}


def test_a_pseudonym_is_reidentified_with_key_and_reason_and_never_unrecorded(planted: Dft) -> None:
    url = planted.environment["DFT_DATABASE_URL"]
    with psycopg.connect(url) as connection:
        row = connection.execute('SELECT max("userId") FROM "Edge"').fetchone()
    assert row is not None
    pseudonym = hmac.new(KEY.encode(), str(row[0]).encode(), hashlib.sha256).hexdigest()[:32]
    done = planted("reidentify", pseudonym, "--reason", "asked for their data", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"pseudonym": pseudonym, "user_id": row[0]}
    other = planted("reidentify", pseudonym, "--reason", "a try", DFT_PSEUDONYM_KEY="another")
    assert other.returncode == 1
    assert "nobody in the source is" in other.stderr
    for words, code in (
        ((pseudonym, "--reason", " "), 2),
        ((pseudonym,), 2),
        (("ann", "--reason", "x"), 2),
        ((pseudonym, "--reason", "without a key"), 1),
    ):
        refused = planted(
            "reidentify", *words, DFT_PSEUDONYM_KEY="", DFT_HOME=str(planted.folder / "nowhere")
        )
        assert refused.returncode == code, refused.stderr
    with psycopg.connect(url) as connection:
        recorded = connection.execute(
            "SELECT pseudonym, reason, database_user = session_user FROM dft.reidentifications ORDER BY id"
        ).fetchall()
    assert recorded == [(pseudonym, "asked for their data", True), (pseudonym, "a try", True)]


def test_comments_and_stories_can_be_left_out(planted: Dft, home: Path) -> None:
    refused = planted("build", "--as-of", DAY, DFT_PUBLISH_TEXTS="false")
    assert refused.returncode == 2, "a day that was built with them needs --replace"
    done = planted("build", "--as-of", DAY, "--replace", DFT_PUBLISH_TEXTS="false")
    assert done.returncode == 0, done.stderr
    lake = Lake(str(home / "lake"))
    manifest = lake.manifest(DAY)
    assert manifest is not None
    assert manifest["settings"]["publishes_texts"] is False
    for name in ("judgments", "edge_judgments"):
        rows = lake.snapshot(name, DAY)
        assert rows.select("story", "comment").null_count().row(0) == (len(rows), len(rows))
    with psycopg.connect(planted.environment["DFT_DATABASE_URL"]) as connection:
        shown = connection.execute("SELECT count(story), count(comment), count(*) > 0 FROM dft.judgments")
        assert shown.fetchone() == (0, 0, True)
    raw = pl.concat(pl.read_parquet(lake.at(file.path)) for file in lake.raw_files("edge", None))
    assert raw["story"].count() > 0, "raw files hold what the source holds"
