"""What scores of completions must be like."""

import polars as pl

from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.policies import Training
from dft_pipeline.table_gates import examples
from dft_pipeline.training.ratings import Snapshot
from dft_pipeline.training.scores import unjudged

ALL_JUDGED = Gate(
    "completions_are_judged",
    "criterion_scores",
    "the language model, where it judges, has answered about each completion that takes part",
    high=0,
    blocks=False,
    unit="completions",
    mend="the next build asks again",
)
NONE_LEFT_OUT = Gate(
    "ratings_count",
    "ratings_left_out",
    "every rating and ranking counts",
    high=0,
    blocks=False,
    unit="ratings",
    mend="mend the ratings, or load the completions that they name",
)
TRUSTED = Gate(
    "judges_agree_with_people",
    "judge_agreement",
    "every judge agrees with people on enough items, and well enough",
    high=0,
    blocks=False,
    unit="judges",
    mend="have people rate more completions; until then only DFT_TRUST_JUDGE lets its scores make pairs",
)
FULL_REWARDS = Gate(
    "rewards_are_sums",
    "completion_scores",
    "weights of a completion's values sum to 1",
    high=0,
    unit="completions",
    mend=DEFECT,
)
SCORE_GATES = (ALL_JUDGED, NONE_LEFT_OUT, TRUSTED, FULL_REWARDS)


def measured_scores(
    snapshot: Snapshot, tables: dict[str, pl.DataFrame], settings: Training
) -> list[Measured]:
    """What the gates see of the tables of the step `scores`, by name."""
    silent = unjudged(snapshot.completions, snapshot.rubric_rows, tables["criterion_scores"])
    left_out, agreement = tables["ratings_left_out"], tables["judge_agreement"]
    doubted = agreement.filter(pl.col("is_trusted").not_())
    sums = tables["completion_scores"].group_by("completion_id").agg(pl.col("weight").sum())
    uneven = sums.filter((pl.col("weight") - 1).abs() > 1e-9)["completion_id"].sort()
    return [
        Measured(ALL_JUDGED, len(silent) if settings.judges else None, examples(silent)),
        Measured(NONE_LEFT_OUT, len(left_out), examples(left_out["rule"].unique().sort())),
        Measured(TRUSTED, len(doubted), examples(doubted["judge"]), _seen(agreement)),
        Measured(FULL_REWARDS, len(uneven), examples(uneven)),
    ]


def _seen(agreement: pl.DataFrame) -> str:
    """Kappa and items of each judge, in words."""
    rows = agreement.filter(pl.col("value_id").is_null()).select("judge", "kappa", "items").iter_rows()
    return "; ".join(f"{judge}: kappa {_number(kappa)} of {items:,} items" for judge, kappa, items in rows)


def _number(kappa: float | None) -> str:
    return "unknown" if kappa is None else f"{kappa:.2f}"
