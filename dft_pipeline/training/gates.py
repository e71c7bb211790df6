"""What scores of completions must be like."""

import polars as pl

from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.policies import Training
from dft_pipeline.table_gates import examples
from dft_pipeline.training.ratings import Snapshot
from dft_pipeline.training.scores import MODEL, is_withheld, unjudged

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
NONE_WITHHELD = Gate(
    "explanations_are_shown",
    "criterion_scores",
    "no explanation is withheld since it looks personal",
    high=0,
    blocks=False,
    unit="explanations",
    mend="nothing is lost but the words: the score counts; mend the rating's explanation to have it shown",
)
IMPERSONAL = Gate(
    "no_personal_text",
    "criterion_scores",
    "no explanation of a person looks like an e-mail or web address, a telephone number or a recruitment id",
    high=0,
    mend=DEFECT,
)
SCORE_GATES = (ALL_JUDGED, NONE_WITHHELD, IMPERSONAL, NONE_LEFT_OUT, TRUSTED, FULL_REWARDS)


def measured_scores(
    snapshot: Snapshot, rated: pl.DataFrame, tables: dict[str, pl.DataFrame], settings: Training
) -> list[Measured]:
    """What the gates see of ratings that count, and of the tables of the step `scores`, by name."""
    silent = unjudged(snapshot.completions, snapshot.rubric_rows, tables["criterion_scores"])
    by_people = tables["criterion_scores"].filter(pl.col("rater_role") != MODEL)
    personal = by_people.filter(is_withheld())["completion_id"].unique().sort()
    withheld = rated.filter(is_withheld())["completion_id"]
    left_out, agreement = tables["ratings_left_out"], tables["judge_agreement"]
    doubted = agreement.filter(pl.col("is_trusted").not_())
    sums = tables["completion_scores"].group_by("completion_id").agg(pl.col("weight").sum())
    uneven = sums.filter((pl.col("weight") - 1).abs() > 1e-9)["completion_id"].sort()
    return [
        Measured(ALL_JUDGED, len(silent) if settings.judges else None, examples(silent)),
        Measured(NONE_WITHHELD, len(withheld), examples(withheld.unique().sort())),
        Measured(IMPERSONAL, len(personal), examples(personal)),
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
