"""The deliberation app's tables, as the project reads them: one declaration per table.

What belongs here: names, keys, columns and types of the source. What does not: how a file or a
database is read (`reading`, `resources`), or what the pipeline makes of a row (`values`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["integer", "text", "texts", "time", "boolean", "json"]

RELATIONSHIPS = ("upgrade", "no_upgrade", "not_sure")


@dataclass(frozen=True)
class SourceColumn:
    """A column of the app. `participant`: holds a user's id. `identifying`: never extracted."""

    name: str
    type: ColumnType
    nullable: bool = False
    identifying: bool = False
    participant: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceTable:
    """A table of the app. `optional`: a source without it is read as if it were empty.

    `evidence`: what participants did; a snapshot uses only what was created before the end of its day.
    The other tables are for reference and are taken as they are.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[SourceColumn, ...]
    optional: bool = False
    evidence: bool = False

    @property
    def relation(self) -> str:
        """The table's name in PostgreSQL, e.g. `ValuesCard`."""
        return self.name[0].upper() + self.name[1:]

    @property
    def by_name(self) -> Mapping[str, SourceColumn]:
        return {column.name: column for column in self.columns}

    @property
    def extracted(self) -> tuple[SourceColumn, ...]:
        """The columns that may leave the source."""
        return tuple(column for column in self.columns if not column.identifying)

    @property
    def is_dated(self) -> bool:
        """Whether rows say when they were created, so that the lake keeps them by day."""
        return "createdAt" in self.by_name

    @property
    def is_versioned(self) -> bool:
        """Whether rows say when they were last changed, so that the newer one can win."""
        return "updatedAt" in self.by_name


def _integer(name: str, nullable: bool = False) -> SourceColumn:
    return SourceColumn(name, "integer", nullable)


def _text(name: str, nullable: bool = False) -> SourceColumn:
    return SourceColumn(name, "text", nullable)


_USER_ID = SourceColumn("userId", "integer", participant=True)
_TIMES = (SourceColumn("createdAt", "time"), SourceColumn("updatedAt", "time"))
_CARD = (
    _text("title"),
    _text("instructionsShort"),
    _text("instructionsDetailed"),
    SourceColumn("evaluationCriteria", "texts"),
)

_TABLES = (
    SourceTable(
        "user",
        "a participant",
        ("id",),
        (
            SourceColumn("id", "integer", participant=True),
            SourceColumn("email", "text", nullable=True, identifying=True),
            SourceColumn("name", "text", nullable=True, identifying=True),
            *_TIMES,
            SourceColumn("role", "texts", nullable=True),
            SourceColumn("isAdmin", "boolean", nullable=True),
            _text("signupType", nullable=True),
            SourceColumn("prolificId", "text", nullable=True, identifying=True),
            _integer("batch", nullable=True),
        ),
    ),
    SourceTable(
        "demographic",
        "one participant's self-reported background",
        ("id",),
        (
            _integer("id"),
            _USER_ID,
            _text("usPoliticalAffiliation", nullable=True),
            _integer("age", nullable=True),
            _text("sex", nullable=True),
        ),
        optional=True,
    ),
    SourceTable(
        "case",
        "a contentious question put to the chatbot",
        ("id",),
        (_text("id"), _text("title"), _text("question"), _text("seedMessage", nullable=True)),
    ),
    SourceTable("context", 'a "When ..." string', ("id",), (_text("id"),)),
    SourceTable(
        "contextsOnCases",
        "a context that belongs to a case",
        ("contextId", "caseId"),
        (_text("contextId"), _text("caseId"), *_TIMES),
    ),
    SourceTable(
        "chat",
        "a transcript in which a participant articulates a value for one case",
        ("id",),
        (
            _text("id"),
            _USER_ID,
            _text("caseId"),
            SourceColumn("transcript", "json"),
            _text("copiedFromId", nullable=True),
            *_TIMES,
        ),
        optional=True,
        evidence=True,
    ),
    SourceTable(
        "valuesCard",
        "a values card that one participant articulated in one chat",
        ("id",),
        (
            _integer("id"),
            *_CARD,
            *_TIMES,
            _integer("canonicalCardId", nullable=True),
            _text("chatId", nullable=True),
            _text("quality", nullable=True),
        ),
        evidence=True,
    ),
    SourceTable(
        "canonicalValuesCard",
        "a card that the app made stand for all cards with the same meaning",
        ("id",),
        (_integer("id"), *_CARD, *_TIMES),
    ),
    SourceTable(
        "deduplicatedCard",
        "a canonical card of one generation of the app's background deduplication",
        ("id",),
        (_integer("id"), _integer("generation"), *_CARD, *_TIMES),
        optional=True,
    ),
    SourceTable(
        "deduplication",
        "a card's deduplicated card in one generation",
        ("valuesCardId", "deduplicatedCardId", "generation"),
        (
            _integer("valuesCardId"),
            _integer("deduplicatedCardId"),
            _integer("generation"),
            *_TIMES,
        ),
        optional=True,
    ),
    SourceTable(
        "impression",
        "a value shown to a participant in a draw",
        ("id",),
        (_integer("id"), _USER_ID, _text("drawId"), _integer("valuesCardId"), _text("caseId"), *_TIMES),
        evidence=True,
    ),
    SourceTable(
        "vote",
        "a value that a participant marked as wise in a draw",
        ("id",),
        (_integer("id"), _USER_ID, _integer("valuesCardId"), _text("caseId"), *_TIMES, _text("drawId")),
        evidence=True,
    ),
    SourceTable(
        "edgeHypothesis",
        "a proposed upgrade from one value to a wiser one in a context",
        ("fromId", "toId"),
        (
            _integer("fromId"),
            _integer("toId"),
            _text("story"),
            _text("contextId"),
            *_TIMES,
            _text("runId", nullable=True),
        ),
        optional=True,
    ),
    SourceTable(
        "edge",
        "one participant's judgment of one proposed upgrade",
        ("userId", "fromId", "toId"),
        (
            _USER_ID,
            _integer("fromId"),
            _integer("toId"),
            _text("story", nullable=True),
            _text("contextId"),
            _text("runId", nullable=True),
            SourceColumn("relationship", "text", allowed=RELATIONSHIPS),
            _text("comment", nullable=True),
            *_TIMES,
        ),
        evidence=True,
    ),
)

SOURCE_TABLES: Mapping[str, SourceTable] = {table.name: table for table in _TABLES}
