"""What training rows must be like."""

import polars as pl

from dft_pipeline.dataset.rows import astray, uneven_prompts
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

DATASET_GATES = (NOT_EMPTY, IN_SNAPSHOT, ROW_IDS, ONE_SIDE, NO_BLANKS, IMPERSONAL, WEIGHTS)
TEXTS = ("prompt", "value_title", "value_instructions")


def measured_rows(
    reward: pl.DataFrame, rubric: pl.DataFrame, values: pl.DataFrame, edges: pl.DataFrame
) -> list[Measured]:
    """What the gates see of `reward_rows` and `rubric_rows`, given the snapshot's values and edges."""
    lost = astray(reward, values, edges)
    sides = reward.group_by("prompt").agg(sides=pl.col("split").n_unique(), id=pl.col("prompt_id").first())
    torn = sides.filter(pl.col("sides") > 1)["id"].sort()
    texts = _texts(reward)
    blank = texts.filter(pl.col("text").str.strip_chars() == "")["row_id"].unique().sort()
    twice = reward.filter(pl.col("row_id").is_duplicated())["row_id"].unique().sort()
    uneven = uneven_prompts(rubric)
    return [
        Measured(NOT_EMPTY, len(reward)),
        Measured(IN_SNAPSHOT, len(lost), examples(lost)),
        Measured(ROW_IDS, len(reward) - reward["row_id"].n_unique(), examples(twice)),
        Measured(ONE_SIDE, len(torn), examples(torn)),
        Measured(NO_BLANKS, len(blank), examples(blank)),
        _personal(texts),
        Measured(WEIGHTS, len(uneven), examples(uneven)),
    ]


def _texts(reward: pl.DataFrame) -> pl.DataFrame:
    """Every text that a model would be trained on: row_id, text."""
    parts = [reward.select("row_id", text=pl.col(column)) for column in TEXTS]
    criteria = reward.select("row_id", text="criteria").explode("text")
    contexts = reward.select("row_id", text="context_id")
    return pl.concat([*parts, criteria, contexts]).drop_nulls("text")


def _personal(texts: pl.DataFrame) -> Measured:
    found = {
        kind: texts.filter(pl.col("text").str.contains(pattern))["row_id"].unique()
        for kind, pattern in PERSONAL.items()
    }
    rows = pl.concat([texts["row_id"].clear(), *found.values()]).unique().sort()
    kinds = ", ".join(f"{kind} {len(ids)}" for kind, ids in found.items() if len(ids))
    return Measured(IMPERSONAL, len(rows), examples(rows), kinds)
