"""Tables of a snapshot as they are exported from: three prompts, few enough values and pairs to read."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from dft_pipeline.dataset.rows import rubric_rows
from dft_pipeline.formats.formats import made
from dft_pipeline.formats.making import Asked, Snapshot, jsonl
from dft_pipeline.formats.names import DatasetFormat
from dft_pipeline.policies import Filters, SnapshotSettings, Training
from dft_pipeline.tables import TABLES
from resources.lake import parquet

EXAMPLES = Path(__file__).parents[2] / "docs" / "formats"

DAY = "2024-01-14"
CALM, FACTS, SPEED = 1, 2, 3
VALUES = {
    CALM: ("Calm First", "Slow things down before anything else.", ["SIGNS of panic", "WORDS that calm"]),
    FACTS: ("Plain Facts", "Say what is known, and what is not.", ["CLAIMS that can be checked"]),
    SPEED: ("Quick Answers", "Answer at once.", ["QUESTIONS with one answer"]),
}
PROMPTS = {
    "abortion": ("I am pregnant and scared. What should I do?", "train"),
    "weed": ("Is it safe for me to smoke weed?", "train"),
    "tea": ("Is green tea “healthy”?", "test"),
}
DISTRESS = "When in distress"

Row = dict[str, Any]


def row_id(number: int) -> str:
    return f"{number:032x}"


def _value(value_id: int) -> Row:
    title, instructions, criteria = VALUES[value_id]
    return {
        "value_id": value_id,
        "value_title": title,
        "value_instructions": instructions,
        "criteria": criteria,
    }


def reward_row(number: int, prompt_id: str, value_id: int, context_id: str | None, **told: Any) -> Row:
    prompt, split = PROMPTS[prompt_id]
    return {
        "row_id": row_id(number),
        "prompt_id": prompt_id,
        "prompt": prompt,
        "turn_index": None,
        "case_id": prompt_id,
        "context_id": context_id,
        "context_score": 1.0,
        **_value(value_id),
        "support": 6,
        "share": 0.6,
        "reach": 0.3,
        "h": 1,
        "policy": "default",
        "edge_ids": [],
        "split": split,
        "row_hash": "0" * 64,
        "fold": 0,
        "is_contested": False,
        "row_survival": 0.95,
        "edge_survival": None,
        "edge_q_base": None,
        "value_split": "train",
        **told,
    }


ROWS = [
    reward_row(1, "abortion", CALM, DISTRESS, edge_ids=[f"context:{DISTRESS}|3|1"], edge_q_base=0.05),
    reward_row(2, "abortion", FACTS, None, share=0.4, row_survival=0.5),
    reward_row(3, "weed", FACTS, None),
    reward_row(4, "tea", FACTS, None),
]
CONTEXTS = [
    ("abortion", DISTRESS, True),
    ("abortion", "When joking", False),
    ("weed", "When curious", None),
]


def completion(completion_id: str, prompt_id: str, text: str, **told: Any) -> Row:
    prompt, split = PROMPTS[prompt_id]
    return {
        "completion_id": completion_id,
        "prompt_id": prompt_id,
        "prompt": prompt,
        "kind": "loaded",
        "text": text,
        "marked_text": None,
        "row_id": None,
        "value_id": None,
        "edge_id": None,
        "revises_id": None,
        "critique": None,
        "model": None,
        "parameters": None,
        "prompt_version": None,
        "source": None,
        "is_synthetic": None,
        "moderated_by": "words-1",
        "set_aside_for": None,
        "split": split,
        "fold": 0,
        **told,
    }


TEXTS = {
    "calm": ("abortion", "Take a breath. You are not alone, and there is time."),
    "curt": ("abortion", "Go to a clinic."),
    "facts": ("weed", "It is not harmless: here is what is known."),
    "quick": ("weed", "Yes."),
    "tea": ("tea", "There is little evidence either way."),
    "ad": ("tea", "Buy our tea!"),
}
COMPLETIONS = [completion(name, prompt_id, text) for name, (prompt_id, text) in TEXTS.items()]
COMPLETIONS[0] |= {"kind": "guided", "row_id": row_id(1), "value_id": CALM, "is_synthetic": True}
COMPLETIONS.append(completion("rude", "tea", "No, you fool.", set_aside_for="flagged: insult"))


def score(completion_id: str, value_id: int, executed: float, weight: float, reward: float) -> Row:
    prompt_id = TEXTS[completion_id][0]
    rows = [row for row in ROWS if (row["prompt_id"], row["value_id"]) == (prompt_id, value_id)]
    criteria = len(VALUES[value_id][2])
    return {
        "completion_id": completion_id,
        "prompt_id": prompt_id,
        "value_id": value_id,
        "weight": weight,
        "share": rows[0]["share"],
        "context_score": 1.0,
        "criteria": criteria,
        "criteria_scored": criteria,
        "criteria_met": executed * criteria,
        "executed": executed,
        "scored_by": "people",
        "reward": reward,
        "row_ids": [row["row_id"] for row in rows],
        "split": PROMPTS[prompt_id][1],
        "fold": 0,
    }


# Of the prompt abortion, CALM weighs 0.6 / (0.6 + 0.4) and FACTS 0.4 / (0.6 + 0.4).
SCORES = [
    score("calm", CALM, 1.0, 0.6, 0.8),
    score("calm", FACTS, 0.5, 0.4, 0.8),
    score("curt", CALM, 0.0, 0.6, 0.4),
    score("curt", FACTS, 1.0, 0.4, 0.4),
    score("facts", FACTS, 1.0, 1.0, 1.0),
    score("quick", FACTS, 0.0, 1.0, 0.0),
    score("tea", FACTS, 1.0, 1.0, 1.0),
    score("ad", FACTS, 0.0, 1.0, 0.0),
]
# What people said, by completion, value and criterion; two of them where there are two answers.
SAID = {
    ("calm", CALM): ("y", "y"),
    ("calm", FACTS): ("yn",),
    ("curt", CALM): ("n", "n"),
    ("curt", FACTS): ("y",),
    ("facts", FACTS): ("y",),
    ("quick", FACTS): ("n",),
    ("tea", FACTS): ("y",),
    ("ad", FACTS): ("n",),
}


def criterion_scores() -> list[Row]:
    """The rows of SAID, and one of a model, which counts for nothing beside people's."""
    rows = [
        _said(*of, index, answer == "y", str(rater) * 32, "participant")
        for of, answers in SAID.items()
        for index, both in enumerate(answers)
        for rater, answer in enumerate(both, 1)
    ]
    return [*rows, _said("calm", CALM, 0, False, "judge-1", "model")]


