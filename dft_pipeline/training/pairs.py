"""Preference pairs: which candidates stay, and the rule under which each of the others is left out."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import polars as pl

from dft_pipeline.dataset.value_split import with_value_split
from dft_pipeline.policies import Training
from dft_pipeline.tables import PAIR_REASONS, TABLES
from dft_pipeline.training.candidates import PAIR, ROUNDING, Answers, candidates, is_enough, not_compared
from dft_pipeline.training.lengths import MATCHED, length_correlation, unlike
from dft_pipeline.training.moderation import normalised

ID_DIGITS = 32
ENDS = ("chosen", "rejected")
VALUES = ("value_id", "chosen_value_id", "rejected_value_id")
ALL = "all"  # reasons together, in `pair_balance`
# What a candidate's gap rests on the scores of: of the others no score is needed.
NEEDS = ("execution", "revision")
# Said of the two answers themselves; other reasons lie in how they were made, and equal rewards deny them.
SAID = ("execution", "ranked")


class Pairs(NamedTuple):
    """The tables of these names."""

    preference_pairs: pl.DataFrame
    pairs_left_out: pl.DataFrame
    pair_balance: pl.DataFrame


def preference_pairs(of: Answers, settings: Training) -> Pairs:
    """Every candidate, in one of the first two tables."""
    is_trusted = trusts(of.judge_agreement, settings)
    found = _judged(_identified(candidates(of, settings.min_gap, settings.seed)), of)
    ruled = _ruled(_compared(found, is_trusted), settings, is_trusted)
    drawn = _drawn(_contradicted(ruled), settings)
    before = _staying(drawn)
    every = _matched(drawn, before, settings)
    kept = _staying(every)
    return Pairs(
        TABLES["preference_pairs"].conform(_described(_with_gaps(kept), of)),
        TABLES["pairs_left_out"].conform(every.filter(pl.col("rule").is_not_null())),
        _balance(every, before, kept, not_compared(of)),
    )


def trusts(judge_agreement: pl.DataFrame, settings: Training) -> bool:
    """Whether a model's scores make pairs: each judge agrees with people, or a setting says so."""
    judges = judge_agreement.filter(pl.col("value_id").is_null(), pl.col("criterion_index").is_null())
    return settings.trusts_judge or (len(judges) > 0 and bool(judges["is_trusted"].all()))


def margin(gap: float | None, scale: float | None = None) -> float | None:
    """TRL's `margin`, in logits: scale · gap, so that `scale` is the logits that a gap of 1 is worth.

    None, and no column, where no scale is given or the pair has no gap.
    """
    return None if scale is None or gap is None else scale * gap


def pair_id(chosen_id: str, rejected_id: str, reason: str, value_id: int | None) -> str:
    """First 32 hex digits of the SHA-256 of the JSON array of what the pair means."""
    meaning = json.dumps([chosen_id, rejected_id, reason, value_id], separators=(",", ":"))
    return _hex(meaning)[:ID_DIGITS]


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _identified(found: pl.DataFrame) -> pl.DataFrame:
    meaning = found.select(*PAIR, "reason", "value_id").iter_rows()
    return found.with_columns(pair_id=pl.Series([pair_id(*one) for one in meaning], dtype=pl.String))


def _judged(found: pl.DataFrame, of: Answers) -> pl.DataFrame:
    """Adds of both ends text, length, value, whether it is set aside, its reward and by whose scores."""
    texts = of.completions.select(
        "completion_id",
        "text",
        "value_id",
        said=pl.col("text").map_elements(normalised, pl.String),
        length=pl.col("text").str.len_chars(),
        aside=pl.col("set_aside_for").is_not_null(),
    )
    ends = texts.join(_rewards(of.completion_scores), on="completion_id", how="left")
    for end in ENDS:
        named = {name: f"{end}_{name}" for name in ends.columns[1:]}
        theirs = ends.rename({"completion_id": f"{end}_id", **named})
        found = found.join(theirs, on=f"{end}_id", maintain_order="left")
    return found


def _rewards(scores: pl.DataFrame) -> pl.DataFrame:
    """completion_id, reward and who it is by: `people`, `model`, or null where by both."""
    by = pl.when(pl.col("scored_by").n_unique() == 1).then(pl.col("scored_by").first())
    return scores.drop_nulls("reward").group_by("completion_id").agg(pl.col("reward").first(), reward_by=by)


