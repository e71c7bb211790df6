"""The lake without the rows of people who have withdrawn: what it held of them, and its raw files anew."""

import hashlib
import io
from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from dft_pipeline.policies import OFFLINE, SnapshotSettings
from dft_pipeline.tables import TABLES, VALUE_TEXTS
from dft_pipeline.values.articulation import WRITTEN
from dft_pipeline.values.card_texts import text
from dft_pipeline.values.withdrawal import OF_USERS, TEXTS, Gone, is_gone, names, unnamed, with_copies
from resources.extraction import SET_ASIDE
from resources.lake import Lake
from resources.problems import LakeProblem
from resources.withdrawals import CHATS, Withdrawn

RENAMED = dict(zip(TEXTS, VALUE_TEXTS, strict=True))
NO_CARDS = pl.DataFrame(schema={name: TABLES["articulated_cards"].schema[name] for name in VALUE_TEXTS})
UNREAD = "withdrawn"  # a fingerprint that no day of the source has, so that the next build reads it again


# What people wrote: their cards' texts (VALUE_TEXTS), stored or written from chats, and transcripts.
Words = tuple[pl.DataFrame, list[str]]


def raw_paths(lake: Lake) -> list[str]:
    """Every raw file that an index or a kept snapshot names."""
    named = {file["path"] for day in lake.days() for file in (lake.manifest(day) or {})["raw_files"]}
    tables = {path.split("/")[1] for path in lake.find("raw")}
    return sorted(named | {file.path for table in tables for file in lake.raw_files(table, None)})


def raw_files(lake: Lake, day: date) -> list[str]:
    """The raw files that a snapshot read."""
    return [str(file["path"]) for file in (lake.manifest(day) or {"raw_files": []})["raw_files"]]


def gone_in(lake: Lake, withdrawn: Withdrawn, paths: Iterable[str]) -> Gone:
    """Who is on the list of those whose rows raw files hold, and their chats."""
    users: set[int] = set()
    chats, cards = [CHATS.to_frame()], set()
    for path in paths:
        table = table_of(path)
        if table in OF_USERS:
            users |= withdrawn.users(_read(lake, path, [str(OF_USERS[table])]).to_series().unique())
        if table == "chat":
            chats.append(_read(lake, path, CHATS.names()))
        if table == "valuesCard":
            cards |= set(_read(lake, path, ["chatId"])["chatId"].drop_nulls())
    every = pl.concat(chats).unique()
    named = cards | set(every["id"]) | set(every["copiedFromId"].drop_nulls())
    return Gone(frozenset(users), with_copies(every, users, withdrawn.chats_of(named)))


def words_in(lake: Lake, gone: Gone, paths: Iterable[str]) -> Words:
    """What people wrote, by raw files and by the cards that were written from their chats."""
    cards, transcripts = [], []
    for path in paths:
        if table_of(path) == "valuesCard":
            rows = _read(lake, path).filter(is_gone("valuesCard", gone))
            cards.append(rows.select(TEXTS).rename(RENAMED))
        if table_of(path) == "chat":
            rows = _read(lake, path).filter(is_gone("chat", gone))
            transcripts += rows["transcript"].drop_nulls().to_list()
    for day in lake.days():
        articulated = lake.snapshot("articulated_cards", day, ["chat_id", "status", *VALUE_TEXTS])
        theirs = articulated.filter(pl.col("chat_id").is_in(list(gone.chats)), status=WRITTEN)
        cards.append(theirs.select(NO_CARDS.columns))
    return pl.concat([NO_CARDS, *cards]).unique(), sorted(set(transcripts))


def both_words(here: tuple[list[tuple[Any, ...]], list[str]], there: Words) -> Words:
    """What the database (cards as rows) and the lake have of what people wrote."""
    cards = pl.DataFrame(here[0], NO_CARDS.schema, orient="row")
    return pl.concat([cards, there[0]]).unique(), sorted({*here[1], *there[1]})


def hashes_of(lake: Lake, cards: pl.DataFrame) -> set[str]:
    """The hashes of the texts that were embedded of cards, by any kept snapshot's or the usual settings."""
    usual = {("criteria",), *(one.embedded for one in OFFLINE.values())}
    used = {_settings(lake, day).deduplication.embedded for day in lake.days()}
    said = [one for fields in usual | used for one in cards.select(text(fields)).to_series().drop_nulls()]
    return {hashlib.sha256(one.encode()).hexdigest() for one in said}


