"""A rubric per prompt, in the shape that HealthBench gave them: criteria that earn points."""

from typing import Any

import polars as pl

from dft_pipeline.formats.making import Asked, Limits, Made, Record, Tables, by_split

POINTS = 100  # of a rubric all together
DECIMALS = 4
ROUNDING = 1e-9


def rubric(tables: Tables, _: Asked) -> Made:
    """`<split>.jsonl`: a prompt, and what an answer to it earns points for.

    Points are hundredths of the rubric's whole, rounded to four decimals; `weight` is exact. HealthBench's
    score of an answer, points earned by possible points, is then its reward, where each criterion is met or
    not. `tags` name the value and the place of the criterion in its card. A prompt none of whose values has
    criteria is left out (`without_criteria`).
    """
    prompts = tables["reward_rows"].select("prompt_id", "prompt", "split").unique().sort("prompt_id")
    criteria = tables["rubric_rows"].sort("prompt_id", "value_id", "criterion_index")
    theirs = {key[0]: of.to_dicts() for key, of in criteria.group_by("prompt_id", maintain_order=True)}
    told = prompts.filter(pl.col("prompt_id").is_in(list(theirs)))
    records = [_item(row, theirs[row["prompt_id"]]) for row in told.iter_rows(named=True)]
    _check(records)
    return Made(by_split(records, told["split"]), {"without_criteria": len(prompts) - len(told)})


def _item(prompt: dict[str, Any], criteria: list[dict[str, Any]]) -> Record:
    return {
        "prompt_id": prompt["prompt_id"],
        "prompt": [{"role": "user", "content": prompt["prompt"]}],
        "rubrics": [_criterion(row) for row in criteria],
        "example_tags": [f"split:{prompt['split']}"],
    }


def _criterion(row: dict[str, Any]) -> Record:
    return {
        "criterion": row["criterion"],
        "points": round(row["weight"] * POINTS, DECIMALS),
        "tags": [f"value:{row['value_id']}", f"criterion:{row['criterion_index']}"],
        "weight": row["weight"],
        "row_ids": row["row_ids"],
    }


def _check(records: list[Record]) -> None:
    limits = Limits("rubric")
    for item in records:
        where = f"prompt {item['prompt_id']}"
        limits.check("blank_prompt", bool(item["prompt"][0]["content"].strip()), where)
        weights = [one["weight"] for one in item["rubrics"]]
        limits.check("weights_sum_to_1", abs(sum(weights) - 1) <= ROUNDING, where)
        for one in item["rubrics"]:
            limits.check("blank_criterion", bool(one["criterion"].strip()), where)
            limits.check("points_above_0", one["points"] > 0, where)
            limits.check("no_provenance", bool(one["row_ids"]), where)
    limits.hold()