def _compared(found: pl.DataFrame, is_trusted: bool) -> pl.DataFrame:
    """Adds `compares`, whether the rewards tell which is better, and whose scores a revision rests on."""
    ours, theirs = pl.col("chosen_reward_by"), pl.col("rejected_reward_by")
    counts = pl.lit(is_trusted) | (ours == "people")
    is_revision = pl.col("reason") == "revision"
    return found.with_columns(
        compares=((ours == theirs) & counts).fill_null(False),
        chosen_by=pl.when(is_revision).then(ours).otherwise("chosen_by"),
        rejected_by=pl.when(is_revision).then(theirs).otherwise("rejected_by"),
    )


def _ruled(found: pl.DataFrame, settings: Training, is_trusted: bool) -> pl.DataFrame:
    """Adds `rule`, the first that leaves the candidate out; null where it stays."""
    is_revision = pl.col("reason") == "revision"
    needs, ours = pl.col("reason").is_in(NEEDS), pl.col("chosen_by")
    difference = pl.col("chosen_reward") - pl.col("rejected_reward")
    is_said = pl.col("reason").is_in(SAID)
    is_more, is_less = difference > ROUNDING, difference < -ROUNDING
    rules = {
        "set_aside": pl.col("chosen_aside") | pl.col("rejected_aside"),
        "same_text": pl.col("chosen_said") == pl.col("rejected_said"),
        "unscored": is_revision & difference.is_null(),
        "unlike_scorers": needs & ~(ours == pl.col("rejected_by")).fill_null(False),
        "untrusted_judge": needs & (ours == "model") & pl.lit(not is_trusted),
        "small_gap": is_revision & ~is_enough(difference, settings.min_gap),
        "reward_disagrees": pl.col("compares") & pl.when(is_said).then(is_less).otherwise(~is_more),
    }
    return found.with_columns(rule=_first(rules))


def _with_gaps(found: pl.DataFrame) -> pl.DataFrame:
    """Leaves rewards where they can be compared, and takes the gap in them where there is no other."""
    compares = pl.col("compares")
    rewards = [pl.when(compares).then(f"{end}_reward").alias(f"{end}_reward") for end in ENDS]
    by = pl.coalesce("chosen_by", pl.when(compares).then("chosen_reward_by"))
    difference = pl.col("chosen_reward") - pl.col("rejected_reward")
    known = found.with_columns(*rewards, scored_by=by)
    return known.with_columns(gap=pl.coalesce("gap", difference))


def _first(rules: Mapping[str, pl.Expr]) -> pl.Expr:
    """The name of the first that holds; one that cannot say does not."""
    return pl.coalesce([pl.when(holds.fill_null(False)).then(pl.lit(name)) for name, holds in rules.items()])


def _contradicted(ruled: pl.DataFrame) -> pl.DataFrame:
    """What is left of two texts the one way and the other goes out: nothing says which way is right."""
    left = ruled.filter(pl.col("rule").is_null())
    said = ("prompt_id", *(f"{end}_said" for end in ENDS))
    ends = {"chosen_said": "rejected_said", "rejected_said": "chosen_said"}
    turned = left.select(said).rename(ends).unique().with_columns(is_turned=pl.lit(True))
    both = ruled.join(turned, on=said, how="left", maintain_order="left")
    is_torn = pl.when(pl.col("is_turned")).then(pl.lit("contradicted"))
    return both.with_columns(rule=pl.coalesce("rule", is_torn))


def _drawn(ruled: pl.DataFrame, settings: Training) -> pl.DataFrame:
    """Most pairs of a prompt, in turns one of each reason, in an order that the seed and the ids give."""
    draws = [_hex(f"{settings.seed}|{one}") for one in ruled["pair_id"]]
    in_order = ruled.with_columns(draw=pl.Series(draws, dtype=pl.String), out=pl.col("rule").is_not_null())
    by_turn = in_order.sort("out", "draw").with_columns(
        turn=pl.int_range(pl.len()).over("prompt_id", "reason")
    )
    placed = by_turn.sort("out", "turn", "draw").with_columns(place=pl.int_range(pl.len()).over("prompt_id"))
    is_over = pl.when(pl.col("place") >= settings.most_pairs).then(pl.lit("most_per_prompt"))
    return placed.with_columns(rule=pl.coalesce("rule", is_over)).sort("pair_id")


