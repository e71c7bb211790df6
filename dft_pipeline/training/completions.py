"""Completions: those that were loaded, and those that a language model writes for the training rows.

What belongs here: what becomes of each, with its marks, its side and why it is set aside. Which are wanted
stands in `wishes`, and how a model is asked in `resources`.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import polars as pl
from pydantic import BaseModel

from dft_pipeline.dataset.prompt_contexts import LEFT_OUT
from dft_pipeline.policies import Training
from dft_pipeline.tables import TABLES
from dft_pipeline.training import marks, moderation
from dft_pipeline.training.answers import AnswerToModerate, AnswerToRevise, PromptAlone, PromptAndValue
from dft_pipeline.training.asking import About, Ask, requests
from dft_pipeline.training.wishes import Wish, wishes

TABLE = TABLES["completions"]
ID_DIGITS = 32
PERSONAL_PROMPT = "personal_text"
Row = dict[str, Any]
TOLD = pl.Schema({"completion_id": pl.String, "verdict": pl.String, "judge": pl.String})


class World(NamedTuple):
    """What completions are made from: the snapshot's tables, and the ids of its contexts."""

    prompt_contexts: pl.DataFrame
    reward_rows: pl.DataFrame
    wisdom_edges: pl.DataFrame
    canonical_values: pl.DataFrame
    contexts: pl.Series

    @property
    def marks(self) -> marks.Known:
        """What marks in a text may name."""
        criteria = self.canonical_values["criteria"].explode().drop_nulls()
        return marks.Known(set(self.contexts), set(criteria))


class Made(NamedTuple):
    """The tables `completions` and `completion_requests`."""

    completions: pl.DataFrame
    requests: pl.DataFrame


def completions(loaded: pl.DataFrame, world: World, settings: Training, ask: Ask | None) -> Made:
    """Loaded completions (`loaded_completions.answered`), and those written where `settings.writes`.

    `ask`: a language model, or what it has answered before; None where nothing is asked.
    """
    known = world.marks
    questions: list[About] = []
    rows = [_loaded(row, known) for row in loaded.iter_rows(named=True)]
    if settings.writes and ask is not None:
        wanted = wishes(world.reward_rows, world.wisdom_edges, world.canonical_values, settings.seed)
        rows += _written(wanted, known, ask, questions)
    # One that was written here, handed out and loaded again is the one that was written.
    distinct = {row["completion_id"]: row for row in rows}
    placed = _placed(pl.DataFrame(list(distinct.values()), _DRAFT, orient="row"), world)
    judged = placed if ask is None else _judged(placed, ask, questions)
    return Made(_finished(judged), requests(questions))


_DRAFT = pl.Schema(
    {
        name: dtype
        for name, dtype in TABLE.schema.items()
        if name not in ("prompt", "moderated_by", "set_aside_for", "split", "fold")
    }
)


def _loaded(row: Row, known: marks.Known) -> Row:
    return {
        **dict.fromkeys(_DRAFT),
        "completion_id": row["id"],
        "prompt_id": row["prompt_id"],
        "kind": "loaded",
        "model": row["model"],
        "source": row["source"],
        "is_synthetic": row["isSynthetic"],
        **_marked(marks.read(row["text"], known)),
    }


def _marked(read: marks.Marks) -> Row:
    return {"text": read.text, "marked_text": read.marked_text, "marks_rule": read.rule}


# What a model writes


def _written(wanted: Sequence[Wish], known: marks.Known, ask: Ask, questions: list[About]) -> Iterator[Row]:
    """First what needs no other answer, then revisions of the naive ones that nothing is found in."""
    asked = _asked("naive_answer", [one for one in wanted if one.kind == "naive"], ask, questions)
    naive = [{**row, **_marked(marks.read(row["text"], known))} for row in asked]
    yield from naive
    guided = [one for one in wanted if one.kind in ("guided", "less_wise", "shuffled")]
    for row in _asked("guided_answer", guided, ask, questions):
        marked = row.pop("marked").strip() or row["text"]
        yield {**row, **_marked(marks.read(marked, known, row["text"]))}
    fit = pl.DataFrame(naive, _DRAFT).filter(moderation.by_rules().is_null())
    found = {row["prompt_id"]: row for row in fit.iter_rows(named=True)}
    to_revise = [one for one in wanted if one.kind == "revision" and one.prompt_id in found]
    for row in _asked("revise_answer", to_revise, ask, questions, found):
        revision, naive_id = row.pop("revision"), found[row["prompt_id"]]["completion_id"]
        yield {**row, **_marked(marks.read(revision, known)), "revises_id": naive_id}


