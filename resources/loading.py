"""Table files into the app's tables: streamed, one transaction per table, nothing half-loaded."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import psycopg
from psycopg import sql as composing
from psycopg.rows import namedtuple_row

from dft_pipeline.raw.checking import Fault, Row, check, key_of, named, part_of
from dft_pipeline.raw.reading import FORMATS, Record, RefusedFile, Unreadable, columns, records
from dft_pipeline.raw.tables import SOURCE_TABLES, SourceTable
from dft_pipeline.values.pseudonyms import pseudonym, pseudonymiser
from dft_pipeline.values.withdrawal import OF_CHATS, WITHDRAWN, Gone, chat_name
from resources import sql
from resources.sql import identifiers, statement
from resources.withdrawals import Withdrawn, add_chats, delete_rows, listed

PSEUDONYMS_KEPT = 1 << 16  # a file tends to have a participant's rows close together
# What a file of ratings is, by the column that tells.
RATINGS = {"isMet": "criterionRating", "rank": "completionRanking"}
# What the database says of a file's content; anything else it says is no fault of the file.
REFUSALS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
)


class Aside(NamedTuple):
    """A row that was set aside. `row` counts records from 1; `key` is JSON, people as pseudonyms."""

    row: int
    key: str | None
    column: str | None
    rule: str
    value: str | None


class Loaded(NamedTuple):
    """What became of one file: read = new + changed + unchanged + set aside."""

    table: str
    file: str
    read: int
    new: int
    changed: int
    unchanged: int
    set_aside: list[Aside]
    unknown_columns: list[str]


class Refused(NamedTuple):
    """A file of which nothing was loaded, and why."""

    table: str
    file: str
    reason: str


class Source(NamedTuple):
    """What a folder holds: one file per table, and files of such a kind that are no table's."""

    files: dict[str, Path]
    ignored: list[str]


Progress = Callable[[str, int], None]


def find_files(folder: Path) -> Source:
    """The table files in a folder. Raises RefusedFile where it has none, or two for one table."""
    files: dict[str, Path] = {}
    ignored = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in FORMATS:
            continue
        if path.stem not in SOURCE_TABLES:
            # A name need not be UTF-8, and then cannot be printed as it is.
            ignored.append(path.name.encode(errors="backslashreplace").decode())
        elif path.stem in files:
            raise RefusedFile(f"{files[path.stem].name} and {path.name} are both the table {path.stem}")
        else:
            files[path.stem] = path
    if not files:
        raise RefusedFile(f"no table files in {folder.name or folder}; there should be some like edge.json")
    return Source({name: files[name] for name in SOURCE_TABLES if name in files}, ignored)


def with_own(source: Source, files: Mapping[str, Path]) -> Source:
    """The source with further files of the project's own tables, by table.

    Raises RefusedFile for a file of a format that is not known, or of a table that has one already.
    """
    for name, path in files.items():
        refuse_format(path)
        if name in source.files:
            raise RefusedFile(f"{source.files[name].name} and {path.name} are both the table {name}")
    return source._replace(files={**source.files, **files})


def refuse_format(path: Path) -> None:
    """Raises RefusedFile for a file of a format that is not known."""
    if path.suffix not in FORMATS:
        raise RefusedFile(f"{path.name}: the name should end in one of {', '.join(FORMATS)}")


def table_of_ratings(path: Path) -> str:
    """Which table a file of ratings is, by the first column that only one of the two has.

    Raises RefusedFile where it has neither, or both.
    """
    refuse_format(path)
    found = {column for column in columns(path) if column in RATINGS}
    if not found:
        named = (set(record) & set(RATINGS) for record in records(path) if not isinstance(record, Unreadable))
        found = next(filter(None, named), set())
    if len(found) != 1:
        both = " and ".join(sorted(RATINGS))
        raise RefusedFile(f"{path.name}: the columns should be of ratings or of rankings: one of {both}")
    return RATINGS[found.pop()]


