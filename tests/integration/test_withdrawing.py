"""`dft withdraw`: nothing of a person is left anywhere or comes back, and what that changes is told."""

import hashlib
import io
import json
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg import sql

from dft_pipeline.history.counterfactual import compared
from dft_pipeline.history.publication_log import parsed
from dft_pipeline.simulate import simulate, write
from dft_pipeline.tables import TABLES
from dft_pipeline.values.answers import CardText
from dft_pipeline.values.pseudonyms import pseudonym
from resources.lake import Lake
from tests.conftest import Dft, fresh_database

KEY = "a key for tests"
PERSON, COPIER, NOBODY = 17, 28, 987_654
WHO = pseudonym(PERSON, KEY.encode())
PHRASE = "an unmistakable turn of phrase"
FIRST, SECOND, NEXT = date(2024, 1, 10), date(2024, 1, 12), date(2024, 1, 14)
OTHERWISE = ("--policy", "published-2023", "--h", "0", "--accept-drop")  # the first day's settings
ROW_NUMBERS = {"quarantine"}  # tables that name rows of the files by number
# A row that loading set aside, and that names nobody, stays in older snapshots without its value.
OLDER = ROW_NUMBERS | {"row_counts"}
Tables = dict[str, list[dict[str, Any]]]


def planted(tables: Tables) -> Tables:
    """The tables with the phrase wherever the person writes, a copy of their chat, and a broken card."""
    for chat in _of_person(tables["chat"]):
        chat["transcript"][-1]["content"] = f"{chat['transcript'][-1]['content']} {PHRASE}"
        chat["transcript"].insert(0, {"role": "user", "content": PHRASE})
    chats = _of_person(tables["chat"])
    for card in tables["valuesCard"]:
        if card["chatId"] in {chat["id"] for chat in chats}:
            card["title"] = f"{card['title']} {PHRASE}"
    broken = {**tables["valuesCard"][0], "id": 999_999, "title": f"\0{PHRASE}", "chatId": chats[0]["id"]}
    copy = {**chats[0], "id": "a copy", "userId": COPIER, "copiedFromId": chats[0]["id"]}
    for edge in _of_person(tables["edge"]):
        edge |= {"comment": PHRASE, "story": PHRASE}
    # The copy stands before what it is a copy of.
    return tables | {"chat": [copy, *tables["chat"]], "valuesCard": [*tables["valuesCard"], broken]}


def without(tables: Tables) -> Tables:
    """The tables as if the person had never been there."""
    chats = {chat["id"] for chat in _of_person(tables["chat"])} | {"a copy"}
    return {
        name: [
            row
            for row in rows
            if (row.get("id") if name == "user" else row.get("userId")) != PERSON
            and not (name == "valuesCard" and row["chatId"] in chats)
            and not (name == "chat" and row["id"] in chats)
        ]
        for name, rows in tables.items()
    }


def _of_person(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["userId"] == PERSON]


def _write(folder: Path, tables: Tables) -> Path:
    folder.mkdir()
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))
    return folder


def _read(folder: Path) -> Tables:
    names = [path.stem for path in folder.glob("*.json") if path.stem != "truth"]
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in names}


def _do(dft: Dft, *words: object, expected: int = 0, **environment: str) -> str:
    done = dft(*words, **environment)
    assert done.returncode == expected, done.stderr + done.stdout
    return done.stdout if expected == 0 else done.stderr


def _withdraw(dft: Dft, *words: object) -> Any:
    return json.loads(_do(dft, "withdraw", *words, "--json"))


def _lake(dft: Dft) -> Lake:
    return Lake(str(dft.folder / "home" / "lake"))


def _contents(dft: Dft) -> Iterator[tuple[str, str]]:
    """Every file of the lake, every page about it, and every row of the database, as text."""
    home = dft.folder / "home"
    for path in sorted([*(home / "lake").rglob("*"), *(home / "data-docs").rglob("*")]):
        if path.suffix == ".parquet":
            yield str(path), str(pl.read_parquet(path).to_dicts())
        elif path.is_file():
            yield str(path), path.read_bytes().decode(errors="replace")
    with psycopg.connect(dft.environment["DFT_DATABASE_URL"]) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema IN ('public', 'dft', 'dagster')"
        ).fetchall()
        for schema, table in tables:
            if (schema, table) != ("dft", "withdrawals"):
                rows = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, table))
                yield f"{schema}.{table}", "\n".join(row for (row,) in connection.execute(rows))


