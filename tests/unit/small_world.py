"""A deliberation of two people, small enough to read: one good row, or a few, in every source table."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from dft_pipeline.raw.tables import SOURCE_TABLES, SourceTable

Row = dict[str, Any]

ANN, BOB, CAT = "a" * 32, "b" * 32, "c" * 32
NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
NAMED = range(100, 140)
TIMES: Row = {"createdAt": NOON, "updatedAt": NOON}
CARD: Row = {
    "title": "Calm First",
    "instructionsShort": "Be calm.",
    "instructionsDetailed": "Be calm, then speak.",
    "evaluationCriteria": ["MOMENTS of calm in the user", "WORDS that slow things down"],
    **TIMES,
}
SHOWN: Row = {"participant_id": ANN, "drawId": "d1", "valuesCardId": 1, "caseId": "abortion", **TIMES}
VERDICT: Row = {"participant_id": ANN, "fromId": 1, "toId": 2, "verdict": "agree", "comment": None, **TIMES}

ROWS: Mapping[str, list[Row]] = {
    "user": [
        {
            "participant_id": who,
            "role": ["USER"],
            "isAdmin": False,
            "signupType": "EMAIL",
            "batch": 1,
            **TIMES,
        }
        for who in (ANN, BOB)
    ],
    "demographic": [
        {
            "id": 1,
            "participant_id": ANN,
            "usPoliticalAffiliation": "Democrat",
            "age": "30–44",
            "sex": "Female",
        }
    ],
    "case": [
        {"id": name, "title": name, "question": f"What about {name}?", "seedMessage": None}
        for name in ("abortion", "weed")
    ],
    "context": [{"id": "When in distress"}],
    "contextsOnCases": [{"contextId": "When in distress", "caseId": "abortion", **TIMES}],
    "chat": [{"id": "c1", "participant_id": ANN, "caseId": "abortion", "copiedFromId": None, **TIMES}],
    "canonicalValuesCard": [{"id": number, **CARD} for number in (1, 2, 3)],
    "valuesCard": [{"id": 1, **CARD, "canonicalCardId": 1, "chatId": "c1", "quality": "ok"}],
    "deduplicatedCard": [{"id": 1, "generation": 1, **CARD}],
    "deduplication": [{"valuesCardId": 1, "deduplicatedCardId": 1, "generation": 1, **TIMES}],
    "deduplicationVerification": [
        {
            "id": 1,
            "participant_id": ANN,
            "valuesCardId": 1,
            "otherValuesCardId": 1,
            "verdict": "same",
            **TIMES,
        }
    ],
    "impression": [{"id": 1, **SHOWN}],
    "vote": [{"id": 1, **SHOWN}],
    "edgeHypothesis": [
        {
            "fromId": 1,
            "toId": 2,
            "story": "I was calm.",
            "contextId": "When in distress",
            "runId": None,
            **TIMES,
        }
    ],
    "edge": [
        {
            "participant_id": ANN,
            "fromId": 1,
            "toId": 2,
            "story": None,
            "contextId": "When in distress",
            "runId": None,
            "relationship": "upgrade",
            "comment": None,
            **TIMES,
        }
    ],
    "graphPositionVerification": [{"id": 1, **VERDICT}],
    "furtherPrompt": [{"id": "p1", "text": "May I lie?", "messages": None, "source": None}],
    "contextLabel": [
        {
            "id": "l1",
            "promptId": "p1",
            "turnIndex": None,
            "contextId": "When in distress",
            "participant_id": ANN,
            "applies": True,
        }
    ],
    "completion": [
        {
            "id": "c1",
            "promptId": "p1",
            "prompt": None,
            "text": "No.",
            "messages": None,
            "model": "some-model",
            "source": None,
            "isSynthetic": True,
        }
    ],
    "criterionRating": [
        {
            "participant_id": ANN,
            "role": "participant",
            "completionId": "c1",
            "valueId": 1,
            "criterion": "FEARS",
            "isMet": True,
            "score": 4,
            "explanation": None,
        }
    ],
    "completionRanking": [
        {"participant_id": ANN, "role": "expert", "completionId": "c1", "valueId": 1, "rank": 1}
    ],
    "survey_answers": [{"participant_id": ANN, "question": "Was it fair?", "answer": 4, "text": None}],
}


def fresh(name: str, number: int) -> Row:
    """What gives the table's row a key of its own, by a number from 100 on; all that it names is there."""
    match name:
        case "user" | "edge" | "survey_answers":
            return {"participant_id": f"{number:032x}"}
        case "contextsOnCases":
            return {"contextId": f"When {number}"}
        case "edgeHypothesis":
            return {"toId": number}
        case "criterionRating" | "completionRanking":
            return {"completionId": f"completion {number}"}
        case "furtherPrompt":
            return {"id": f"prompt {number}"}
        case "deduplication":
            return {"generation": number}
        case _:
            is_text = SOURCE_TABLES[name].by_name["id"].type == "text"
            return {"id": f"When {number}" if is_text else number}


def world(**more: list[Row]) -> dict[str, pl.DataFrame]:
    """The source tables with further rows, participants under pseudonyms.

    There are contexts and canonical cards that fresh rows of other tables may name.
    """
    named = {
        "context": [{"id": f"When {number}"} for number in NAMED],
        "canonicalValuesCard": [{"id": number, **CARD} for number in NAMED],
    }
    return {
        name: pl.DataFrame([*ROWS[name], *more.get(name, named.get(name, []))], schema=_schema(table))
        for name, table in SOURCE_TABLES.items()
    }


def _schema(table: SourceTable) -> pl.Schema:
    return pl.Schema({name: column.dtype for name, column in table.contract.columns().items()})


def another(name: str, number: int = 100, **changes: object) -> Row:
    """The table's last row again, under a key of its own and with something changed."""
    return {**ROWS[name][-1], **fresh(name, number), **changes}


def key_of(name: str, row: Row) -> Row:
    return {column: row[column] for column in SOURCE_TABLES[name].pseudonymous_key}