def _asked(
    name: str, wanted: Sequence[Wish], ask: Ask, questions: list[About], naive: dict[str, Row] | None = None
) -> Iterator[Row]:
    """The completions that a prompt gives, each with the fields of its answer; keeps the questions."""
    items = [_item(wish, naive or {}) for wish in wanted]
    answers = ask(name, items) if items else []
    for wish, asked in zip(wanted, answers, strict=True):
        questions.append(About(asked, wish.prompt_id))
        if asked.answer is not None:
            yield {
                **dict.fromkeys(_DRAFT),
                "completion_id": _completion_id(wish, asked.request_id),
                **{column: getattr(wish, column) for column in _OF_WISH},
                "model": asked.model,
                "parameters": asked.parameters,
                "prompt_version": asked.prompt,
                "is_synthetic": True,
                **asked.answer.model_dump(),
            }


_OF_WISH = ("kind", "prompt_id", "row_id", "value_id", "edge_id")


def _item(wish: Wish, naive: dict[str, Row]) -> BaseModel:
    if wish.card is None:
        return PromptAlone(prompt=wish.prompt)
    if wish.kind == "revision":
        return AnswerToRevise(prompt=wish.prompt, text=naive[wish.prompt_id]["text"], value=wish.card)
    return PromptAndValue(prompt=wish.prompt, context=wish.context, value=wish.card)


def _completion_id(wish: Wish, request_id: str) -> str:
    """The same as long as the same is asked for the same reason."""
    meaning = [wish.kind, wish.prompt_id, wish.value_id, wish.edge_id, request_id]
    content = json.dumps(meaning, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:ID_DIGITS]


# What becomes of each


def _placed(rows: pl.DataFrame, world: World) -> pl.DataFrame:
    """Adds the prompt's text and side, and why a prompt has no training rows or what the words say."""
    places = world.reward_rows.select("prompt_id", "split", "fold").unique("prompt_id", keep="any")
    told = world.prompt_contexts.select(
        "prompt_id",
        "prompt",
        why=pl.when(pl.col("kind").is_in([*LEFT_OUT, "out_of_graph"])).then("kind"),
    )
    prompts = told.group_by("prompt_id").agg(pl.col("prompt", "why").drop_nulls().first())
    found = rows.join(prompts, on="prompt_id", how="left").join(places, on="prompt_id", how="left")
    no_rows = pl.format(moderation.NO_ROWS, pl.col("why").fill_null("no_value"))
    return found.with_columns(
        set_aside_for=pl.coalesce(pl.when(pl.col("split").is_null()).then(no_rows), moderation.by_rules()),
        moderated_by=pl.lit(moderation.WORDS),
    )


def _judged(rows: pl.DataFrame, ask: Ask, questions: list[About]) -> pl.DataFrame:
    """Adds the language model's verdicts on what is not set aside; without one the words' stands."""
    open_ones = rows.filter(pl.col("set_aside_for").is_null()).sort("completion_id")
    columns = ("completion_id", "prompt_id", "prompt", "text")
    asked_of = open_ones.select(columns).rows(named=True)
    items = [AnswerToModerate(prompt=row["prompt"], text=row["text"]) for row in asked_of]
    told: list[tuple[str, str | None, str]] = []
    for row, asked in zip(asked_of, ask("moderate", items) if items else [], strict=True):
        questions.append(About(asked, row["prompt_id"], row["completion_id"]))
        name = f"{asked.model}/{asked.prompt}"
        if asked.is_refused:
            told.append((row["completion_id"], moderation.REFUSED, name))
        elif asked.answer is not None:
            is_fine = asked.answer.verdict == "fine"
            verdict = None if is_fine else f"flagged: {asked.answer.reason}"
            told.append((row["completion_id"], verdict, name))
    said = rows.join(pl.DataFrame(told, TOLD, orient="row"), on="completion_id", how="left")
    return said.with_columns(
        set_aside_for=pl.coalesce("set_aside_for", "verdict"),
        moderated_by=pl.coalesce("judge", "moderated_by"),
    )


def _finished(rows: pl.DataFrame) -> pl.DataFrame:
    """With leaks set aside, and without the texts that look personal, or answer what looks so."""
    stays, leaves = rows.filter(pl.col("set_aside_for").is_null()), rows.drop_nulls("set_aside_for")
    leak = pl.when(moderation.leaks(stays)).then(pl.lit(moderation.LEAK))
    of_personal = pl.col("set_aside_for").eq_missing(pl.lit(moderation.NO_ROWS.format(PERSONAL_PROMPT)))
    withheld = moderation.by_words().is_not_null() | of_personal
    shown = [pl.when(~withheld).then(name).alias(name) for name in ("text", "marked_text", "critique")]
    return TABLE.conform(pl.concat([stays.with_columns(set_aside_for=leak), leaves]).with_columns(shown))