def load(
    connection: psycopg.Connection[Any],
    source: Source,
    key: bytes,
    strict: bool,
    progress: Progress,
    further: Sequence[Callable[[psycopg.Connection[Any]], Loaded | Refused]] = (),
) -> Iterator[Loaded | Refused]:
    """Loads each file in turn, then what is no table's (`further`), and says what became of it.

    Under `strict`, everything is one transaction, which is taken back at the end where any row was set
    aside or any file refused.
    """
    with _all_or_nothing(connection, strict) as outcomes:
        with connection.transaction():
            connection.execute(sql.text("load/lock"))
            if any(not SOURCE_TABLES[name].own for name in source.files):
                connection.execute(sql.text("source/schema"))
            connection.execute(sql.text("source/own"))
        for name, path in source.files.items():
            outcome = _load_file(connection, SOURCE_TABLES[name], path, key, progress)
            outcomes.append(outcome)
            yield outcome
        for loading in further:
            outcome = loading(connection)
            outcomes.append(outcome)
            yield outcome


def is_clean(outcome: Loaded | Refused) -> bool:
    """Whether a file was loaded to its last row, but for those of people who have withdrawn."""
    return isinstance(outcome, Loaded) and all(row.rule == WITHDRAWN for row in outcome.set_aside)


@contextmanager
def _all_or_nothing(connection: psycopg.Connection[Any], strict: bool) -> Iterator[list[Loaded | Refused]]:
    outcomes: list[Loaded | Refused] = []
    if not strict:
        connection.autocommit = True
        yield outcomes
        return
    with connection.transaction():
        yield outcomes
        if not all(map(is_clean, outcomes)):
            raise psycopg.Rollback


def _load_file(
    connection: psycopg.Connection[Any], table: SourceTable, path: Path, key: bytes, progress: Progress
) -> Loaded | Refused:
    try:
        with connection.transaction(), connection.cursor(row_factory=namedtuple_row) as cursor:
            cursor.execute(sql.text("load/hold_table"), {"table": table.name})
            awaited = _Awaited(table, _set_aside_elsewhere(cursor, table, path), key)
            leavers = _Leavers(table, listed(connection, key))
            reader = _Reader(table, path, key, progress, awaited, leavers)
            _stage(cursor, table, reader)
            reader.refuse_missing_columns()
            reader.set_aside += leavers.copies(cursor)
            reader.set_aside += _later_duplicates(cursor, table, key)
            counts = _upsert(cursor, table)
            remember(cursor, table.name, path.name, reader.set_aside, awaited.met, reader.whose)
            leavers.leave(connection)
            cursor.execute(sql.text("load/unstage"))
    except RefusedFile as refusal:
        return Refused(table.name, path.name, str(refusal))
    except REFUSALS as error:
        reason = f"{path.name}: the database refuses it: {str(error).splitlines()[0]}"
        return Refused(table.name, path.name, reason)
    unchanged = reader.read - counts.new - counts.changed - len(reader.set_aside)
    aside = sorted(reader.set_aside)
    return Loaded(
        table.name,
        path.name,
        reader.read,
        counts.new,
        counts.changed,
        unchanged,
        aside,
        reader.unknown_columns,
    )


class _Awaited:
    """The keys of rows that other files had set aside; `met`: those that a good row has now, as JSON."""

    def __init__(self, table: SourceTable, keys: Iterable[str], key: bytes) -> None:
        places = {name: place for place, name in enumerate(table.by_name) if name in table.key}
        people = [name for name in places if table.by_name[name].participant]
        self.plain = [place for name, place in places.items() if name not in people]
        self.person = places[people[0]] if people else None
        self.pseudonym = lru_cache(PSEUDONYMS_KEPT)(pseudonymiser(key))
        self.met: list[str] = []
        # Pseudonyms are dear: only rows whose other parts of the key are awaited need one.
        self.waiting: dict[tuple[Any, ...], dict[str | None, str]] = {}
        for text in keys:
            parts = json.loads(text)
            plain = tuple(parts.get(name) for name in places if name not in people)
            self.waiting.setdefault(plain, {})[parts.get("participant_id")] = text

    def meet(self, row: Row) -> None:
        """Notes that this good row is there."""
        plain = tuple([row[place] for place in self.plain])
        if (waiting := self.waiting.get(plain)) is None:
            return
        found = waiting.pop(None if self.person is None else self.pseudonym(row[self.person]), None)
        if found is not None:
            self.met.append(found)
            if not waiting:
                del self.waiting[plain]


