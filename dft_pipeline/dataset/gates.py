"""What training rows must be like."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.dataset.rows import astray, uneven_prompts
from dft_pipeline.dataset.value_pairs import missing_edges
from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.table_gates import examples

# Text that could tell who somebody is: e-mail and web addresses, telephone numbers, the recruiting
# platform's ids.
PERSONAL = {
    "e-mail address": r"[\w.+\-]+@[\w\-]+\.\w",
    "web address": r"(?i)\bhttps?://|\bwww\.\w",
    "telephone number": r"\+\d[\d\s().\-]{7,}\d|\(\d{3}\)\s*\d{3}[\-.\s]\d{4}|\b\d{3}[\-.]\d{3}[\-.]\d{4}\b",
    "recruitment id": r"\b[0-9a-f]{24}\b",
}

FEW = "no value has enough support that day: too few people so far, or a case without contexts"
NOT_EMPTY = Gate("not_empty", "reward_rows", "there are rows", low=1, mend=FEW)
IN_SNAPSHOT = Gate(
    "points_into_this_snapshot",
    "reward_rows",
    "every row points at a value and edges of this snapshot",
    high=0,
    mend=DEFECT,
)
ROW_IDS = Gate("row_ids_unique", "reward_rows", "no two rows have the same row_id", high=0, mend=DEFECT)
ONE_SIDE = Gate(
    "prompts_on_one_side",
    "reward_rows",
    "no prompt is on two sides",
    high=0,
    unit="prompts",
    mend="two cases ask the same: remove one",
)
TEXT = "mend the text of the value or the case in the app"
NO_BLANKS = Gate("no_empty_text", "reward_rows", "no text is empty", high=0, mend=TEXT)
IMPERSONAL = Gate(
    "no_personal_text",
    "reward_rows",
    "no text looks like an e-mail or web address, a telephone number or a recruitment id",
    high=0,
    mend=TEXT,
)
WEIGHTS = Gate(
    "weights_sum_to_one", "rubric_rows", "a prompt's weights sum to 1", high=0, unit="prompts", mend=DEFECT
)

EVERY_EDGE = Gate(
    "edges_are_pairs",
    "value_pairs",
    "every edge of a prompt's case or contexts is a pair, and every pair an edge",
    high=0,
    unit="edges",
    mend=DEFECT,
)
PAIRS = ("value_pairs", "balanced_pairs")
BLANK_PAIRS = {name: Gate("no_empty_text", name, "no text is empty", high=0, mend=TEXT) for name in PAIRS}
PERSONAL_PAIRS = {name: replace(IMPERSONAL, asset=name) for name in PAIRS}

ANSWERED = Gate(
    "candidates_are_answered",
    "prompt_contexts",
    "the language model, where there is one, has answered about each candidate",
    high=0,
    blocks=False,
    unit="candidates",
    mend="the next build asks again",
)
NONE_LOST = Gate(
    "prompts_are_all_there",
    "prompt_contexts",
    "every further prompt that takes part has a row",
    high=0,
    unit="prompts",
    mend=DEFECT,
)

NO_CASE_LEFT_OUT = Gate(
    "cases_have_rows",
    "prompt_contexts",
    "no case is left out as `leak`, too much like another one on another side",
    high=0,
    blocks=False,
    unit="cases",
    mend="that case has no training rows: where it should, reword it or the other one in the app",
)

PROMPT_GATES = (ANSWERED, NONE_LOST, NO_CASE_LEFT_OUT)
PAIR_GATES = (EVERY_EDGE, *BLANK_PAIRS.values(), *PERSONAL_PAIRS.values())
DATASET_GATES = (NOT_EMPTY, IN_SNAPSHOT, ROW_IDS, ONE_SIDE, NO_BLANKS, IMPERSONAL, WEIGHTS)
TEXTS = ("prompt", "value_title", "value_instructions")


def measured_rows(
    reward: pl.DataFrame, rubric: pl.DataFrame, values: pl.DataFrame, edges: pl.DataFrame
) -> list[Measured]:
    """What the gates see of `reward_rows` and `rubric_rows`, given the snapshot's values and edges."""
    lost = astray(reward, values, edges)
    sides = reward.group_by("prompt").agg(sides=pl.col("split").n_unique(), id=pl.col("prompt_id").first())
    torn = sides.filter(pl.col("sides") > 1)["id"].sort()
    texts = _texts(reward, "row_id", (*TEXTS, "context_id"), ("criteria",))
    twice = reward.filter(pl.col("row_id").is_duplicated())["row_id"].unique().sort()
    uneven = uneven_prompts(rubric)
    return [
        Measured(NOT_EMPTY, len(reward)),
        Measured(IN_SNAPSHOT, len(lost), examples(lost)),
        Measured(ROW_IDS, len(reward) - reward["row_id"].n_unique(), examples(twice)),
        Measured(ONE_SIDE, len(torn), examples(torn)),
        _blank(NO_BLANKS, texts),
        _personal(IMPERSONAL, texts),
        Measured(WEIGHTS, len(uneven), examples(uneven)),
    ]