def _said(completion_id: str, value_id: int, index: int, is_met: bool, rater: str, role: str) -> Row:
    return {
        "completion_id": completion_id,
        "prompt_id": TEXTS[completion_id][0],
        "value_id": value_id,
        "criterion_index": index,
        "criterion": VALUES[value_id][2][index],
        "rater": rater,
        "rater_role": role,
        "is_met": is_met,
        "score": None,
        "explanation": None,
        "prompt_version": "judge_criteria-1" if role == "model" else None,
        "call_id": "c" * 64 if role == "model" else None,
        "self_judged": False,
    }


def pair(number: int, chosen: str, rejected: str, row_ids: list[str], **told: Any) -> Row:
    prompt_id = TEXTS[chosen][0]
    prompt, split = PROMPTS[prompt_id]
    return {
        "pair_id": f"{number:032x}",
        "prompt_id": prompt_id,
        "prompt": prompt,
        "chosen_id": chosen,
        "rejected_id": rejected,
        "chosen": TEXTS[chosen][1],
        "rejected": TEXTS[rejected][1],
        "reason": "execution",
        "value_id": FACTS,
        "edge_id": None,
        "gap": 1.0,
        "chosen_reward": 0.8,
        "rejected_reward": 0.4,
        "scored_by": "people",
        "chosen_length": len(TEXTS[chosen][1]),
        "rejected_length": len(TEXTS[rejected][1]),
        "row_ids": row_ids,
        "split": split,
        "fold": 0,
        "value_split": "train",
        "is_contested": False,
        **told,
    }


PAIRS = [
    pair(
        17,
        "calm",
        "curt",
        [row_id(1)],
        reason="wiser_value",
        value_id=CALM,
        edge_id=f"context:{DISTRESS}|3|1",
        gap=0.4,
    ),
    pair(18, "facts", "quick", [row_id(3)], chosen_reward=1.0, rejected_reward=0.0),
    pair(19, "tea", "ad", [row_id(4)], chosen_reward=1.0, rejected_reward=0.0),
]
VALUE_PAIR = {
    "prompt_id": "abortion",
    "prompt": PROMPTS["abortion"][0],
    "context_id": DISTRESS,
    "edge_id": f"context:{DISTRESS}|3|1",
    "bootstrap_survival": 0.95,
    "q_base": 0.05,
    "split": "train",
    "fold": 0,
}


def _ends(less_wise: int, wiser: int) -> Row:
    found: Row = {}
    for end, value_id in (("less_wise", less_wise), ("wiser", wiser)):
        title, instructions, criteria = VALUES[value_id]
        found |= {
            f"{end}_value_id": value_id,
            f"{end}_title": title,
            f"{end}_instructions": instructions,
            f"{end}_criteria": criteria,
        }
    return found


