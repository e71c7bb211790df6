"""What preference pairs must be like, and what may not stand on two sides of the split."""

from dataclasses import replace

import polars as pl

from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.policies import MoralSimilarity, Training
from dft_pipeline.table_gates import examples
from dft_pipeline.training.candidates import Answers
from dft_pipeline.training.leakage import like_prompts, placed, torn_prompts, torn_texts
from dft_pipeline.training.lengths import length_correlation
from dft_pipeline.training.pairs import ALL, Pairs
from dft_pipeline.values.similarity import Embed

ASSET = "preference_pairs"
ONE_SIDE = Gate(
    "prompts_on_one_side",
    ASSET,
    "no prompt of the training data is on two sides",
    high=0,
    unit="prompts",
    mend="two prompts have the same words: remove one",
)
NO_LIKENESS = Gate(
    "like_prompts_on_one_side",
    ASSET,
    "no two prompts of the training data on two sides are as similar as `leak_threshold`",
    high=0,
    unit="pairs of prompts",
    mend="remove one of the two",
)
TEXTS_ON_ONE_SIDE = Gate(
    "completions_on_one_side",
    ASSET,
    "no completion that takes part has the same text as one on another side",
    high=0,
    unit="texts",
    mend=DEFECT,
)
GROUNDED = Gate(
    "pairs_have_rows",
    ASSET,
    "every pair rests on reward rows of its prompt",
    high=0,
    unit="pairs",
    mend=DEFECT,
)
LENGTH = Gate(
    "length_correlation",
    ASSET,
    "being chosen hardly goes with being longer, or shorter (the correlation, without its sign)",
    high=Training().max_length_correlation,
    unit="correlation",
    mend="load or make completions whose length says less",
)
KEPT = Gate(
    "few_left_for_length",
    ASSET,
    "at most half of the pairs are left out for their length",
    high=0.5,
    blocks=False,
    unit="share",
    mend="the preferred completions are mostly longer, or mostly shorter: ask for others",
)
PREFERENCE_GATES = (ONE_SIDE, NO_LIKENESS, TEXTS_ON_ONE_SIDE, GROUNDED, LENGTH, KEPT)


def measured_preferences(
    made: Pairs, of: Answers, embed: Embed, similarity: MoralSimilarity, settings: Training
) -> list[Measured]:
    """What the gates see of the pairs, and of all prompts and completions beside them."""
    pairs = made.preference_pairs
    taking = of.completions.filter(pl.col("set_aside_for").is_null())
    prompts = placed([of.reward_rows, of.value_pairs, taking, pairs])
    torn, texts = torn_prompts(prompts), torn_texts(of.completions)
    near, loose = like_prompts(prompts, embed, similarity), ungrounded(pairs, of.reward_rows)
    lean = length_correlation(pairs)
    length = replace(LENGTH, high=settings.max_length_correlation)
    return [
        Measured(ONE_SIDE, len(torn), examples(torn)),
        Measured(NO_LIKENESS, len(near), examples(near)),
        Measured(TEXTS_ON_ONE_SIDE, len(texts), examples(texts)),
        Measured(GROUNDED, len(loose), examples(loose)),
        Measured(length, None if lean is None else abs(lean), seen=leanings(made.pair_balance)),
        Measured(KEPT, _left_share(made.pair_balance)),
    ]


def ungrounded(pairs: pl.DataFrame, reward_rows: pl.DataFrame) -> list[str]:
    """The pairs without reward rows, or with one that is not their prompt's."""
    named = pairs.select("pair_id", "prompt_id", row_id="row_ids").explode("row_id")
    return (
        named.join(reward_rows, on=["prompt_id", "row_id"], how="anti")["pair_id"].unique().sort().to_list()
    )


def leanings(balance: pl.DataFrame) -> str:
    """The correlation of each reason before and after matching, in words."""
    columns = ("reason", "length_correlation_before", "length_correlation")
    some = balance.filter(pl.col("length_correlation_before").is_not_null()).select(columns)
    return ", ".join(
        f"{reason} {before:+.2f} → {_signed(after)}" for reason, before, after in some.iter_rows()
    )


def _signed(correlation: float | None) -> str:
    return "none" if correlation is None else f"{correlation:+.2f}"


def _left_share(balance: pl.DataFrame) -> float | None:
    """Of the pairs before matching, the share that it leaves out."""
    pairs, left = balance.filter(reason=ALL).select("pairs", "unlike_length").row(0)
    return left / (pairs + left) if pairs + left else None
