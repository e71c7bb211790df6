"""How well a model answers evaluation items, beside what needs no model.

What belongs here: the scores and their intervals. What a text is worth for its prompt is said in `rewards`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.graph.rank import wilson
from dft_pipeline.tables import TABLES
from dft_pipeline.training.baselines import (
    EVERYTHING,
    Item,
    Known,
    Liked,
    Vectors,
    half,
    liked_by,
    most_liked,
    situation,
    texts_of,
)
from dft_pipeline.training.evaluation_answers import Said
from dft_pipeline.training.evaluation_items import EDGE, EXECUTION, VALUE_CHOICE
from dft_pipeline.training.rewards import completion_scores
from dft_pipeline.training.scores import Judge, by_model
from dft_pipeline.values.similarity import Embed

ANSWERS, CHANCE = "answers", "chance"
WILSON, OVER_PROMPTS, OVER_ITEMS = "wilson", "prompts", "items"
RESAMPLES = 1_000
FEWEST_PROMPTS = 5
METRICS = ("precision", "recall", "f1")

Way = Callable[[Item], frozenset[int]]  # what is chosen of an item's options


class Score(NamedTuple):
    """A figure from 0 to 1: the mean over items, with its 95 % interval where one can be given.

    `by`: `answers`, or the baseline. `interval`: how it was found. `prompts`: prompts were drawn anew, with
    all their items; `items`: where there are fewer than FEWEST_PROMPTS, items were, and it says nothing of
    other prompts; `wilson`: of a share, which takes each item for itself. None where nothing varies.
    """

    kind: str
    metric: str
    by: str
    value: float | None
    low: float | None
    high: float | None
    interval: str | None
    items: int
    prompts: int


class Whole(NamedTuple):
    """The tables of the snapshot that scores need."""

    reward_rows: pl.DataFrame
    rubric_rows: pl.DataFrame
    canonical_values: pl.DataFrame
    graph_values: pl.DataFrame
    votes: pl.DataFrame


def held_out(items: pl.DataFrame, split: str | None, fold: int | None) -> pl.DataFrame:
    """The items of a side, or of a fold."""
    return items.filter(pl.col("fold") == fold if fold is not None else pl.col("split") == split)


def outcomes(items: Sequence[Item], answers: Mapping[str, Said]) -> dict[str, dict[str, int]]:
    """By kind: how many items there are, and how many of them are answered, unanswered or unreadable."""
    told: dict[str, dict[str, int]] = {}
    for kind in (VALUE_CHOICE, EDGE, EXECUTION):
        counts = Counter(answers[item["item_id"]].outcome for item in items if item["kind"] == kind)
        told[kind] = {
            "items": counts.total(),
            **{outcome: counts[outcome] for outcome in ("answered", "unanswered", "unreadable")},
        }
    return told


def choice_and_edge_scores(
    items: Sequence[Item], answers: Mapping[str, Said], whole: Whole, embed: Embed, seed: int
) -> list[Score]:
    """How well values were chosen and edges predicted, beside the baselines; what is no answer is wrong."""
    known = _known(items, answers, whole, embed)
    of_kind = {kind: [item for item in items if item["kind"] == kind] for kind in (VALUE_CHOICE, EDGE)}
    ways: dict[str, Way] = {
        ANSWERS: lambda item: answers[item["item_id"]].value_ids,
        **{name: _choosing(liked) for name, liked in liked_by(known).items()},
    }
    named_all = {**ways, EVERYTHING: lambda item: frozenset(item["options"])}
    scores = [
        score for name, way in named_all.items() for score in _choices(of_kind[VALUE_CHOICE], name, way, seed)
    ]
    scores += _by_chance(of_kind[VALUE_CHOICE])
    scores += [_edges(of_kind[EDGE], name, way) for name, way in ways.items()]
    if of_kind[EDGE]:
        scores.append(Score(EDGE, "accuracy", CHANCE, 0.5, None, None, None, *_size(of_kind[EDGE])))
    return [*scores, *_reasons(of_kind[EDGE], answers, whole, known.vectors)]


def execution_score(
    items: Sequence[Item], answers: Mapping[str, Said], whole: Whole, judge: Judge, seed: int
) -> Score:
    """The mean reward of the answers, scored as completions are. What is no answer has a reward of 0.

    Answers of which the judge says nothing are left out: `items` says how many are not.
    """
    prompts = [item for item in items if item["kind"] == EXECUTION]
    rewards = _rewards(as_completions(prompts, answers), whole, judge)
    told = [rewards.get(item["item_id"], 0.0) for item in prompts]
    scored = [(item, reward) for item, reward in zip(prompts, told, strict=True) if reward is not None]
    return _mean(EXECUTION, "reward", ANSWERS, *_unzipped(scored), seed)


def as_completions(prompts: Sequence[Item], answers: Mapping[str, Said]) -> pl.DataFrame:
    """The answers to prompts as rows of `completions`, as far as scores need them, by item_id."""
    of_prompt = ("prompt_id", "prompt", "split", "fold")
    rows = [
        {name: item[name] for name in of_prompt}
        | {"completion_id": item["item_id"], "text": answers[item["item_id"]].text}
        for item in prompts
        if answers[item["item_id"]].text
    ]
    # Whether the judge wrote an answer itself is not known: no model is named.
    columns = ("completion_id", *of_prompt, "text", "model", "set_aside_for")
    return pl.DataFrame(rows, {name: TABLES["completions"].schema[name] for name in columns})


def _rewards(completions: pl.DataFrame, whole: Whole, judge: Judge) -> dict[str, float | None]:
    said = by_model(completions, whole.rubric_rows, judge)
    scores = completion_scores(completions, said, whole.rubric_rows, whole.reward_rows)
    return dict(scores.select("completion_id", "reward").unique().iter_rows())


def _unzipped(scored: Sequence[tuple[Item, float]]) -> tuple[list[Item], list[float]]:
    return [item for item, _ in scored], [reward for _, reward in scored]


# Which values


def _choosing(liked: Liked) -> Way:
    return lambda item: most_liked(item, liked)


def overlap(chosen: frozenset[int], right: frozenset[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of a set; naming nothing is right about nothing."""
    both = len(chosen & right)
    return (
        both / len(chosen) if chosen else 0.0,
        both / len(right),
        2 * both / (len(chosen) + len(right)),
    )


