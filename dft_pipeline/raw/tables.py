"""The deliberation app's tables, and the project's own, as it reads them: one declaration per table.

What belongs here: names, keys, columns, types, ranges, references and meaning of the source. What does not:
how a file or a database is read (`reading`, `resources`), or what the pipeline makes of a row (`values`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

import dataframely as dy
import polars as pl

from dft_pipeline.contracts import RowRule, contract

ColumnType = Literal["integer", "text", "texts", "time", "boolean", "json"]

RELATIONSHIPS = ("upgrade", "no_upgrade", "not_sure")
FEWEST_CRITERIA, MOST_CRITERIA = 2, 10
AUTHOR, EXPERT = "author", "expert"
RATER_ROLES = (AUTHOR, "participant", EXPERT)
NOT_AT_ALL, FULLY = 1, 5  # how well a completion meets a criterion
# A clock outside of this stood still or ran away.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
PARTICIPANT = "participant_id"
TURN_MARK = "#"  # between the id of a conversation and the number of a turn
# What is known of somebody's age outside of the source, by the age below which one is in the band.
AGE_BANDS = {18: "under 18", 30: "18–29", 45: "30–44", 60: "45–59", 131: "60+"}
OUT_OF_BANDS = "out of range"


@dataclass(frozen=True)
class SourceColumn:
    """A column of the app. `participant`: holds a user's id. `identifying`: never extracted.

    `references` is the table whose key it should name; `low` and `high` bound an integer, both included.
    `bands`: only the name of the band that it is in is extracted; by the number below which the band ends.
    """

    name: str
    type: ColumnType
    meaning: str
    nullable: bool = False
    identifying: bool = False
    participant: bool = False
    allowed: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    references: str | None = None
    bands: Mapping[int, str] | None = None

    @property
    def lake_type(self) -> ColumnType:
        """Its type once it has left the source."""
        return "text" if self.bands else self.type

    @property
    def is_withheld(self) -> bool:
        """Whether its values, as the source has them, could tell who somebody is."""
        return self.identifying or self.participant or self.bands is not None

    @property
    def pseudonymous(self) -> str:
        """Its name past the raw tables, where participants are pseudonyms."""
        return PARTICIPANT if self.participant else self.name

    @property
    def stored(self) -> dy.Column:
        """Its type and meaning in the lake's raw table."""
        said: dict[str, Any] = {"nullable": self.nullable, "description": self.meaning}
        match self.lake_type:
            case "integer":
                return dy.Int64(**said)
            case "texts":
                return dy.List(dy.String(), **said)
            case "time":
                return dy.Datetime(time_zone="UTC", time_unit="us", **said)
            case "boolean":
                return dy.Bool(**said)
            case "text" | "json":
                return dy.String(**said)

    @property
    def promised(self) -> dy.Column:
        """What each of its values holds to, past the raw tables."""
        null = self.nullable
        if self.participant:
            return dy.String(nullable=null)
        if names := (*self.allowed, *(self.bands or {}).values()):
            return dy.String(nullable=null, regex=f"^({'|'.join(map(re.escape, names))})$")
        match self.type:
            case "integer":
                return dy.Int64(nullable=null, min=self.low, max=self.high)
            case "texts":
                return dy.List(dy.String(), nullable=null)
            case "time":
                return dy.Datetime(nullable=null, min=EARLIEST, max=LATEST, time_zone="UTC", time_unit="us")
            case "boolean":
                return dy.Bool(nullable=null)
            case "text" | "json":
                return dy.String(nullable=null)