def _staying(ruled: pl.DataFrame) -> pl.DataFrame:
    return ruled.filter(pl.col("rule").is_null())


def _matched(drawn: pl.DataFrame, before: pl.DataFrame, settings: Training) -> pl.DataFrame:
    """Leaves pairs out until those that stay hardly lean to the longer text, or to the shorter one."""
    bound = settings.max_length_correlation
    lean = before.filter(unlike(before, bound * MATCHED if bound < 1 else 1))["pair_id"]  # 1 bounds nothing
    is_lean = pl.when(pl.col("pair_id").is_in(lean.implode())).then(pl.lit("unlike_length"))
    return drawn.with_columns(rule=pl.coalesce("rule", is_lean))


def _described(kept: pl.DataFrame, of: Answers) -> pl.DataFrame:
    """Adds what rows say of the prompt, the reward rows behind the pair, and whether a value is contested."""
    columns = ("prompt", "split", "fold")
    prompts = of.completions.select(*columns, chosen_id="completion_id")
    named = kept.join(prompts, on="chosen_id").rename({f"{end}_text": end for end in ENDS})
    found = named.join(_behind(kept, of.reward_rows), on="pair_id", how="left")
    contested = _contested(kept, of)
    return with_value_split(found, *VALUES).with_columns(
        pl.col("row_ids").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        is_contested=pl.col("pair_id").is_in(contested.implode()),
    )


def _behind(kept: pl.DataFrame, reward_rows: pl.DataFrame) -> pl.DataFrame:
    """pair_id, row_ids: the prompt's rows of the pair's value; all of them where it has none."""
    pairs = kept.select("pair_id", "prompt_id", wanted="value_id")
    rows = pairs.join(reward_rows.select("prompt_id", "row_id", "value_id"), on="prompt_id")
    theirs = rows.filter((pl.col("value_id") == pl.col("wanted")) | pl.col("wanted").is_null())
    return theirs.group_by("pair_id").agg(row_ids=pl.col("row_id").sort())


def _contested(kept: pl.DataFrame, of: Answers) -> pl.Series:
    """The pairs of which a value, or an end of the edge, stands in a dispute of the prompt."""
    values = kept.select("pair_id", "prompt_id", value_id=pl.concat_list(VALUES)).explode("value_id")
    rows = of.reward_rows.filter("is_contested").select("prompt_id", "value_id")
    edges = of.value_pairs.filter("is_contested").select("edge_id", case_id="prompt_id")
    cases = of.reward_rows.select("prompt_id", "case_id").unique()
    disputed = (
        values.join(rows, on=["prompt_id", "value_id"], how="semi"),
        kept.join(cases, on="prompt_id").join(edges, on=["case_id", "edge_id"], how="semi"),
    )
    return pl.concat([one["pair_id"] for one in disputed]).unique()


def _balance(
    every: pl.DataFrame, before: pl.DataFrame, kept: pl.DataFrame, left: Mapping[str, int]
) -> pl.DataFrame:
    """Table `pair_balance`; `before` are the pairs of which `kept` were left for their length."""
    rows = [
        {
            "reason": reason,
            "pairs": len(of(kept)),
            "left_out": len(of(every)) - len(of(kept)),
            "unlike_length": len(of(before)) - len(of(kept)),
            "not_compared": sum(left.values()) if reason == ALL else left.get(reason, 0),
            "length_correlation_before": length_correlation(of(before)),
            "length_correlation": length_correlation(of(kept)),
        }
        for reason, of in _parts().items()
    ]
    return TABLES["pair_balance"].conform(pl.DataFrame(rows, TABLES["pair_balance"].schema))


def _parts() -> Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]]:
    """What gives a reason's pairs, and `all`."""
    each = {reason: partial(pl.DataFrame.filter, reason=reason) for reason in PAIR_REASONS}
    return {ALL: pl.DataFrame.clone, **each}