class _Leavers:
    """Who has withdrawn, asked of the records of one file."""

    def __init__(self, table: SourceTable, withdrawn: Withdrawn) -> None:
        self.table, self.withdrawn = table, withdrawn
        self.column = table.participant_column or OF_CHATS.get(table.name)
        self.named = lru_cache(PSEUDONYMS_KEPT)(pseudonymiser(withdrawn.key))
        self.chats: set[str] = set()  # of this file

    def has(self, record: Record) -> bool:
        """Whether a record is theirs: a row of theirs, their chat's card, or a copy of their chat."""
        if not self.withdrawn.people or not {self.whose(record), self._copied(record)} & self._list:
            return False
        if self.table.name == "chat" and isinstance(chat := part_of(self.table, record, "id"), str):
            self.chats.add(chat)
        return True

    def whose(self, record: Record) -> str | None:
        """The pseudonym of whose record it is, or its chat's keyed name; None where it does not say."""
        found = None if self.column is None else part_of(self.table, record, self.column)
        if isinstance(found, int):
            return self.named(found)
        return chat_name(found, self.withdrawn.key) if isinstance(found, str) else None

    @cached_property
    def _list(self) -> frozenset[str]:
        return self.withdrawn.people | self.withdrawn.chats

    def _copied(self, record: Record) -> str | None:
        found = part_of(self.table, record, "copiedFromId") if self.table.name == "chat" else None
        return chat_name(found, self.withdrawn.key) if isinstance(found, str) else None

    def copies(self, cursor: psycopg.Cursor[Any]) -> list[Aside]:
        """Takes copies of their chats, which may come before these, out of what is staged."""
        if not self.chats:
            return []
        cursor.execute(sql.text("withdrawal/delete_copies"), {"chats": sorted(self.chats)})
        found = cursor.fetchall()
        self.chats |= {chat for _, chat in found}
        return [Aside(number, None, "copiedFromId", WITHDRAWN, None) for number, _ in found]

    def leave(self, connection: psycopg.Connection[Any]) -> None:
        """Puts their chats on the list, and deletes the cards of these that were loaded before."""
        if self.chats:
            add_chats(connection, self.withdrawn.key, self.chats)
            delete_rows(connection, Gone(chats=frozenset(self.chats)))


class _Reader:
    """Checks the records of a file one by one, and remembers what it set aside and which columns it saw.

    `whose`: by the number of a row that was set aside, whose it is.
    """

    def __init__(
        self,
        table: SourceTable,
        path: Path,
        key: bytes,
        progress: Progress,
        awaited: _Awaited,
        leavers: _Leavers,
    ) -> None:
        self.table, self.path, self.key, self.progress = table, path, key, progress
        self.awaited, self.leavers = awaited, leavers
        self.whose: dict[int, str | None] = {}
        self.read = 0
        self.seen = set(columns(path))
        self.set_aside: list[Aside] = []

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The good rows with their numbers, from 1."""
        for found in records(self.path, lambda done: self.progress(self.table.name, done)):
            self.read += 1
            record = named(self.table, found)
            if not isinstance(record, Unreadable):
                self.seen.update(record)
            if self.leavers.has(record):
                self.set_aside.append(Aside(self.read, None, self.leavers.column, WITHDRAWN, None))
                continue
            checked = check(self.table, record)
            if isinstance(checked, Fault):
                self.whose[self.read] = self.leavers.whose(record)
                key = _key_json(self.table, key_of(self.table, record), self.key)
                self.set_aside.append(Aside(self.read, key, *checked))
            else:
                if self.awaited.waiting:
                    self.awaited.meet(checked)
                yield self.read, checked

    def refuse_missing_columns(self) -> None:
        """Raises RefusedFile where no record has a column that every row must have."""
        required = [column.name for column in self.table.columns if not column.nullable]
        missing = [name for name in required if name not in self.seen]
        if missing and (self.read or self.seen):
            raise RefusedFile(f"{self.path.name}: without the column {', '.join(missing)}")

    @property
    def unknown_columns(self) -> list[str]:
        unknown = self.seen - set(self.table.by_name)
        # Names come from a file: what a terminal would act on, or cannot print, is shown escaped.
        return sorted(name.encode("unicode_escape").decode()[:200] for name in unknown)


def _key_json(table: SourceTable, values: dict[str, Any] | None, key: bytes) -> str | None:
    """A row's key as JSON, with pseudonyms for the ids of participants."""
    if values is None:
        return None
    shown = {}
    for name, value in values.items():
        if table.by_name[name].participant:
            shown["participant_id"] = None if value is None else pseudonym(value, key)
        else:
            shown[name] = value
    return json.dumps(shown, separators=(",", ":"))