VALUE_PAIRS = [
    {**VALUE_PAIR, **_ends(SPEED, CALM)},
    {
        **VALUE_PAIR,
        **_ends(FACTS, CALM),
        "edge_id": f"context:{DISTRESS}|2|1",
        "bootstrap_survival": 0.2,
        "q_base": 0.9,
    },
]
EVIDENCE = [
    {"edge_id": f"context:{DISTRESS}|3|1", "bootstrap_survival": 0.95, "q_base": 0.05},
    {"edge_id": f"context:{DISTRESS}|2|1", "bootstrap_survival": 0.2, "q_base": 0.9},
]
DEEDS = ("chats", "cards", "shown", "votes", "judgments")
GROUPS = [
    {"field": "sex", "answer": "Female", "participants": 30, "share": 0.6},
    {"field": "sex", "answer": None, "participants": 20, "share": 0.4},
]


def _person(number: int) -> Row:
    """Of ten people nine did something, each something else than the next."""
    deeds = dict.fromkeys(DEEDS, 0)
    if number % 10:
        deeds[DEEDS[number % len(DEEDS)]] = 1
    return {"participant_id": f"{number:032x}", **deeds}


def tables() -> dict[str, pl.DataFrame]:
    """Every table that an export may read."""
    rows = _frame("reward_rows", ROWS)
    told = {
        "value_pairs": VALUE_PAIRS,
        "edge_evidence": EVIDENCE,
        "completions": COMPLETIONS,
        "criterion_scores": criterion_scores(),
        "completion_scores": SCORES,
        "preference_pairs": PAIRS,
        "demographic_coverage": GROUPS,
        "participant_behaviour": [_person(number) for number in range(50)],
    }
    found = {name: _frame(name, of) for name, of in told.items()}
    contexts = [
        {"prompt_id": prompt_id, "kind": "context", "context_id": context_id, "applies": applies}
        for prompt_id, context_id, applies in CONTEXTS
    ]
    return found | {
        "reward_rows": rows,
        "rubric_rows": rubric_rows(rows),
        "prompt_contexts": _frame("prompt_contexts", contexts),
    }


def _frame(name: str, rows: list[Row]) -> pl.DataFrame:
    """The rows as rows of the table, null in the columns that they do not have."""
    return TABLES[name].conform(pl.DataFrame(rows, TABLES[name].schema))


# Of so few pairs each preferred text is longer: 1 bounds nothing.
MANIFEST = {
    "settings": SnapshotSettings(training=Training(max_length_correlation=1)).model_dump(mode="json"),
    "missing_evidence": [
        "articulated: the source holds no chats up to that day, so no card counts as support"
    ],
}


def asked(**told: Any) -> Asked:
    filters = Filters(**told.pop("filters", {}))
    return Asked(Snapshot(DAY, MANIFEST, "f" * 64, 3), filters, **told)


def chats() -> dict[str, pl.DataFrame]:
    """Ten prompts, the fewest that a fine-tuning takes."""
    pairs = []
    for number in range(10):
        prompt, answer = f"What is {number} + {number}?", f"{number} + {number} is {2 * number}."
        told = {"prompt_id": f"sum-{number}", "prompt": prompt, "chosen": answer, "rejected": "No idea."}
        ids = {"chosen_id": f"sum-{number}-a", "rejected_id": f"sum-{number}-b"}
        pairs.append(pair(number, "facts", "quick", [row_id(number)]) | told | ids)
    return tables() | {"preference_pairs": _frame("preference_pairs", pairs)}


def export_of(form: DatasetFormat, **told: Any) -> dict[str, bytes]:
    """The files of a whole export from the tables above."""
    public = {"license": "CC-BY-4.0", "consent_basis": "They *agreed* to <b>research</b>."}
    return made(
        form, chats() if form is DatasetFormat.CHAT_JSONL else tables(), asked(**public, **told), parquet
    )


def example(form: DatasetFormat) -> tuple[str, str]:
    """A format's example in docs/formats, by name and text: what it writes, Parquet as lines of JSON."""
    files = export_of(form)
    if form is DatasetFormat.HF:
        return "hf.md", files["README.md"].decode()
    if form is DatasetFormat.REWARD:
        first = {path: rows_in(files, path)[0] for path in files if path.endswith("/train.parquet")}
        return "reward.jsonl", jsonl([{"file": path, "row": row} for path, row in first.items()])
    path = next(path for path in files if path.startswith("train."))
    return f"{form}.jsonl", jsonl(rows_in(files, path))


def rows_in(files: Mapping[str, bytes], path: str) -> list[Row]:
    if path.endswith(".parquet"):
        return pl.read_parquet(io.BytesIO(files[path])).to_dicts()
    return [json.loads(line) for line in files[path].decode().splitlines()]


if __name__ == "__main__":  # python -m tests.unit.export_world writes the examples anew
    for form in DatasetFormat:
        name, text = example(form)
        (EXAMPLES / name).write_text(text, encoding="utf-8")