@dataclass(frozen=True)
class SourceTable:
    """A table of the app. `optional`: a source without it is read as if it were empty.

    `own`: not the app's but the project's; it lives in the project's database, wherever the app's is.
    `named_by_content`: a row of a file that has no ids is named by a hash of what it says.

    `evidence`: what participants did; a snapshot uses only what was created before the end of its day.
    The other tables are for reference and are taken as they are.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[SourceColumn, ...]
    optional: bool = False
    evidence: bool = False
    own: bool = False
    named_by_content: bool = False

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
    def in_lake(self) -> Mapping[str, dy.Column]:
        """The columns of the raw table in the lake, participants under the app's ids, with their meaning."""
        return {column.name: column.stored for column in self.extracted}

    @property
    def is_dated(self) -> bool:
        """Whether rows say when they were created, so that the lake keeps them by day."""
        return "createdAt" in self.by_name

    @property
    def is_versioned(self) -> bool:
        """Whether rows say when they were last changed, so that the newer one can win."""
        return "updatedAt" in self.by_name

    @property
    def participant_column(self) -> str | None:
        """The column that says whose row it is."""
        return next((column.name for column in self.columns if column.participant), None)

    @property
    def pseudonymous_key(self) -> tuple[str, ...]:
        return tuple(self.by_name[name].pseudonymous for name in self.key)

    @property
    def checked(self) -> tuple[SourceColumn, ...]:
        """The columns that rows are admitted by: all but the app's JSON, which whoever reads it checks."""
        return tuple(column for column in self.extracted if self.own or column.type != "json")

    @property
    def rules(self) -> tuple[RowRule, ...]:
        """The promises about more than the value of one column."""
        times = (IN_ORDER,) if self.is_dated and self.is_versioned else ()
        of_cards = CARD_RULES if "evaluationCriteria" in self.by_name else ()
        return (*times, *of_cards, *OWN_RULES.get(self.name, ()))

    @cached_property
    def contract(self) -> type[dy.Schema]:
        """What every row in the lake holds to, participants under pseudonyms."""
        columns = {column.pseudonymous: column.promised for column in self.checked}
        return contract(self.name, columns, self.rules)


IN_ORDER = RowRule("times_out_of_order", "updatedAt", pl.col("updatedAt") >= pl.col("createdAt"))
_CRITERIA = pl.col("evaluationCriteria")
CARD_RULES = (
    RowRule(
        "criteria_count",
        "evaluationCriteria",
        _CRITERIA.list.len().is_between(FEWEST_CRITERIA, MOST_CRITERIA),
    ),
    RowRule(
        "blank_criterion",
        "evaluationCriteria",
        (_CRITERIA.list.eval(pl.element().str.strip_chars() == "").list.any()).not_(),
    ),
)


_TEXT_OR_MESSAGES = RowRule(
    "text_or_messages", "text", pl.col("text").is_null() != pl.col("messages").is_null()
)
# Fully met and yet not, or not at all and yet met: nobody can say which of the two was meant.
NO_CONTRADICTION = RowRule(
    "contradictory_score",
    "score",
    ~pl.when("isMet").then(pl.col("score") == NOT_AT_ALL).otherwise(pl.col("score") == FULLY),
)
OWN_RULES: Mapping[str, tuple[RowRule, ...]] = {
    "furtherPrompt": (
        _TEXT_OR_MESSAGES,
        RowRule("hash_in_id", "id", ~pl.col("id").str.contains(TURN_MARK, literal=True)),
    ),
    "completion": (
        _TEXT_OR_MESSAGES,
        RowRule("id_or_prompt", "promptId", pl.col("promptId").is_null() != pl.col("prompt").is_null()),
    ),
    "criterionRating": (NO_CONTRADICTION,),
}


def _integer(
    name: str, meaning: str, nullable: bool = False, low: int | None = None, high: int | None = None
) -> SourceColumn:
    return SourceColumn(name, "integer", meaning, nullable, low=low, high=high)


def _text(name: str, meaning: str, nullable: bool = False, allowed: tuple[str, ...] = ()) -> SourceColumn:
    return SourceColumn(name, "text", meaning, nullable, allowed=allowed)


def _identifying(name: str, meaning: str) -> SourceColumn:
    return SourceColumn(name, "text", meaning, nullable=True, identifying=True)


def _number_of(table: str, name: str, meaning: str, nullable: bool = False) -> SourceColumn:
    return SourceColumn(name, "integer", meaning, nullable, references=table)


