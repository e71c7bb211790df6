"""Which contexts and values a prompt calls for, and which not: to train the choice of values itself."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from dft_pipeline.formats.making import CHOSEN, SPLITS, Asked, Limits, Made, Record, Tables

CONTEXT: Mapping[str, pl.DataType] = {"context_id": pl.String(), "applies": pl.Boolean()}
VALUE: Mapping[str, pl.DataType] = {
    "value_id": pl.Int64(),
    "title": pl.String(),
    "instructions": pl.String(),
    "criteria": pl.List(pl.String),
    "is_wise": pl.Boolean(),
    "from_ids": pl.List(pl.String),
}
# Parquet, for its types are known also where a list is empty.
SCHEMA: Mapping[str, pl.DataType] = {
    "prompt_id": pl.String(),
    "prompt": pl.String(),
    "contexts": pl.List(pl.Struct(CONTEXT)),
    "values": pl.List(pl.Struct(VALUE)),
    "split": pl.String(),
}


def value_choice(tables: Tables, _: Asked) -> Made:
    """`<split>.parquet`: a prompt, contexts that apply or do not, values that are wise there or less wise.

    A context that nothing has decided on is left out. A less wise value is the lower end of an edge of the
    prompt, or of the case and context that a further prompt's rows are from; unless Γ chose it for the prompt
    too: then it is wise, or left out where a filter takes its row. `from_ids` are the reward rows of a wise
    value, and the edges of a less wise one.
    """
    rows = tables["reward_rows"]
    prompts = rows.select("prompt_id", "prompt", "split").unique().sort("prompt_id")
    contexts, undecided = _contexts(tables["prompt_contexts"], prompts)
    wise = _by_prompt(_wise(rows))
    less_wise, chosen_too = _less_wise(tables["value_pairs"], rows, tables.get(CHOSEN, rows))
    declined = _by_prompt(less_wise)
    records = [
        {
            "prompt_id": row["prompt_id"],
            "prompt": row["prompt"],
            "contexts": contexts.get(row["prompt_id"], []),
            "values": [*wise[row["prompt_id"]], *declined.get(row["prompt_id"], [])],
            "split": row["split"],
        }
        for row in prompts.iter_rows(named=True)
    ]
    _check(records)
    every = pl.DataFrame(records, SCHEMA)
    files = {f"{side}.parquet": every.filter(pl.col("split") == side) for side in SPLITS}
    left_out = {"undecided_contexts": undecided, "less_wise_but_chosen": chosen_too}
    return Made({path: rows for path, rows in files.items() if len(rows)}, left_out)


def _contexts(prompt_contexts: pl.DataFrame, prompts: pl.DataFrame) -> tuple[dict[str, list[Record]], int]:
    every = prompt_contexts.filter(pl.col("kind") == "context").join(prompts, on="prompt_id", how="semi")
    decided = every.drop_nulls("applies").group_by("prompt_id", "context_id").agg(pl.col("applies").any())
    undecided = (
        every.select("prompt_id", "context_id")
        .unique()
        .join(decided, on=["prompt_id", "context_id"], how="anti")
    )
    return _by_prompt(decided.sort("prompt_id", "context_id")), len(undecided)


def _wise(rows: pl.DataFrame) -> pl.DataFrame:
    of = ("prompt_id", "value_id", "value_title", "value_instructions", "criteria")
    found = rows.group_by(of).agg(is_wise=pl.lit(True), from_ids=pl.col("row_id").sort())
    named = found.rename({"value_title": "title", "value_instructions": "instructions"})
    return named.select("prompt_id", *VALUE).sort("prompt_id", "value_id")


def _less_wise(pairs: pl.DataFrame, rows: pl.DataFrame, chosen: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    of = ("prompt_id", "value_id", "title", "instructions", "criteria")
    every = (
        _of_prompts(pairs, chosen)
        .rename({f"less_wise_{name}": name for name in of[1:]})
        .group_by(of)
        .agg(is_wise=pl.lit(False), from_ids=pl.col("edge_id").unique().sort())
        .join(rows, on="prompt_id", how="semi")
    )
    found = every.join(chosen, on=["prompt_id", "value_id"], how="anti").sort("prompt_id", "value_id")
    return found.select("prompt_id", *VALUE), len(every) - len(found)


def _of_prompts(pairs: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Each prompt's edges: a case's own, and for a further prompt those of where Γ was asked for it."""
    further = chosen.filter(pl.col("prompt_id") != pl.col("case_id"))
    asked = further.select("prompt_id", "case_id", "context_id").unique()
    of_cases = pairs.drop("prompt").rename({"prompt_id": "case_id"})
    theirs = asked.join(of_cases, on=["case_id", "context_id"], nulls_equal=True)
    return pl.concat([pairs.select(theirs.drop("case_id").columns), theirs.drop("case_id")])


def _by_prompt(rows: pl.DataFrame) -> dict[str, list[Record]]:
    groups = rows.group_by("prompt_id", maintain_order=True)
    return {str(key[0]): of.drop("prompt_id").to_dicts() for key, of in groups}


def _check(records: list[dict[str, Any]]) -> None:
    limits = Limits("value-choice")
    for item in records:
        where = f"prompt {item['prompt_id']}"
        limits.check("blank_prompt", bool(item["prompt"].strip()), where)
        for value in item["values"]:
            limits.check("no_provenance", bool(value["from_ids"]), where)
    limits.hold()
