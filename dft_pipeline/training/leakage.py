"""What stands on two sides of the split and may not: prompts, prompts that are nearly the same, and texts."""

from collections.abc import Iterable

import polars as pl

from dft_pipeline.dataset.moral_similarity import alike
from dft_pipeline.policies import MoralSimilarity
from dft_pipeline.training.moderation import normalised
from dft_pipeline.values.similarity import Embed

PLACED = ("prompt_id", "prompt", "split")


def placed(tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Every prompt of the tables with its side: PLACED, once each, sorted."""
    return pl.concat([table.select(PLACED) for table in tables]).unique().sort(PLACED)


def torn_prompts(prompts: pl.DataFrame) -> list[str]:
    """The prompts that stand on two sides, by their id or by their words."""
    torn = [_on_two_sides(prompts, name) for name in ("prompt_id", "prompt")]
    return pl.concat(part["prompt_id"] for part in torn).unique().sort().to_list()


def like_prompts(prompts: pl.DataFrame, embed: Embed, settings: MoralSimilarity) -> list[str]:
    """Two prompts on two sides that are as similar as `leak_threshold`, each as `ID and ID`.

    Of prompts of the same words on one side the first stands for all.
    """
    prompts = prompts.unique(["prompt", "split"], keep="first", maintain_order=True)
    names, texts, sides = (prompts[name].to_list() for name in PLACED)
    near = sorted(alike(texts, embed, settings))
    return [f"{names[one]} and {names[other]}" for one, other in near if sides[one] != sides[other]]


def torn_texts(completions: pl.DataFrame) -> list[str]:
    """The texts of completions that take part which stand on two sides, each by the first id."""
    taking = completions.filter(pl.col("set_aside_for").is_null()).with_columns(
        text=pl.col("text").map_elements(normalised, pl.String)
    )
    torn = _on_two_sides(taking, "text").group_by("text").agg(pl.col("completion_id").min())
    return torn["completion_id"].sort().to_list()


def _on_two_sides(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.filter(pl.col("split").n_unique().over(column) > 1)