def _name_of(table: str, name: str, meaning: str, nullable: bool = False) -> SourceColumn:
    return SourceColumn(name, "text", meaning, nullable, references=table)


_USER_ID = SourceColumn("userId", "integer", "the participant", participant=True, references="user")
_TIMES = (
    SourceColumn("createdAt", "time", "when the row was made, UTC"),
    SourceColumn("updatedAt", "time", "when it was last changed, UTC"),
)
_CARD = (
    _text("title", "the card's name"),
    _text("instructionsShort", "what the chatbot should do, in a sentence"),
    _text("instructionsDetailed", "what the chatbot should do, in full"),
    SourceColumn("evaluationCriteria", "texts", "things to attend to, 2 to 10 phrases, in the card's order"),
)
_CASE = _name_of("case", "caseId", "the case")
_CONTEXT = _name_of("context", "contextId", 'the "When ..." string')
_FROM = _number_of("canonicalValuesCard", "fromId", "the value that one moves from")
_TO = _number_of("canonicalValuesCard", "toId", "the value that is proposed as wiser")
_SHOWN = _number_of("canonicalValuesCard", "valuesCardId", "the value, by its canonical card")

# Not in the table of users: an expert may be none of the app's.
_RATED = (
    SourceColumn(
        "userId",
        "integer",
        "who rated: a participant; an expert has a number below 0 of the team's own",
        participant=True,
    ),
    _text(
        "role",
        "as whom: the `author` of a card that became the value, another `participant`, or an `expert`",
        allowed=RATER_ROLES,
    ),
    _text("completionId", "the completion: a loaded one's id, or one of `completions`"),
    _integer("valueId", "the value, as in `rubric_rows`"),
)