def holding(lake: Lake, gone: Gone, withdrawn: Withdrawn, days: Iterable[date]) -> list[date]:
    """Those of the days whose snapshots read rows of people who are gone."""
    read = {day: raw_files(lake, day) for day in days}
    every = sorted({path for paths in read.values() for path in paths})
    held = {path for path in every if _holds(lake, path, gone, withdrawn)}
    return [day for day, paths in read.items() if not held.isdisjoint(paths)]


def _holds(lake: Lake, path: str, gone: Gone, withdrawn: Withdrawn) -> bool:
    """Whether a raw file holds rows of people who are gone, or names them."""
    table = table_of(path)
    theirs = names(withdrawn.people) if table == SET_ASIDE else is_gone(table, gone)
    return bool(_read(lake, path).select(theirs.any()).item())


def cleaned(lake: Lake, day: date, gone: Gone, withdrawn: Withdrawn, into: Lake) -> None:
    """The raw files that a snapshot read as the current ones of another lake, without people's rows."""
    indexes: dict[str, dict[str, Any]] = {}
    for path in raw_files(lake, day):
        entry = _entry(lake, path, gone, withdrawn, into)
        if entry is not None:
            indexes.setdefault(table_of(path), {})[_day_of(path)] = entry
    for table, index in indexes.items():
        into.write_raw_index(table, index)


def clean_indexes(lake: Lake, gone: Gone, withdrawn: Withdrawn) -> int:
    """The current raw files anew, without people's rows; how many. The old bytes stay until `sweep_raw`."""
    rewritten = 0
    for table in sorted({path.split("/")[1] for path in lake.find("raw")}):
        index = lake.raw_index(table)
        found = {day: _entry(lake, entry["file"], gone, withdrawn, lake) for day, entry in index.items()}
        changed = {
            day for day, entry in found.items() if entry is None or entry["file"] != index[day]["file"]
        }
        rewritten += len(changed)
        kept = {day: entry if day in changed else index[day] for day, entry in found.items()}
        if changed:
            lake.write_raw_index(table, {day: entry for day, entry in kept.items() if entry is not None})
    return rewritten


def rows_of(lake: Lake, paths: Iterable[str], gone: Gone) -> dict[str, int]:
    """How many rows are people's, by raw table."""
    counts: dict[str, int] = {}
    for path in paths:
        if table_of(path) != SET_ASIDE:
            rows = int(_read(lake, path).select(is_gone(table_of(path), gone).sum()).item())
            counts[table_of(path)] = counts.get(table_of(path), 0) + rows
    return {table: rows for table, rows in sorted(counts.items()) if rows}


def _settings(lake: Lake, day: date) -> SnapshotSettings:
    try:
        return SnapshotSettings.model_validate((lake.manifest(day) or {})["settings"])
    except ValueError:
        raise LakeProblem(
            f"{day} was built with settings that are no longer known; to build it anew: "
            f"dft build --as-of {day} --replace"
        ) from None


def table_of(path: str) -> str:
    return path.split("/")[1]


def _day_of(path: str) -> str:
    return path.split("/")[2].removeprefix("day=")


def _read(lake: Lake, path: str, columns: list[str] | None = None) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(lake.read(path)), columns=columns)


def _entry(lake: Lake, path: str, gone: Gone, withdrawn: Withdrawn, into: Lake) -> dict[str, Any] | None:
    """The index's entry of a raw file without people's rows, which is written; None where nothing is left."""
    table, rows = table_of(path), _read(lake, path)
    kept = unnamed(rows, withdrawn.people) if table == SET_ASIDE else rows.filter(~is_gone(table, gone))
    if kept.equals(rows):
        into.write(path, lake.read(path))
        return {"file": path, "rows": len(rows), "fingerprint": UNREAD}
    if kept.is_empty() and table != SET_ASIDE:
        return None
    written = into.write_raw(table, _day_of(path), kept)
    return {"file": written, "rows": len(kept), "fingerprint": UNREAD}