def measured_pairs(snapshot: Snapshot, pairs: pl.DataFrame, balanced: pl.DataFrame) -> list[Measured]:
    """What the gates see of `value_pairs` and `balanced_pairs`."""
    missed = missing_edges(pairs, snapshot)
    ends = {"value_pairs": (pairs, ("less_wise", "wiser")), "balanced_pairs": (balanced, ("one", "other"))}
    texts = {name: _texts_of_pairs(rows, names) for name, (rows, names) in ends.items()}
    return [
        Measured(EVERY_EDGE, len(missed), examples(missed)),
        *(_blank(BLANK_PAIRS[name], found) for name, found in texts.items()),
        *(_personal(PERSONAL_PAIRS[name], found) for name, found in texts.items()),
    ]


def measured_prompts(turns: pl.DataFrame, prompt_contexts: pl.DataFrame) -> list[Measured]:
    """What the gates see of `prompt_contexts`, given the turns of further prompts that take part."""
    candidates = prompt_contexts.filter(pl.col("kind").is_in(["case", "context"]))
    silent = candidates.filter(pl.col("applies").is_null())["prompt_id"]
    is_case = pl.col("source_prompt_id").is_null()
    apart = prompt_contexts.filter(is_case, pl.col("kind") == "leak")["prompt_id"]
    lost = turns.join(prompt_contexts, on=["prompt_id", "turn_index"], how="anti", nulls_equal=True)
    return [
        Measured(ANSWERED, len(silent), examples(silent.unique().sort())),
        Measured(NONE_LOST, len(lost), examples(lost["prompt_id"].sort())),
        Measured(NO_CASE_LEFT_OUT, len(apart), examples(apart.sort())),
    ]


def _texts_of_pairs(pairs: pl.DataFrame, ends: Sequence[str]) -> pl.DataFrame:
    """Every text of the pairs; a row is named by prompt and values."""
    named = pairs.with_columns(
        row_id=pl.format("{}|{}|{}", "prompt_id", *(f"{end}_value_id" for end in ends))
    )
    texts = [f"{end}_{name}" for end in ends for name in ("title", "instructions")]
    return _texts(named, "row_id", ("prompt", "context_id", *texts), [f"{end}_criteria" for end in ends])


def _texts(rows: pl.DataFrame, key: str, texts: Sequence[str], lists: Sequence[str]) -> pl.DataFrame:
    """Every text that a model would be trained on: row_id, text."""
    parts = [rows.select(row_id=key, text=pl.col(column)) for column in texts]
    parts += [rows.select(row_id=key, text=column).explode("text") for column in lists]
    return pl.concat(parts).drop_nulls("text")


def _blank(gate: Gate, texts: pl.DataFrame) -> Measured:
    blank = texts.filter(pl.col("text").str.strip_chars() == "")["row_id"].unique().sort()
    return Measured(gate, len(blank), examples(blank))


def _personal(gate: Gate, texts: pl.DataFrame) -> Measured:
    found = {
        kind: texts.filter(pl.col("text").str.contains(pattern))["row_id"].unique()
        for kind, pattern in PERSONAL.items()
    }
    rows = pl.concat([texts["row_id"].clear(), *found.values()]).unique().sort()
    kinds = ", ".join(f"{kind} {len(ids)}" for kind, ids in found.items() if len(ids))
    return Measured(gate, len(rows), examples(rows), kinds)
