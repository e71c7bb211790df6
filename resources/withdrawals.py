"""The list of who has withdrawn, and the deletion of what the project's database holds of them.

What belongs here: statements on the project's database. The lake is cleaned in `cleaning`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl
import psycopg
from psycopg import sql as composing

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values.pseudonyms import fingerprint, pseudonymiser
from dft_pipeline.values.withdrawal import (
    OF_CHATS,
    OF_USERS,
    TEXTS,
    Gone,
    chat_name,
    told,
    was_told,
    with_copies,
)
from resources import sql
from resources.problems import BadSettings
from resources.sql import identifiers, statement

CHATS = pl.Schema({"id": pl.String, "userId": pl.Int64, "copiedFromId": pl.String})

Fetch = Callable[[composing.Composed], pl.DataFrame]
Present = Mapping[str, Collection[str]]


class Withdrawn(NamedTuple):
    """The list: people by their pseudonyms, chats by their keyed names, and the key."""

    key: bytes
    people: frozenset[str]
    chats: frozenset[str]

    def users(self, ids: Iterable[int]) -> frozenset[int]:
        """Which of these users are on it."""
        if not self.people:
            return frozenset()
        named = pseudonymiser(self.key)
        return frozenset(one for one in ids if named(one) in self.people)

    def chats_of(self, ids: Iterable[str]) -> frozenset[str]:
        """Which of these chats are on it."""
        if not self.chats:
            return frozenset()
        return frozenset(one for one in ids if chat_name(one, self.key) in self.chats)


NOBODY = Withdrawn(b"", frozenset(), frozenset())


def listed(connection: psycopg.Connection[Any], key: bytes) -> Withdrawn:
    """The list as it is now.

    Raises BadSettings where somebody is on it under another pseudonym key, by whom nobody is recognised.
    """
    rows = connection.execute(sql.text("withdrawal/list")).fetchall()
    if {print_of_key for _, print_of_key in rows} - {fingerprint(key)}:
        raise BadSettings(
            "people have withdrawn under another pseudonym key, and would come back under this one; "
            "set DFT_PSEUDONYM_KEY to the earlier key"
        )
    chats = connection.execute(sql.text("withdrawal/list_chats")).fetchall()
    return Withdrawn(key, frozenset(name for name, _ in rows), frozenset(name for (name,) in chats))


def add(connection: psycopg.Connection[Any], key: bytes, people: Iterable[str]) -> None:
    """Puts people on the list, by their pseudonyms."""
    print_of_key = fingerprint(key)
    rows = [{"participant_id": one, "key_fingerprint": print_of_key} for one in sorted(people)]
    with connection.cursor() as cursor:
        cursor.executemany(sql.text("withdrawal/add"), rows)


def add_chats(
    connection: psycopg.Connection[Any] | psycopg.Cursor[Any], key: bytes, chats: Iterable[str]
) -> None:
    """Puts chats on the list, by their ids."""
    names = sorted(chat_name(one, key) for one in chats)
    connection.execute(sql.text("withdrawal/add_chats"), {"chats": names})


def unfinished(connection: psycopg.Connection[Any], key: bytes) -> int:
    """How many are on the list whose rows may still be somewhere."""
    row = connection.execute(
        sql.text("withdrawal/unfinished"), {"key_fingerprint": fingerprint(key)}
    ).fetchone()
    return 0 if row is None else int(row[0])


def finish(connection: psycopg.Connection[Any], people: Collection[str]) -> None:
    """Notes that nothing of these people is left."""
    connection.execute(sql.text("withdrawal/finish"), {"people": sorted(people)})


def gone(fetch: Fetch, present: Present, withdrawn: Withdrawn) -> Gone:
    """Who of a database's people is on the list, with their chats. `present`: its tables' columns."""
    if not withdrawn.people:
        return Gone()
    users: set[int] = set()
    for name, column in OF_USERS.items():
        relation = SOURCE_TABLES[name].relation
        if column in present.get(relation, ()):
            users |= withdrawn.users(fetch(_people(relation, str(column)))["id"].to_list())
    return Gone(frozenset(users), _chats(fetch, present, withdrawn, users))


def _people(relation: str, column: str) -> composing.Composed:
    parts = {"relation": composing.Identifier(relation), "column": composing.Identifier(column)}
    return statement("withdrawal/people", **parts)


def _chats(fetch: Fetch, present: Present, withdrawn: Withdrawn, users: Collection[int]) -> frozenset[str]:
    named: list[str] = []
    chats = pl.DataFrame(schema=CHATS)
    if "Chat" in present:
        copied = identifiers("copiedFromId") if "copiedFromId" in present["Chat"] else composing.SQL("NULL")
        chats = fetch(statement("withdrawal/chats", copied=copied)).cast(CHATS)
        named += chats["id"].to_list() + chats["copiedFromId"].drop_nulls().to_list()
    if "chatId" in present.get("ValuesCard", ()):
        named += fetch(statement("withdrawal/chats_of_cards"))["id"].to_list()
    return with_copies(chats, users, withdrawn.chats_of(named))


def present_tables(connection: psycopg.Connection[Any]) -> dict[str, set[str]]:
    """The app's tables in the database, with their columns."""
    found: dict[str, set[str]] = {}
    for relation, name in connection.execute(sql.text("extract/columns")):
        found.setdefault(relation, set()).add(name)
    return found


