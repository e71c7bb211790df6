"""The snapshot's training tables as they are, a Parquet file for each table and side."""

import polars as pl

from dft_pipeline.formats.making import SPLITS, Asked, Limits, Made, Tables

PAIRS = "preference_pairs"
# Which tables: what each row is stands in `dft_pipeline/tables.py`.
NEEDED = ("reward_rows", "rubric_rows")
WHERE_THERE = (
    "value_pairs",
    "completions",
    "criterion_scores",
    "completion_scores",
    PAIRS,
)
# Tables without a side of their own, and whose side is theirs.
SIDE_OF = {"rubric_rows": ("reward_rows", "prompt_id"), "criterion_scores": ("completions", "completion_id")}


def reward(tables: Tables, asked: Asked) -> Made:
    """`<table>/<split>.parquet`: each table as the data dictionary has it, as far as the snapshot has rows.

    A table without a side of its own stands on its prompts'. Completions that were set aside are left out.
    `load_dataset(FOLDER, data_dir="reward_rows")` opens one.
    """
    files, left_out = sides("reward", tables, asked)
    named = {f"{table}/{side}.parquet": frame for (table, side), frame in files.items()}
    return Made(named, left_out)


def sides(
    form: str, tables: Tables, asked: Asked
) -> tuple[dict[tuple[str, str], pl.DataFrame], dict[str, int]]:
    """Every table's rows by table and side, where there are any; and how many completions were set aside."""
    limits = Limits(form)
    if PAIRS in tables:
        limits.check_lengths(tables[PAIRS], asked.snapshot.training.max_length_correlation)
    limits.hold()
    taking_part, left_out = _taking_part(tables)
    found = {}
    for name in (*NEEDED, *WHERE_THERE):
        if name in taking_part:
            placed = _placed(name, taking_part)
            for side in SPLITS:
                rows = placed.filter(pl.col("split") == side)
                found[name, side] = rows.select(taking_part[name].columns)
    return {where: rows for where, rows in found.items() if len(rows)}, left_out


def _taking_part(tables: Tables) -> tuple[Tables, dict[str, int]]:
    """Without completions that were set aside and what rests on them, and without raters' pseudonyms."""
    if "completions" not in tables:
        return tables, {}
    found = dict(tables)
    every = tables["completions"]
    found["completions"] = every.filter(pl.col("set_aside_for").is_null())
    for name in ("criterion_scores", "completion_scores"):
        if name in tables:
            found[name] = tables[name].join(
                found["completions"], on="completion_id", how="semi", maintain_order="left"
            )
    if "criterion_scores" in found:
        rater = pl.when(pl.col("rater_role") == "model").then("rater")
        found["criterion_scores"] = found["criterion_scores"].with_columns(rater=rater)
    return found, {"set_aside": len(every) - len(found["completions"])}


def _placed(name: str, tables: Tables) -> pl.DataFrame:
    """The table's rows in its own order, with their side."""
    if name not in SIDE_OF:
        return tables[name]
    of, key = SIDE_OF[name]
    theirs = tables[of].select(key, "split").unique()
    return tables[name].join(theirs, on=key, maintain_order="left")