def _traces(dft: Dft) -> set[str]:
    return {where for where, text in _contents(dft) if PHRASE in text or WHO in text}


def _raw_users(lake: Lake) -> set[int]:
    files = [path for path in lake.find("raw") if path.endswith(".parquet")]
    frames = [(path.split("/")[1], pl.read_parquet(io.BytesIO(lake.read(path)))) for path in files]
    columns = [
        frame["id" if table == "user" else "userId"]
        for table, frame in frames
        if "userId" in frame or table == "user"
    ]
    return {user for column in columns for user in column}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("simulated")
    write(simulate(120, 7), folder)
    return planted(_read(folder))


@pytest.fixture(scope="module")
def never_there(server: str, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """The lake of a deliberation in which the person took no part."""
    with fresh_database(server) as url:
        dft = Dft(tmp_path_factory.mktemp("without"), url)
        dft.environment["DFT_PSEUDONYM_KEY"] = KEY
        _do(dft, "load", _write(dft.folder / "files", without(tables)))
        _do(dft, "build", "--as-of", FIRST, *OTHERWISE)
        for day in (SECOND, NEXT):
            _do(dft, "build", "--as-of", day)
        yield _lake(dft)


@pytest.fixture(scope="module")
def there(server: str, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a deliberation that the person took part in, with two snapshots of it."""
    with fresh_database(server) as url:
        dft = Dft(tmp_path_factory.mktemp("with"), url)
        dft.environment["DFT_PSEUDONYM_KEY"] = KEY
        _do(dft, "load", _write(dft.folder / "files", tables))
        _do(dft, "build", "--as-of", FIRST, *OTHERWISE)
        _do(dft, "build", "--as-of", SECOND)
        yield dft


def _ask_about(dft: Dft, *cards: dict[str, Any]) -> None:
    """As if a language model had been asked about cards, and had embedded them."""
    texts = ("title", "instructionsShort", "instructionsDetailed", "evaluationCriteria")
    with psycopg.connect(dft.environment["DFT_DATABASE_URL"]) as connection:
        for card in cards:
            asked = dict(zip(CardText.model_fields, map(card.get, texts), strict=True))
            connection.execute(
                "INSERT INTO dft.llm_calls (kind, model, parameters, question_hash, input_hash, input, "
                "outcome, tokens_in, tokens_out, latency_s, attempts) "
                "VALUES ('chat', 'm', '{}', %s, 'x', %s, 'answered', 1, 1, 1, 1)",
                [str(card["id"]), json.dumps({"first": asked, "second": asked})],
            )
            said = hashlib.sha256("\n".join(sorted(card["evaluationCriteria"])).encode()).hexdigest()
            connection.execute("INSERT INTO dft.embeddings VALUES ('m', %s, '', now())", [said])


def _differ(lake: Lake, other: Lake, day: date) -> set[str]:
    return {table for table in TABLES if not lake.snapshot(table, day).equals(other.snapshot(table, day))}


def test_somebody_withdraws_and_does_not_come_back(there: Dft, never_there: Lake, tables: Tables) -> None:
    lake = _lake(there)
    assert PERSON in _raw_users(lake)
    settings = {day: (lake.manifest(day) or {})["settings"] for day in (FIRST, SECOND)}
    files = lake.hashes(lake.find(""))

    expected = json.loads(
        json.dumps(compared(*(lambda name, of=of: of.snapshot(name, SECOND) for of in (lake, never_there))))  # type: ignore[misc]
    )
    tried = _withdraw(there, PERSON, "--dry-run")
    assert [one["as_of"] for one in tried["snapshots"]] == [str(SECOND)]
    assert tried["snapshots"][0]["changes"] == expected, (
        "a dry run says what a deliberation without them gives"
    )
    assert any(expected["ranks"].values())
    assert lake.hashes(lake.find("")) == files, "and changes nothing"

    cards = [card for card in tables["valuesCard"] if card["title"].isprintable()]
    theirs, others = (
        next(card for card in cards if (PHRASE in card["title"]) is is_theirs) for is_theirs in (True, False)
    )
    _ask_about(there, theirs, others)

    # It is killed after it has rebuilt the first day, and begun again.
    process = there.start("withdraw", PERSON)
    while len(lake.log_files()) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was killed before its end"
    done = _withdraw(there, PERSON)
    assert done["snapshots"][-1]["changes"] == expected
    assert not done["delete_in_the_app"]

    log = [parsed(content) for content in lake.log_files().values()]
    assert [(one.as_of, one.revision, one.reason) for one in log[2:]] == [
        (str(FIRST), 2, "withdrawal"),
        (str(SECOND), 2, "withdrawal"),
    ]
    for day in (FIRST, SECOND):
        assert (lake.manifest(day) or {})["settings"] == settings[day]
        assert _differ(lake, never_there, day) <= OLDER
        _do(there, "verify", "--as-of", day)
    assert PERSON not in _raw_users(lake)
    assert _traces(there) == set()
    with psycopg.connect(there.environment["DFT_DATABASE_URL"]) as connection:
        asked = connection.execute("SELECT question_hash FROM dft.llm_calls").fetchall()
        vectors = connection.execute("SELECT count(*) FROM dft.embeddings WHERE model = 'm'").fetchone()
        assert (asked, vectors) == ([(str(others["id"]),)], (1,)), "only what is about others is kept"

    # The old dump again, and the next night.
    said = _do(there, "load", there.folder / "files", "--strict", expected=1)
    loaded = json.loads(_do(there, "load", there.folder / "files", "--json"))
    asides = {
        file["table"]: [row for row in file["rows_set_aside"] if row["rule"] == "withdrawn"]
        for file in loaded["loaded"]
    }
    assert len(asides["user"]) == 1
    assert len(asides["chat"]) >= 2, "the copy as well"
    assert asides["valuesCard"]
    assert all(row["key"] is None and row["value"] is None for rows in asides.values() for row in rows)
    assert "nul_byte" not in {row["rule"] for row in asides["valuesCard"]}
    assert WHO not in said
    assert PHRASE not in said
    _do(there, "build", "--as-of", NEXT)
    assert _differ(lake, never_there, NEXT) <= ROW_NUMBERS
    assert PERSON not in _raw_users(lake)
    assert _traces(there) == set()
    again = _withdraw(there, PERSON)
    assert again["snapshots"] == []
    assert not again["rows"]


def test_who_is_nowhere_is_withdrawn_all_the_same(there: Dft, tables: Tables, tmp_path: Path) -> None:
    said = _do(there, "withdraw", NOBODY)
    assert "nothing of theirs was there, and nothing will be let in" in said
    assert str(NOBODY) not in said
    user = {**tables["user"][0], "id": NOBODY}
    found = json.loads(_do(there, "load", _write(tmp_path / "later", {"user": [user]}), "--strict", "--json"))
    assert [row["rule"] for row in found["loaded"][0]["rows_set_aside"]] == ["withdrawn"]


def test_under_another_key_nothing_is_read(there: Dft) -> None:
    other = {"DFT_PSEUDONYM_KEY": "another key"}
    for words in (("load", there.folder / "files"), ("withdraw", NOBODY)):
        assert "DFT_PSEUDONYM_KEY" in _do(there, *words, expected=2, **other)
    _do(there, "build", "--as-of", NEXT, "--replace", expected=1, **other)


def test_whose_consent_was_revoked_leaves_older_snapshots_too(
    server: str, tables: Tables, tmp_path: Path
) -> None:
    with fresh_database(server) as url:
        dft = Dft(tmp_path, url)
        dft.environment["DFT_PSEUDONYM_KEY"] = KEY
        _do(dft, "load", _write(tmp_path / "files", tables))
        _do(dft, "build", "--as-of", SECOND)
        assert PERSON in _raw_users(_lake(dft))
        with psycopg.connect(url) as connection:
            connection.execute(
                'UPDATE "Demographic" SET "sex" = %s WHERE "userId" = %s', ["CONSENT_REVOKED", PERSON]
            )
        _do(dft, "build", "--as-of", NEXT)
        log = [parsed(content) for content in _lake(dft).log_files().values()]
        assert [(one.as_of, one.reason) for one in log] == [
            (str(SECOND), "nightly"),
            (str(NEXT), "nightly"),
            (str(SECOND), "withdrawal"),
        ]
        assert PERSON not in _raw_users(_lake(dft))
        assert _traces(dft) == set()