def gone_here(connection: psycopg.Connection[Any], withdrawn: Withdrawn) -> Gone:
    """Who of the project's database is on the list."""

    def fetch(query: composing.Composed) -> pl.DataFrame:
        cursor = connection.execute(query)
        names = [column.name for column in cursor.description or ()]
        return pl.DataFrame(cursor.fetchall(), names, orient="row")

    return gone(fetch, present_tables(connection), withdrawn)


def words_here(connection: psycopg.Connection[Any], who: Gone) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The texts of people's cards, and the transcripts of their chats."""
    present = present_tables(connection)
    ids = {"ids": sorted(who.chats)}
    cards: list[tuple[Any, ...]] = []
    chats: list[str] = []
    if "chatId" in present.get("ValuesCard", ()):
        query = statement("withdrawal/texts_of_cards", columns=identifiers(*TEXTS))
        cards = connection.execute(query, ids).fetchall()
    if "transcript" in present.get("Chat", ()):
        found = connection.execute(sql.text("withdrawal/transcripts"), ids)
        chats = [text for (text,) in found if text is not None]
    return cards, chats


def delete_rows(connection: psycopg.Connection[Any], who: Gone) -> dict[str, int]:
    """Deletes people's rows from the app's tables; how many, by table."""
    present = present_tables(connection)
    deleted: dict[str, int] = {}
    for name, source in SOURCE_TABLES.items():
        for column, ids in ((OF_USERS.get(name), sorted(who.users)), (OF_CHATS.get(name), sorted(who.chats))):
            if column is None or column not in present.get(source.relation, ()):
                continue
            connection.execute(sql.text("load/hold_table"), {"table": name})
            parts = {
                "relation": composing.Identifier(source.relation),
                "column": composing.Identifier(column),
            }
            cursor = connection.execute(statement("withdrawal/delete_rows", **parts), {"ids": ids})
            deleted[name] = deleted.get(name, 0) + cursor.rowcount
    return {name: rows for name, rows in deleted.items() if rows}


def forget_quarantine(connection: psycopg.Connection[Any], withdrawn: Withdrawn) -> int:
    """Forgets what loading set aside of people's rows, and values that may be theirs; the rows deleted."""
    whose = {"people": sorted(withdrawn.people), "whose": sorted(withdrawn.people | withdrawn.chats)}
    deleted = connection.execute(sql.text("withdrawal/delete_quarantine"), whose).rowcount
    connection.execute(sql.text("withdrawal/blank_quarantine"), {"tables": sorted({*OF_USERS, *OF_CHATS})})
    return deleted


def forget_told(
    connection: psycopg.Connection[Any], cards: Collection[tuple[Any, ...]], transcripts: Collection[str]
) -> int:
    """Forgets what a language model was asked about cards and chats; how many questions."""
    words = told(cards, transcripts)
    if not words:
        return 0
    with connection.cursor("questions") as cursor:
        cursor.execute(sql.text("withdrawal/questions"))
        calls = [number for number, question in cursor if was_told(question, words)]
    return connection.execute(sql.text("withdrawal/delete_calls"), {"calls": calls}).rowcount


def forget_vectors(connection: psycopg.Connection[Any], hashes: Collection[str]) -> int:
    """Forgets the vectors of texts, by the texts' hashes; how many."""
    return connection.execute(sql.text("withdrawal/delete_vectors"), {"texts": sorted(hashes)}).rowcount
