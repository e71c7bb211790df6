"""Who says that a completion meets a criterion: people by their ratings, and a model as judge.

What belongs here: what the judge is asked, and what it answers as rows. Which ratings count is said in
`ratings`, what scores add up to in `rewards`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.training import asking, moderation

MODEL = "model"
DATE = r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$"  # of a model's version


class Asked(NamedTuple):
    """What a judge is asked about: an answer to a prompt, and distinct criteria, in whatever order."""

    prompt: str
    answer: str
    criteria: tuple[str, ...]


class Said(NamedTuple):
    """What a judge says of one criterion: met or not, how well (1 to 5), and why; in which call."""

    is_met: bool
    score: int
    explanation: str
    judge: str
    prompt_version: str
    call_id: str


# For each that is asked, what is said of each of its criteria, in their order; None where there is no answer.
Judge = Callable[[Sequence[Asked]], list[Sequence[Said] | None]]

# The same as questions to be put to a model elsewhere, in their order.
Questions = Callable[[Sequence[Asked]], Sequence[asking.Asked]]


def ordered(asked: Asked, seed: int) -> list[str]:
    """The criteria in the order that a judge sees: drawn by seed, prompt and answer, and by nothing else.

    Not by value: which criteria belong together would tell what the answer was guided by.
    """
    return sorted(asked.criteria, key=lambda criterion: _hash([seed, asked.prompt, asked.answer, criterion]))


def criterion_scores(
    completions: pl.DataFrame, rubric_rows: pl.DataFrame, ratings: pl.DataFrame, judge: Judge | None
) -> pl.DataFrame:
    """Table `criterion_scores`; `ratings` are those that count, as `ratings.sorted_ratings` gives them."""
    table = TABLES["criterion_scores"]
    people = ratings.with_columns(
        explanation=pl.when(~is_withheld()).then("explanation"),
        prompt_version=pl.lit(None, pl.String),
        call_id=pl.lit(None, pl.String),
        self_judged=False,
    )
    parts = [people, by_model(completions, rubric_rows, judge)]
    return table.conform(pl.concat([part.select(table.columns.keys()) for part in parts]))


def is_withheld() -> pl.Expr:
    """Whether what a person gives as a reason looks as if it told who somebody is."""
    return moderation.by_words(["explanation"]).is_not_null()


def by_model(completions: pl.DataFrame, rubric_rows: pl.DataFrame, judge: Judge | None) -> pl.DataFrame:
    """The judge's rows of `criterion_scores`, of each completion that takes part; one question each."""
    table = TABLES["criterion_scores"]
    questions = asked_of(completions, rubric_rows) if judge is not None else {}
    if judge is None or not questions:
        return table.schema.to_frame()
    answers = zip(questions.items(), judge(list(questions.values())), strict=True)
    rows = [row for (completion_id, asked), said in answers for row in _rows(completion_id, asked, said)]
    said_of = pl.DataFrame(rows, SAID_OF, orient="row")
    takes_part = completions.select("completion_id", "prompt_id", "model")
    places = rubric_rows.select("prompt_id", "value_id", "criterion_index", "criterion")
    joined = said_of.join(takes_part, on="completion_id").join(places, on=["prompt_id", "criterion"])
    wrote = _undated(pl.col("model")) == _undated(pl.col("rater"))
    return table.conform(joined.with_columns(rater_role=pl.lit(MODEL), self_judged=wrote.fill_null(False)))


def asked_of(completions: pl.DataFrame, rubric_rows: pl.DataFrame) -> Mapping[str, Asked]:
    """What a judge is asked of each completion that takes part, by its id: all its prompt's criteria."""
    criteria = rubric_rows.group_by("prompt_id").agg(pl.col("criterion").unique().sort())
    rows = (
        completions.filter(pl.col("set_aside_for").is_null())
        .join(criteria, on="prompt_id")
        .sort("completion_id")
        .select("completion_id", "prompt", "text", "criterion")
    )
    return {one: Asked(prompt, text, tuple(wanted)) for one, prompt, text, wanted in rows.iter_rows()}


def unjudged(
    completions: pl.DataFrame, rubric_rows: pl.DataFrame, criterion_scores: pl.DataFrame
) -> pl.Series:
    """The completions that a judge was to be asked about and has not answered, sorted."""
    judged = set(criterion_scores.filter(rater_role=MODEL)["completion_id"])
    silent = [one for one in asked_of(completions, rubric_rows) if one not in judged]
    return pl.Series("completion_id", silent, pl.String)


def judge_requests(
    completions: pl.DataFrame,
    rubric_rows: pl.DataFrame,
    criterion_scores: pl.DataFrame,
    questions: Questions | None,
) -> pl.DataFrame:
    """Table `judge_requests`: what the judge has not answered; of equal questions the first."""
    asked = asked_of(completions, rubric_rows)
    silent = unjudged(completions, rubric_rows, criterion_scores).to_list() if questions else []
    if questions is None or not silent:
        return TABLES["judge_requests"].schema.to_frame()
    prompts = dict(completions.select("completion_id", "prompt_id").iter_rows())
    put = zip(silent, questions([asked[one] for one in silent]), strict=True)
    return asking.requests(asking.About(one, prompts[name], name) for name, one in put)


SAID_OF = pl.Schema(
    {
        "completion_id": pl.String,
        "criterion": pl.String,
        "is_met": pl.Boolean,
        "score": pl.Int64,
        "explanation": pl.String,
        "rater": pl.String,
        "prompt_version": pl.String,
        "call_id": pl.String,
    }
)


def _rows(
    completion_id: str, asked: Asked, said: Sequence[Said] | None
) -> Iterator[tuple[str | int | bool, ...]]:
    if said is not None:
        for criterion, one in zip(asked.criteria, said, strict=True):
            yield completion_id, criterion, *one


def _undated(model: pl.Expr) -> pl.Expr:
    return model.str.to_lowercase().str.replace(DATE, "")


def _hash(content: Sequence[str | int]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
