"""A prompt with two values and a few completions, for tests of scores; inputs only.

Value 3 weighs 0.75 with three criteria (one of them also value 7's), value 7 weighs 0.25 with two.
"""

from typing import Any

import polars as pl

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES
from dft_pipeline.training.ratings import Snapshot
from tests.unit import strategies as some

ANN, BOB, EVE = (letter * 32 for letter in "abe")
PROMPT, OTHER = "weed", "abortion"
CRITERIA = {3: ["FEARS", "HOPES", "LAWS"], 7: ["LAWS", "FRIENDS"]}
WEIGHTS = {3: 0.75, 7: 0.25}
RATINGS, RANKINGS = (
    pl.Schema({name: column.dtype for name, column in SOURCE_TABLES[table].contract.columns().items()})
    for table in ("criterionRating", "completionRanking")
)


def rubric(prompt: str = PROMPT) -> list[some.Row]:
    return [
        {
            "prompt_id": prompt,
            "prompt": f"What about {prompt}?",
            "value_id": value,
            "criterion_index": index,
            "criterion": criterion,
            "weight": WEIGHTS[value] / len(criteria),
            "row_ids": [f"row {value}"],
        }
        for value, criteria in CRITERIA.items()
        for index, criterion in enumerate(criteria)
    ]


def reward_rows(prompt: str = PROMPT) -> list[some.Row]:
    """Value 3 has two rows; the one with the larger context_score · share is the second."""
    shares = [(3, 1.0, 0.5), (3, 0.9, 0.6), (7, 1.0, 0.18)]
    return [
        {
            "row_id": f"{number:032x}",
            "prompt_id": prompt,
            "value_id": value,
            "context_score": score,
            "share": share,
        }
        for number, (value, score, share) in enumerate(shares)
    ]


def completion(name: str, prompt: str = PROMPT, **changes: Any) -> some.Row:
    return {
        "completion_id": name,
        "prompt_id": prompt,
        "prompt": f"What about {prompt}?",
        "kind": "loaded",
        "text": f"The answer {name}.",
        "model": "writer-2025-01-01",
        "moderated_by": "words-1",
        "split": "train",
        "fold": 1,
        **changes,
    }


COMPLETIONS = [
    completion("c1"),
    completion("c2", text="Another."),
    completion("gone", set_aside_for="flagged: violence"),
]


def snapshot(*completions: some.Row) -> Snapshot:
    spoken = [{"participant_id": ANN, "value_id": 3, "case_id": OTHER}]
    return Snapshot(
        some.frame("completions", completions or COMPLETIONS),
        some.frame("rubric_rows", rubric()),
        some.frame("articulations", spoken),
    )


def rating(completion_id: str = "c1", **changes: Any) -> some.Row:
    return {
        "participant_id": BOB,
        "role": "participant",
        "completionId": completion_id,
        "valueId": 3,
        "criterion": "FEARS",
        "isMet": True,
        "score": 4,
        "explanation": "It asks.",
        **changes,
    }


def ratings(*rows: some.Row) -> pl.DataFrame:
    return pl.DataFrame(rows, RATINGS)


def ranking(completion_id: str, rank: int, **changes: Any) -> some.Row:
    row = {"participant_id": BOB, "role": "expert", "completionId": completion_id, "valueId": 7}
    return {**row, "rank": rank, **changes}


def rankings(*rows: some.Row) -> pl.DataFrame:
    return pl.DataFrame(rows, RANKINGS)


def score(completion_id: str, value: int, index: int, is_met: bool, **changes: Any) -> some.Row:
    """A row of `criterion_scores`, by a model unless a rater is named."""
    is_model = "rater" not in changes
    return {
        "completion_id": completion_id,
        "prompt_id": PROMPT,
        "value_id": value,
        "criterion_index": index,
        "criterion": CRITERIA.get(value, ["?"] * 9)[index],
        "rater": "judge-1",
        "rater_role": "model" if is_model else "participant",
        "is_met": is_met,
        "call_id": "0" * 64 if is_model else None,
        "self_judged": False,
        **changes,
    }


def scores(*rows: some.Row) -> pl.DataFrame:
    return TABLES["criterion_scores"].conform(some.frame("criterion_scores", rows))
