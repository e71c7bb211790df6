"""Completions, scores and rankings for the tests of preference pairs: one good row each, and many drawn.

What belongs here: inputs only.
"""

from collections.abc import Iterable
from typing import Any

import polars as pl
import strategies as some
from hypothesis import strategies as st

from dft_pipeline.dataset.prompt_contexts import side
from dft_pipeline.training.candidates import Answers

Row = dict[str, Any]
PROMPTS = ("abortion", "weed")
COMPLETIONS = pl.Schema(
    {
        **dict.fromkeys(("completion_id", "prompt_id", "prompt", "kind", "text", "row_id"), pl.String),
        "value_id": pl.Int64,
        **dict.fromkeys(("edge_id", "revises_id", "set_aside_for", "split"), pl.String),
        "fold": pl.Int64,
    }
)
SCORES = pl.Schema(
    {
        **dict.fromkeys(("completion_id", "prompt_id"), pl.String),
        "value_id": pl.Int64,
        "executed": pl.Float64,
        "scored_by": pl.String,
        "reward": pl.Float64,
    }
)
RANKINGS = pl.Schema(
    {
        "value_id": pl.Int64,
        **dict.fromkeys(("prompt_id", "rater", "completion_id"), pl.String),
        "rank": pl.Int64,
    }
)
AGREEMENT = pl.Schema(
    {"value_id": pl.Int64, "criterion_index": pl.Int64, "judge": pl.String, "is_trusted": pl.Boolean}
)


def completion(name: str, kind: str = "loaded", value: int | None = None, **more: object) -> Row:
    """An answer to the first prompt; its text is as long as its name."""
    prompt = str(more.get("prompt_id", PROMPTS[0]))
    row_id = None if value is None else reward_row(value, prompt)["row_id"]
    return {
        "completion_id": name,
        "prompt_id": prompt,
        "prompt": f"What about {prompt}?",
        "kind": kind,
        "text": name,
        "row_id": row_id,
        "value_id": value,
        "split": side(prompt),
        "fold": PROMPTS.index(prompt),
    } | more


def score(name: str, value: int, executed: float | None, reward: float | None = None, **more: object) -> Row:
    return {
        "completion_id": name,
        "prompt_id": PROMPTS[0],
        "value_id": value,
        "executed": executed,
        "scored_by": None if executed is None else "people",
        "reward": reward,
    } | more


def ranking(rater: str, value: int, *places: str, prompt_id: str = PROMPTS[0]) -> list[Row]:
    """One rater's ranking: a word per place, of the completions that share it, one letter each."""
    return [
        {"value_id": value, "prompt_id": prompt_id, "rater": rater, "completion_id": name, "rank": rank}
        for rank, names in enumerate(places, start=1)
        for name in names
    ]


def reward_row(value: int, prompt: str = PROMPTS[0], context: str | None = None, **more: object) -> Row:
    number = sum(map(ord, f"{prompt}{context}")) * 1000 + value
    return {
        "row_id": f"{number:032x}",
        "prompt_id": prompt,
        "prompt": f"What about {prompt}?",
        "case_id": prompt,
        "context_id": context,
        "value_id": value,
        "split": side(prompt),
        "is_contested": False,
    } | more


def value_pair(edge_id: str, prompt: str = PROMPTS[0], is_contested: bool = False) -> Row:
    return {
        "edge_id": edge_id,
        "prompt_id": prompt,
        "prompt": f"What about {prompt}?",
        "split": side(prompt),
        "is_contested": is_contested,
    }


def answers(
    completions: Iterable[Row] = (),
    scores: Iterable[Row] = (),
    rankings: Iterable[Row] = (),
    rows: Iterable[Row] | None = None,
    value_pairs: Iterable[Row] = (),
    trusted: bool | None = None,
) -> Answers:
    """`trusted`: what the row of all criteria together says of the judge; None where there is none."""
    said = [] if trusted is None else [{"judge": "j", "is_trusted": trusted}]
    every = (
        [reward_row(value, prompt) for value in some.VALUES for prompt in PROMPTS] if rows is None else rows
    )
    return Answers(
        pl.DataFrame(list(completions), COMPLETIONS),
        pl.DataFrame(list(scores), SCORES),
        pl.DataFrame(list(rankings), RANKINGS),
        pl.DataFrame(
            [{"value_id": 3, "criterion_index": 0, "judge": "j", "is_trusted": True}, *said], AGREEMENT
        ),
        some.frame("reward_rows", every),
        some.frame("value_pairs", value_pairs),
    )


EXECUTED = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0)


@st.composite
def many_answers(draw: st.DrawFn) -> Answers:
    """A few completions of each kind for two prompts, most of them scored, some ranked."""
    completions: list[Row] = []
    for number in range(draw(st.integers(0, 14))):
        prompt = draw(st.sampled_from(PROMPTS))
        text = draw(st.text("ab ", min_size=1, max_size=12))
        aside = draw(st.sampled_from((None, None, None, None, "flagged: word")))
        more: Row = {"prompt_id": prompt, "text": text, "set_aside_for": aside}
        kind = draw(
            st.sampled_from(("loaded", "naive", "guided", "guided", "less_wise", "shuffled", "revision"))
        )
        value = None if kind in ("loaded", "naive") else draw(st.sampled_from(some.VALUES[:3]))
        if kind == "less_wise":
            wiser = draw(st.sampled_from(some.VALUES[1:3]))
            more |= {"edge_id": f"case:{prompt}|3|{wiser}", "row_id": reward_row(wiser, prompt)["row_id"]}
            value = 3
        if kind == "revision":
            naive = [
                c["completion_id"] for c in completions if (c["kind"], c["prompt_id"]) == ("naive", prompt)
            ]
            more["revises_id"] = draw(st.sampled_from([*naive, "gone"]))
        completions.append(completion(f"c{number}", kind, value, **more))
    return draw(_rated(completions))


@st.composite
def _rated(draw: st.DrawFn, completions: list[Row]) -> Answers:
    scores, rankings = [], []
    for one in completions:
        place = {"prompt_id": one["prompt_id"]}
        reward = draw(st.sampled_from((None, 0.1, 0.3, 0.5, 0.9)))
        for value in some.VALUES[:2]:
            executed = (
                draw(st.sampled_from((None, *EXECUTED)))
                if reward is None
                else draw(st.sampled_from(EXECUTED))
            )
            by = None if executed is None else draw(st.sampled_from(("people", "people", "model")))
            scores.append(score(one["completion_id"], value, executed, reward, scored_by=by, **place))
        rankings += [
            {**place, "value_id": 7, "rater": rater, "completion_id": one["completion_id"], "rank": rank}
            for rater in ("ann", "bob", "cat")
            if (rank := draw(st.integers(0, 3)))
        ]
    trusted = draw(st.sampled_from((None, True, False)))
    pairs = [value_pair(f"case:{prompt}|3|7", prompt, draw(st.booleans())) for prompt in PROMPTS]
    rows = [
        reward_row(value, prompt, context, is_contested=draw(st.booleans()))
        for value in some.VALUES
        for prompt in PROMPTS
        for context in (None, "When alone")
    ]
    return answers(completions, scores, rankings, rows, pairs, trusted)
