"""What `dft evaluate` does: a file of a model's answers in, how good they are out, beside the baselines."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from rich.console import Console
from rich.table import Table

from dft_pipeline.cli.terminal import shown
from dft_pipeline.training.evaluation import (
    ANSWERS,
    OVER_ITEMS,
    OVER_PROMPTS,
    WILSON,
    Score,
    Whole,
    choice_and_edge_scores,
    execution_score,
    held_out,
    outcomes,
)
from dft_pipeline.training.evaluation_answers import Said, read_answers, said
from dft_pipeline.training.evaluation_items import EXECUTION, TRAIN, questions
from dft_pipeline.training.scores import Judge
from dft_pipeline.values.similarity import Embed
from resources.lake import Lake

ITEMS = "evaluation_items"
NOT_JUDGED = "nothing scores them: that needs a language model (OPENAI_API_KEY)"
NAMES = {
    ANSWERS: "these answers",
    "longest": "the longest",
    "votes": "most votes",
    "pagerank": "highest pagerank",
    "similarity": "most like the prompt",
    "everything": "every option",
}

INTERVALS = {
    WILSON: "Wilson's, each item for itself",
    OVER_PROMPTS: "prompts drawn anew",
    OVER_ITEMS: "items drawn anew, which says nothing of other prompts",
}


class NothingHeldOut(ValueError):
    """No item is on that side or in that fold; says which there are."""


class Chosen(NamedTuple):
    """The items that are asked, and whether by side or by fold."""

    day: date
    items: pl.DataFrame
    by: Mapping[str, str | int]


def asked(lake: Lake, day: date) -> bytes:
    """The items as JSON Lines to put to a model: without their answers, sorted by id."""
    lines = (json.dumps(item, ensure_ascii=False) for item in questions(lake.snapshot(ITEMS, day)))
    return "".join(f"{line}\n" for line in lines).encode()


def chosen(lake: Lake, day: date, split: str, fold: int | None) -> Chosen:
    """The items of a side, or where a fold is given of that. Raises NothingHeldOut."""
    every = lake.snapshot(ITEMS, day)
    items = held_out(every, split, fold)
    by: dict[str, str | int] = {"split": split} if fold is None else {"fold": fold}
    if items.is_empty():
        sides = sorted(set(every["split"]) - {TRAIN})
        folds = every["fold"].drop_nulls().unique().sort().to_list()
        there = [f"--split {side}" for side in sides] + [f"--fold {number}" for number in folds]
        (name, value), *_ = by.items()
        raise NothingHeldOut(
            f"{day}: no item has the {name} {value}; there are: {', '.join(there) or 'none'}"
        )
    return Chosen(day, items, by)


def evaluate(
    lake: Lake, of: Chosen, file: Path, embed: Embed, judge: Judge | None, seed: int
) -> dict[str, Any]:
    """Reads the answers and scores them. Raises RefusedFile."""
    given = read_answers(file, set(lake.snapshot(ITEMS, of.day, ["item_id"])["item_id"]))
    items = of.items.to_dicts()
    answers = {item["item_id"]: said(item, given.get(item["item_id"])) for item in items}
    whole = Whole(*(lake.snapshot(name, of.day) for name in Whole._fields))
    scores = choice_and_edge_scores(items, answers, whole, embed, seed)
    executed = _executed(items, answers, whole, judge, seed)
    return {
        "as_of": str(of.day),
        "file": file.name,
        "held_out_by": of.by,
        "outcomes": outcomes(items, answers),
        "answers_elsewhere": len(given.keys() - answers.keys()),
        "scores": [score._asdict() for score in [*scores, *executed]],
        "unscored": NOT_JUDGED if judge is None else None,
    }


def _executed(
    items: Sequence[dict[str, Any]], answers: Mapping[str, Said], whole: Whole, judge: Judge | None, seed: int
) -> list[Score]:
    return [] if judge is None else [execution_score(items, answers, whole, judge, seed)]


# What a person sees


def print_evaluation(console: Console, told: Mapping[str, Any]) -> None:
    """How many answers count, a table of scores per kind, and what was not scored."""
    ((name, value),) = told["held_out_by"].items()
    console.print(
        f"[bold]{shown(told['file'])}[/bold], {name} {value} as of {told['as_of']}", highlight=False
    )
    for kind, counts in told["outcomes"].items():
        others = ", ".join(
            f"{counts[what]:,} {what}" for what in ("unanswered", "unreadable") if counts[what]
        )
        wrong = f"; {others}, which count as wrong" if others else ""
        console.print(
            f"  {kind}: {counts['answered']:,} of {counts['items']:,} answered{wrong}", highlight=False
        )
    if told["answers_elsewhere"]:
        console.print(f"  {told['answers_elsewhere']:,} answers are to other items", highlight=False)
    for kind in told["outcomes"]:
        scores = [score for score in told["scores"] if score["kind"] == kind and score["items"]]
        if scores:
            console.print(_table(kind, scores))
            console.print(f"[dim]{_sizes(scores)}[/dim]", highlight=False)
    if told["unscored"] and told["outcomes"][EXECUTION]["answered"]:
        console.print(f"{EXECUTION}: {told['unscored']}", highlight=False)


def _table(kind: str, scores: Sequence[Mapping[str, Any]]) -> Table:
    """A line for the answers and each baseline, a column for each metric."""
    metrics = list(dict.fromkeys(score["metric"] for score in scores))
    table = Table(kind, *metrics, box=None, pad_edge=False)
    by_name: dict[str, dict[str, str]] = {}
    for score in scores:
        by_name.setdefault(score["by"], {})[score["metric"]] = _figure(score)
    for name, figures in by_name.items():
        style = "bold" if name == ANSWERS else ""
        table.add_row(NAMES.get(name, name), *(figures.get(metric, "") for metric in metrics), style=style)
    return table


def _sizes(scores: Sequence[Mapping[str, Any]]) -> str:
    """Of how much the figures are, and how their intervals were found."""
    items, prompts = (
        f"{scores[0][size]:,} {one if scores[0][size] == 1 else size}"
        for size, one in (("items", "item"), ("prompts", "prompt"))
    )
    ways = {score["interval"] for score in scores} - {None}
    found = f"; 95 % intervals: {', '.join(INTERVALS[way] for way in sorted(ways))}" if ways else ""
    return f"{items} of {prompts}{found}"


def _figure(score: Mapping[str, Any]) -> str:
    interval = "" if score["low"] is None else f" ({score['low']:.2f}–{score['high']:.2f})"
    return f"{score['value']:.3f}{interval}"
