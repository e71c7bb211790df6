"""Stage training: who says that completions meet the criteria, how far they agree, and what it adds up to."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.training import ratings
from dft_pipeline.training.agreement import judge_agreement
from dft_pipeline.training.gates import SCORE_GATES, measured_scores
from dft_pipeline.training.rewards import completion_scores
from dft_pipeline.training.scores import criterion_scores, judge_requests
from resources.build import BuildSettings, Workplace
from resources.language_model import POOL

NAMED = ("completions", "rubric_rows", "articulations", "set_aside")
RATED = (*NAMED, raw_key("criterionRating"))
RANKED = (*NAMED, raw_key("completionRanking"))


@dg.multi_asset(
    name="scores",
    specs=[
        table_spec("criterion_scores", "1", RATED),
        table_spec("ratings_left_out", "1", (*RATED, raw_key("completionRanking"))),
        table_spec("completion_rankings", "1", RANKED),
        table_spec("judge_agreement", "1", ("criterion_scores",)),
        table_spec(
            "completion_scores", "1", ("completions", "criterion_scores", "rubric_rows", "reward_rows")
        ),
        table_spec("judge_requests", "1", ("completions", "rubric_rows", "criterion_scores")),
    ],
    check_specs=check_specs(
        (
            "criterion_scores",
            "ratings_left_out",
            "completion_rankings",
            "judge_agreement",
            "completion_scores",
            "judge_requests",
        ),
        SCORE_GATES,
    ),
    pool=POOL,
)
def scores(context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings) -> Results:
    """One row is what a rater says of a completion, or what follows from it."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot.training
    snapshot = ratings.Snapshot(*(workplace.table(name, day) for name in ratings.Snapshot._fields))
    rated = ratings.sorted_ratings(workplace.admitted("criterionRating", day), snapshot)
    ranked = ratings.sorted_rankings(workplace.admitted("completionRanking", day), snapshot)
    completions, rubric = snapshot.completions, snapshot.rubric_rows
    with workplace.criterion_judge(settings, context.run.run_id, context.log.warning) as (judge, questions):
        said = criterion_scores(completions, rubric, rated.kept, judge)
        requests = judge_requests(completions, rubric, said, questions)
    tables = {
        "criterion_scores": said,
        "ratings_left_out": ratings.ratings_left_out(rated, ranked),
        "completion_rankings": ratings.completion_rankings(ranked),
        "judge_agreement": judge_agreement(said, settings),
        "completion_scores": completion_scores(
            completions, said, rubric, workplace.table("reward_rows", day)
        ),
        "judge_requests": requests,
    }
    measured = measured_scores(snapshot, rated.kept, tables, settings)
    yield from finished(workplace, "training_scores", day, tables, measured)