_TABLES = (
    SourceTable(
        "user",
        "a participant",
        ("id",),
        (
            SourceColumn("id", "integer", "the participant", participant=True),
            _identifying("email", "e-mail address"),
            _identifying("name", "the person's name"),
            *_TIMES,
            SourceColumn("role", "texts", "what the app lets them do", nullable=True),
            SourceColumn("isAdmin", "boolean", "whether they run the app", nullable=True),
            _text("signupType", "how they were recruited, e.g. `PROLIFIC` or `EMAIL`", nullable=True),
            _identifying("prolificId", "the recruiting platform's id"),
            _integer("batch", "the recruitment batch", nullable=True),
        ),
    ),
    SourceTable(
        "demographic",
        "one participant's self-reported background",
        ("id",),
        (
            _integer("id", "the row"),
            _USER_ID,
            _text("usPoliticalAffiliation", "political affiliation, as reported", nullable=True),
            SourceColumn("age", "integer", "age in years", True, low=0, high=130, bands=AGE_BANDS),
            _text("sex", "sex, as reported", nullable=True),
        ),
        optional=True,
    ),
    SourceTable(
        "case",
        "a contentious question put to the chatbot",
        ("id",),
        (
            _text("id", "the case"),
            _text("title", "its name"),
            _text("question", "what the user asks"),
            _text("seedMessage", "the chatbot's opening message", nullable=True),
        ),
    ),
    SourceTable("context", 'a "When ..." string', ("id",), (_text("id", "the string itself"),)),
    SourceTable(
        "contextsOnCases",
        "a context that belongs to a case",
        ("contextId", "caseId"),
        (_CONTEXT, _CASE, *_TIMES),
    ),
    SourceTable(
        "chat",
        "a transcript in which a participant articulates a value for one case",
        ("id",),
        (
            _text("id", "the chat"),
            _USER_ID,
            _CASE,
            SourceColumn("transcript", "json", "the messages, oldest first"),
            _text("copiedFromId", "the chat that it is a copy of; a copy never counts", nullable=True),
            *_TIMES,
            SourceColumn("evaluation", "json", "the app's evaluation of the dialogue", nullable=True),
        ),
        optional=True,
        evidence=True,
    ),
    SourceTable(
        "canonicalValuesCard",
        "a card that the app made stand for all cards with the same meaning",
        ("id",),
        (_integer("id", "the card, and under `given` deduplication the value"), *_CARD, *_TIMES),
    ),
    SourceTable(
        "valuesCard",
        "a values card that one participant articulated in one chat",
        ("id",),
        (
            _integer("id", "the card"),
            *_CARD,
            *_TIMES,
            _number_of(
                "canonicalValuesCard",
                "canonicalCardId",
                "the canonical card that the app merged it into; null where it has not yet",
                nullable=True,
            ),
            _name_of("chat", "chatId", "the chat that it was articulated in", nullable=True),
            _text("quality", "the app's verdict, e.g. `ok` or `invalid`", nullable=True),
        ),
        evidence=True,
    ),
    SourceTable(
        "deduplicatedCard",
        "a canonical card of one generation of the app's background deduplication",
        ("id",),
        (
            _integer("id", "the card"),
            _integer("generation", "the run of the background deduplication"),
            *_CARD,
            *_TIMES,
        ),
        optional=True,
    ),
    SourceTable(
        "deduplication",
        "a card's deduplicated card in one generation",
        ("valuesCardId", "deduplicatedCardId", "generation"),
        (
            _number_of("valuesCard", "valuesCardId", "the participant's card"),
            _number_of("deduplicatedCard", "deduplicatedCardId", "what it became"),
            _integer("generation", "the run of the background deduplication"),
            *_TIMES,
        ),
        optional=True,
    ),
    SourceTable(
        "deduplicationVerification",
        "a participant's verdict on whether two cards mean the same value",
        ("id",),
        (
            _integer("id", "the row"),
            _USER_ID,
            _number_of("valuesCard", "valuesCardId", "the one card"),
            _number_of("valuesCard", "otherValuesCardId", "the other card"),
            _text("verdict", "the answer", allowed=("same", "different", "unsure")),
            *_TIMES,
        ),
        optional=True,
        evidence=True,
    ),
    SourceTable(
        "impression",
        "a value shown to a participant in a draw",
        ("id",),
        (
            _integer("id", "the row"),
            _USER_ID,
            _text("drawId", "the draw: what was shown together"),
            _SHOWN,
            _CASE,
            *_TIMES,
        ),
        evidence=True,
    ),
    SourceTable(
        "vote",
        "a value that a participant marked as wise in a draw",
        ("id",),
        (
            _integer("id", "the row"),
            _USER_ID,
            _SHOWN,
            _CASE,
            *_TIMES,
            _text("drawId", "the draw that it was picked from"),
        ),
        evidence=True,
    ),
    SourceTable(
        "edgeHypothesis",
        "a proposed upgrade from one value to a wiser one in a context",
        ("fromId", "toId"),
        (
            _FROM,
            _TO,
            _text("story", "the first-person story that is shown with it"),
            _CONTEXT,
            *_TIMES,
            _text("runId", "the run that proposed it", nullable=True),
        ),
        optional=True,
    ),
    SourceTable(
        "edge",
        "one participant's judgment of one proposed upgrade",
        ("userId", "fromId", "toId"),
        (
            _USER_ID,
            _FROM,
            _TO,
            _text("story", "the story that was shown", nullable=True),
            _CONTEXT,
            _text("runId", "the run that proposed the upgrade", nullable=True),
            _text("relationship", "the answer", allowed=RELATIONSHIPS),
            _text("comment", "what the participant added", nullable=True),
            *_TIMES,
        ),
        evidence=True,
    ),
    SourceTable(
        "graphPositionVerification",
        "a participant's verdict on where a value stands in the graph",
        ("id",),
        (
            _integer("id", "the row"),
            _USER_ID,
            _FROM,
            _TO,
            _text("verdict", "the answer", allowed=("agree", "disagree", "unsure")),
            _text("comment", "what the participant added", nullable=True),
            *_TIMES,
        ),
        optional=True,
        evidence=True,
    ),
    SourceTable(
        "survey_answers",
        "a participant's answer to one question of the closing survey",
        ("userId", "question"),
        (
            _USER_ID,
            _text("question", "the question, word for word"),
            _integer("answer", "agreement, from 1 (not at all) to 5 (fully)", nullable=True, low=1, high=5),
            _text("text", "what the participant wrote", nullable=True),
        ),
        optional=True,
    ),
    SourceTable(
        "furtherPrompt",
        "a prompt, or a conversation, that training rows are wanted for beside those of the cases",
        ("id",),
        (
            _text("id", "the prompt or conversation: no case's id, and without `#`"),
            _text("text", "what the user asks; null where there are messages", nullable=True),
            SourceColumn(
                "messages",
                "json",
                "instead of a text: the messages, oldest first, each with `role` and `content`",
                nullable=True,
            ),
            _text("source", "where it comes from", nullable=True),
        ),
        optional=True,
        own=True,
    ),
    SourceTable(
        "contextLabel",
        "somebody's yes or no to whether a context applies to a further prompt",
        ("id",),
        (
            _text("id", "the label"),
            _name_of("furtherPrompt", "promptId", "the prompt or conversation"),
            SourceColumn(
                "turnIndex",
                "integer",
                "the user turn of a conversation, from 0; null for the first, or for a text",
                nullable=True,
                low=0,
            ),
            _CONTEXT,
            SourceColumn(
                "userId",
                "integer",
                "who labelled; null for somebody who is no participant",
                nullable=True,
                participant=True,
                references="user",
            ),
            SourceColumn("applies", "boolean", "whether the context applies"),
        ),
        optional=True,
        own=True,
    ),
    SourceTable(
        "completion",
        "an answer to a prompt, written by some model or person, that is to be scored",
        ("id",),
        (
            _text(
                "id",
                "the completion; of a file without ids the first 32 hex digits of the SHA-256 of what the "
                "row says",
            ),
            _text(
                "promptId",
                "the prompt: a case's id, a further prompt's, or a turn's such as `a#2`; null where `prompt` "
                "says it",
                nullable=True,
            ),
            _text(
                "prompt",
                "instead of an id: the prompt's text, letter for letter as the case or further prompt has it",
                nullable=True,
            ),
            _text("text", "the answer; null where there are messages", nullable=True),
            SourceColumn(
                "messages",
                "json",
                "instead of a text: the messages, oldest first, each with `role` and `content`; the last is "
                "the assistant's, and is the answer",
                nullable=True,
            ),
            _text("model", "who wrote it: a model's name; null where it is not known", nullable=True),
            _text("source", "where it comes from", nullable=True),
            SourceColumn(
                "isSynthetic",
                "boolean",
                "whether a model wrote it; null where it is not known",
                nullable=True,
            ),
        ),
        optional=True,
        own=True,
        named_by_content=True,
    ),
    SourceTable(
        "criterionRating",
        "somebody's yes or no to whether a completion meets a criterion of a value",
        ("userId", "completionId", "valueId", "criterion"),
        (
            *_RATED,
            _text("criterion", "the criterion, word for word"),
            SourceColumn("isMet", "boolean", "whether the completion meets it"),
            _integer("score", "how well, from 1 (not at all) to 5 (fully)", True, NOT_AT_ALL, FULLY),
            _text("explanation", "why, in the rater's words", nullable=True),
        ),
        optional=True,
        own=True,
    ),
    SourceTable(
        "completionRanking",
        "the place that somebody gave a completion among others for the same prompt, by a value",
        ("userId", "completionId", "valueId"),
        (*_RATED, _integer("rank", "1 is the best; equal numbers are ties", low=1)),
        optional=True,
        own=True,
    ),
)

SOURCE_TABLES: Mapping[str, SourceTable] = {table.name: table for table in _TABLES}
APP_TABLES = tuple(table for table in _TABLES if not table.own)
OWN_TABLES = tuple(table for table in _TABLES if table.own)