def _stage(cursor: psycopg.Cursor[Any], table: SourceTable, reader: _Reader) -> None:
    cursor.execute(statement("load/stage", relation=composing.Identifier(table.relation)))
    with cursor.copy(statement("load/copy", columns=_columns(table))) as copy:
        for number, row in reader.rows():
            copy.write_row((*row, number))


def _later_duplicates(cursor: psycopg.Cursor[Any], table: SourceTable, key: bytes) -> list[Aside]:
    cursor.execute(statement("load/duplicates", key=identifiers(*table.key), columns=_columns(table)))
    return [
        Aside(
            number,
            _key_json(table, dict(zip(table.key, values, strict=True)), key),
            table.key[0],
            "duplicate_key",
            None,
        )
        for number, *values in cursor
    ]


def _upsert(cursor: psycopg.Cursor[Any], table: SourceTable) -> Any:
    changing = [column.name for column in table.columns if column.name not in table.key] or [*table.key]
    assignments = composing.SQL(", ").join(
        composing.SQL("{0} = EXCLUDED.{0}").format(composing.Identifier(name)) for name in changing
    )
    newer = 'stored."updatedAt" <= EXCLUDED."updatedAt"' if table.is_versioned else "true"
    cursor.execute(
        statement(
            "load/upsert",
            relation=composing.Identifier(table.relation),
            key=identifiers(*table.key),
            columns=_columns(table),
            assignments=assignments,
            is_newer=composing.SQL(newer),
            stored=_of("stored", changing),
            excluded=_of("excluded", changing),
        )
    )
    return cursor.fetchone()


def _of(row: str, names: list[str]) -> composing.Composed:
    return composing.SQL(", ").join(composing.Identifier(row, name) for name in names)


def _set_aside_elsewhere(cursor: psycopg.Cursor[Any], table: SourceTable, path: Path) -> list[str]:
    cursor.execute(sql.text("load/set_aside_elsewhere"), {"table": table.name, "file": path.name})
    return [key for (key,) in cursor]


def remember(
    cursor: psycopg.Cursor[Any],
    table: str,
    name: str,
    aside: list[Aside],
    mended: list[str],
    whose: Mapping[int, str | None] = MappingProxyType({}),
) -> None:
    """Keeps the rows that were set aside, instead of this file's earlier ones and those that are mended."""
    file = {"table": table, "file": name}
    cursor.execute(sql.text("load/forget_quarantine"), file)
    cursor.execute(sql.text("load/forget_mended"), file | {"keys": mended})
    cursor.executemany(
        sql.text("load/quarantine"), [file | row._asdict() | {"whose": whose.get(row.row)} for row in aside]
    )


def _columns(table: SourceTable) -> composing.Composed:
    return identifiers(*(column.name for column in table.columns))
