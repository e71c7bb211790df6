"""Pairs of cards that somebody has labelled as the same value or not: a file that calibration reads.

What belongs here: the file's columns, and which of its rows count. What is made of them stands in
`calibration`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import polars as pl

from dft_pipeline.raw.checking import Fault, check
from dft_pipeline.raw.reading import FORMATS, Record, RefusedFile, Unreadable, columns, records
from dft_pipeline.raw.tables import SourceColumn, SourceTable
from dft_pipeline.values.card_texts import CANONICAL, CARD
from dft_pipeline.values.judging import SAME, Card, Same

UNSURE: Same = "unsure"
UNKNOWN_CARD, WITH_ITSELF, PAIR_TWICE, SAME_TEXT = "unknown_card", "with_itself", "pair_twice", "same_text"

_KINDS = (CARD, CANONICAL)
TABLE = SourceTable(
    "labels",
    "a pair of cards, and whether they are the same value",
    ("card_kind", "card_id", "other_card_kind", "other_card_id"),
    (
        SourceColumn("card_kind", "text", "`card` (a participant's) or `canonical`", allowed=_KINDS),
        SourceColumn("card_id", "integer", "the one card"),
        SourceColumn("other_card_kind", "text", "the same of the other card", allowed=_KINDS),
        SourceColumn("other_card_id", "integer", "the other card"),
        SourceColumn("verdict", "text", "the label; `unsure` counts for nothing", allowed=get_args(Same)),
    ),
)
SCHEMA = pl.Schema(
    {"row": pl.Int64, "text_hash": pl.String, "other_text_hash": pl.String, "is_same": pl.Boolean}
)


class Aside(NamedTuple):
    """A row that does not count, by its number from 1, and the rule that it breaks."""

    row: int
    column: str | None
    rule: str
    value: str | None


class Labels(NamedTuple):
    """`pairs`, a row per pair that counts (SCHEMA); how many were read and unsure; the rows set aside."""

    file: str
    pairs: pl.DataFrame
    read: int
    unsure: int
    set_aside: Sequence[Aside]
    unknown_columns: Sequence[str]

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many rows were set aside, by rule."""
        return dict(sorted(Counter(aside.rule for aside in self.set_aside).items()))


class _Pair(NamedTuple):
    first: Card
    other: Card
    verdict: str


def read_labels(path: Path, every: pl.DataFrame) -> Labels:
    """The labelled pairs of a table file, of cards of `card_texts.all_cards`.

    Raises RefusedFile for a file that cannot be read, or that lacks a column.
    """
    if path.suffix not in FORMATS:
        raise RefusedFile(f"{path.name}: its name ends in none of {', '.join(FORMATS)}")
    found = list(records(path))
    unknown = _unknown_columns(path, found)
    counted, aside = _sorted_out(found, _hashes(every))
    sure = [(row, *hashes, pair.verdict == SAME) for row, pair, hashes in counted if pair.verdict != UNSURE]
    pairs = pl.DataFrame(sure, SCHEMA, orient="row")
    return Labels(path.name, pairs, len(found), len(counted) - len(sure), aside, unknown)


def _unknown_columns(path: Path, found: Sequence[Record]) -> list[str]:
    """The columns that are not asked for. Raises RefusedFile where one that is needed is missing."""
    seen = set(columns(path)).union(*(record for record in found if not isinstance(record, Unreadable)))
    if missing := [name for name in TABLE.by_name if name not in seen]:
        raise RefusedFile(f"{path.name}: without the column {', '.join(missing)}")
    return sorted(seen - TABLE.by_name.keys())


_Counted = tuple[int, _Pair, tuple[str, str]]


def _sorted_out(found: Sequence[Record], hashes: Mapping[Card, str]) -> tuple[list[_Counted], list[Aside]]:
    """The rows that count, with the texts of their cards, and the others."""
    counted, aside, met = [], [], set[frozenset[Card]]()
    for row, record in enumerate(found, 1):
        checked = check(TABLE, record)
        if isinstance(checked, Fault):
            aside.append(Aside(row, *checked))
            continue
        pair = _Pair(Card(*checked[:2]), Card(*checked[2:4]), checked[4])
        if fault := _fault(pair, hashes, met):
            aside.append(Aside(row, *fault))
            continue
        met.add(frozenset(pair[:2]))
        counted.append((row, pair, (hashes[pair.first], hashes[pair.other])))
    return counted, aside


def _fault(pair: _Pair, hashes: Mapping[Card, str], met: set[frozenset[Card]]) -> Fault | None:
    """Why a pair does not count; of a pair that comes twice, either way round, the first row does."""
    first, other, verdict = pair
    if first not in hashes:
        return Fault("card_id", UNKNOWN_CARD, _named(first))
    if other not in hashes:
        return Fault("other_card_id", UNKNOWN_CARD, _named(other))
    if first == other:
        return Fault("other_card_id", WITH_ITSELF, _named(other))
    if frozenset((first, other)) in met:
        return Fault("other_card_id", PAIR_TWICE, f"{_named(first)}, {_named(other)}")
    # Such cards are one value without being compared: no threshold changes what becomes of them.
    return Fault("verdict", SAME_TEXT, verdict) if hashes[first] == hashes[other] else None


def _named(card: Card) -> str:
    return f"{card.kind} {card.card_id}"


def _hashes(every: pl.DataFrame) -> dict[Card, str]:
    rows = every.select("card_kind", "card_id", "text_hash").iter_rows()
    return {Card(kind, card_id): text_hash for kind, card_id, text_hash in rows}