def _choices(items: Sequence[Item], name: str, way: Way, seed: int) -> Iterator[Score]:
    told = [overlap(way(item), frozenset(item["answer_value_ids"])) for item in items]
    for place, metric in enumerate(METRICS):
        yield _mean(VALUE_CHOICE, metric, name, items, [one[place] for one in told], seed)


def _by_chance(items: Sequence[Item]) -> Iterator[Score]:
    """What half of the options, drawn blindly, would have on average."""
    if not items:
        return
    told = [
        expected_overlap(half(item), len(item["answer_value_ids"]), len(item["options"])) for item in items
    ]
    for place, metric in enumerate(METRICS):
        value = float(np.mean([one[place] for one in told]))
        yield Score(VALUE_CHOICE, metric, CHANCE, value, None, None, None, *_size(items))


def expected_overlap(chosen: int, right: int, options: int) -> tuple[float, float, float]:
    """The mean of `overlap` over all sets of so many options."""
    both = chosen * right / options
    return both / chosen, both / right, 2 * both / (chosen + right)


# Which of two


def _edges(items: Sequence[Item], name: str, way: Way) -> Score:
    right = [way(item) == frozenset(item["answer_value_ids"]) for item in items]
    return _share(EDGE, "accuracy", name, items, right)


def _reasons(
    items: Sequence[Item], answers: Mapping[str, Said], whole: Whole, vectors: Vectors
) -> list[Score]:
    """How often a reason is more like the wiser value's criteria than the other's, where one is given."""
    criteria = _criteria(whole.canonical_values)
    given = [item for item in items if answers[item["item_id"]].why]
    nearer = []
    for item in given:
        why, (right,) = answers[item["item_id"]].why or "", item["answer_value_ids"]
        (other,) = set(item["options"]) - {right}
        nearer.append(vectors.likeness(why, criteria[right]) > vectors.likeness(why, criteria[other]))
    return [_share(EDGE, "reason", ANSWERS, given, nearer)] if given else []


# What they have in common


def _known(items: Sequence[Item], answers: Mapping[str, Said], whole: Whole, embed: Embed) -> Known:
    texts = texts_of(whole.canonical_values.to_dicts())
    asked = [item for item in items if item["kind"] != EXECUTION]
    compared = [
        *(situation(item) for item in asked),
        *(texts[value] for item in asked for value in item["options"]),
        *_criteria(whole.canonical_values).values(),
        *(answers[item["item_id"]].why or "" for item in asked),
    ]
    counted = whole.votes.filter("is_vote").group_by("value_id").len()
    everywhere = whole.graph_values.filter(pl.col("scope") == "all")
    return Known(
        texts,
        dict(counted.iter_rows()),
        dict(everywhere.select("value_id", "pagerank").iter_rows()),
        Vectors(compared, embed),
    )


def _criteria(canonical_values: pl.DataFrame) -> dict[int, str]:
    return dict(canonical_values.select("value_id", pl.col("criteria").list.join("\n")).iter_rows())


def _size(items: Sequence[Item]) -> tuple[int, int]:
    return len(items), len({item["prompt_id"] for item in items})


def _share(kind: str, metric: str, by: str, items: Sequence[Item], right: Sequence[bool]) -> Score:
    if not items:
        return Score(kind, metric, by, None, None, None, None, 0, 0)
    low, high = wilson(np.array([sum(right)]), np.array([len(right)]))[:, 0]
    return Score(kind, metric, by, sum(right) / len(right), float(low), float(high), WILSON, *_size(items))


def _mean(
    kind: str, metric: str, by: str, items: Sequence[Item], values: Sequence[float], seed: int
) -> Score:
    if not items:
        return Score(kind, metric, by, None, None, None, None, 0, 0)
    prompt_ids = [item["prompt_id"] for item in items]
    is_over_prompts = len(set(prompt_ids)) >= FEWEST_PROMPTS
    drawn = prompt_ids if is_over_prompts else [item["item_id"] for item in items]
    low, high = bootstrapped(drawn, values, seed) or (None, None)
    way = None if low is None else OVER_PROMPTS if is_over_prompts else OVER_ITEMS
    return Score(kind, metric, by, float(np.mean(values)), low, high, way, *_size(items))


def bootstrapped(groups: Sequence[str], values: Iterable[float], seed: int) -> tuple[float, float] | None:
    """The 95 % interval of a mean over items when groups of them are drawn anew; None for a single group."""
    names, places = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        return None
    sums = np.bincount(places, np.fromiter(values, np.float64), len(names))
    counts = np.bincount(places, minlength=len(names))
    drawn: NDArray[np.int64] = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
