"""Moral similarity f: which cases and contexts apply to a further prompt, by embedding or by a judge.

What belongs here: the candidates, the decision about each, and what becomes of a prompt to which nothing
applies. Which training rows follow stands in `prompt_contexts` and `rows`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from dft_pipeline.dataset.gates import PERSONAL
from dft_pipeline.dataset.prompt_contexts import conformed, own_contexts, side
from dft_pipeline.policies import MoralSimilarity
from dft_pipeline.values.neighbours import Whole, between, cosines, neighbours, whole
from dft_pipeline.values.similarity import Embed

SAID = pl.Schema(
    {
        "applies": pl.Boolean,
        "confidence": pl.Float64,
        "reason": pl.String,
        "judge": pl.String,
        "prompt_version": pl.String,
    }
)
NO_ANSWER = "no answer that can be trusted"
TARGETS = pl.Schema({"kind": pl.String, "target": pl.String, "text": pl.String})


class Candidate(NamedTuple):
    """What a judge is asked about: a prompt, and the question of a `case` or a `context`."""

    prompt: str
    kind: str
    candidate: str


class Said(NamedTuple):
    """A judge's answer; `judge` has its version in it."""

    applies: bool
    confidence: float
    reason: str
    judge: str
    prompt_version: str


# An answer per candidate, in their order; None where there is none.
Judge = Callable[[Sequence[Candidate]], Sequence[Said | None]]


class World(NamedTuple):
    """What prompts are compared with: `cases` as the app has them, `links`, and the contexts' ids."""

    cases: pl.DataFrame
    links: pl.DataFrame
    contexts: pl.Series


def prompt_contexts(
    turns: pl.DataFrame, world: World, embed: Embed, settings: MoralSimilarity, judge: Judge | None
) -> pl.DataFrame:
    """Table `prompt_contexts` of the cases and of `further_prompts.user_turns`."""
    is_personal = _is_personal()
    fit, unfit = turns.filter(~is_personal), turns.filter(is_personal)
    near = candidates(fit, world, embed, settings)
    decided = _placed(by_embedding(near, settings) if judge is None else by_judge(near, judge))
    rows = [
        own_contexts(world.cases, world.links),
        conformed(decided),
        conformed(_out_of_graph(fit, decided)),
        conformed(_leaks(fit, world.cases, embed, settings)),
        conformed(_personal(unfit)),
    ]
    return conformed(pl.concat(rows))


def candidates(turns: pl.DataFrame, world: World, embed: Embed, settings: MoralSimilarity) -> pl.DataFrame:
    """The most similar cases and contexts of each turn: its columns, kind, target, text, similarity.

    Those below the threshold are none; of equally similar ones the first by id. `near_cases` of a context are
    those that it belongs to, each with the turn's similarity.
    """
    targets = _targets(world)
    vectors = _vectors([*turns["prompt"], *targets["text"]], embed)
    rows, others = np.arange(len(turns)), len(turns) + np.arange(len(targets))
    pairs = between(vectors, rows, others, settings.candidate_threshold)
    found = pl.DataFrame(
        {"turn": pairs.first, "place": pairs.second - len(turns), "similarity": pairs.similarity},
        {"turn": pl.Int64, "place": pl.Int64, "similarity": pl.Float64},
    )
    near = found.join(_numbered(targets, "place"), on="place").join(_numbered(turns, "turn"), on="turn")
    ranked = near.sort("prompt_id", "kind", "similarity", "target", descending=[False, False, True, False])
    best = ranked.group_by("prompt_id", "kind", maintain_order=True).head(settings.most_candidates)
    return _with_cases(best, targets, vectors, len(turns), world.links)


def by_embedding(near: pl.DataFrame, settings: MoralSimilarity) -> pl.DataFrame:
    """The candidates with the threshold's decision."""
    is_case = pl.col("kind") == "case"
    enough = pl.when(is_case).then(settings.case_threshold).otherwise(settings.context_threshold)
    return near.with_columns(
        applies=pl.col("similarity") >= enough,
        context_score=pl.when(pl.col("similarity") >= enough).then("similarity"),
        decided_by=pl.lit("embedding"),
        judge=pl.lit(settings.decider),
    )


def by_judge(near: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """The candidates with the judge's answers; what has none does not apply, and is asked again next time."""
    asked = [Candidate(*row) for row in near.select("prompt", "kind", "text").iter_rows()]
    silent = (None, None, NO_ANSWER, None, None)
    answers = [silent if said is None else said for said in judge(asked)]
    said = pl.DataFrame(answers, SAID, orient="row")
    return near.hstack(said).with_columns(
        context_score=pl.when("applies").then("confidence"), decided_by=pl.lit("model")
    )


def _targets(world: World) -> pl.DataFrame:
    """What prompts are compared with: kind, target (an id), text; sorted."""
    cases = world.cases.select(kind=pl.lit("case"), target="id", text="question")
    contexts = pl.select(kind=pl.lit("context"), target=world.contexts, text=world.contexts)
    return pl.concat([TARGETS.to_frame(), cases, contexts]).sort("kind", "target")


def _vectors(texts: Sequence[str], embed: Embed) -> Whole:
    return whole(np.asarray(embed(texts), np.float32))


def _numbered(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    return frame.with_row_index(name).with_columns(pl.col(name).cast(pl.Int64))


def _with_cases(
    best: pl.DataFrame, targets: pl.DataFrame, vectors: Whole, turns: int, links: pl.DataFrame
) -> pl.DataFrame:
    """Adds to contexts the cases that they belong to, with the prompt's similarity to each."""
    cases = _numbered(targets, "case_place").filter(kind="case").select("case_place", case_id="target")
    pairs = (
        best.filter(kind="context")
        .select("turn", "prompt_id", "target", context_id="target")
        .join(links, on="context_id")
        .join(cases, on="case_id")
    )
    near = cosines(vectors, pairs["turn"].to_numpy(), turns + pairs["case_place"].to_numpy())
    case = pl.struct(case_similarity="near", case_id="case_id")
    listed = pairs.with_columns(near=pl.Series(near)).group_by("prompt_id", "target").agg(near_cases=case)
    return best.join(
        listed.with_columns(kind=pl.lit("context")),
        on=["prompt_id", "kind", "target"],
        how="left",
        maintain_order="left",
    )


def _placed(decided: pl.DataFrame) -> pl.DataFrame:
    """Names cases and contexts in their columns, and for a context that applies the case Γ is asked of."""
    target = pl.col("target")
    named = decided.with_columns(
        case_id=pl.when(kind="case").then(target), context_id=pl.when(kind="context").then(target)
    )
    scores = named.filter("applies", kind="case").select("prompt_id", "case_id", score="context_score")
    asked = (
        named.filter("applies", kind="context")
        .select("prompt_id", "context_id", "near_cases")
        .explode("near_cases")
        .drop_nulls("near_cases")
        .unnest("near_cases")
        .join(scores, on=["prompt_id", "case_id"], how="left")
        .sort(
            ["prompt_id", "context_id", "score", "case_similarity", "case_id"],
            descending=[False, False, True, True, False],
            nulls_last=True,
        )
        .unique(["prompt_id", "context_id"], keep="first", maintain_order=True)
        .select("prompt_id", "context_id", asked_of="case_id")
    )
    placed = named.join(asked, on=["prompt_id", "context_id"], how="left", maintain_order="left")
    return placed.with_columns(case_id=pl.coalesce("case_id", "asked_of")).drop("asked_of", "target", "text")


def _out_of_graph(turns: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The turns to which nothing applies, with the reason."""
    counts = decided.group_by("prompt_id").agg(
        near=pl.len(), some=pl.col("applies").any(), silent=pl.col("applies").is_null().sum()
    )
    lost = turns.join(counts, on="prompt_id", how="left").filter(~pl.col("some").fill_null(False))
    none = pl.lit("no case and no context is similar")
    reason = (
        pl.when(pl.col("near").is_null())
        .then(none)
        .when(pl.col("silent") > 0)
        .then(pl.format("{} of {} candidates have no answer yet, no other applies", "silent", "near"))
        .otherwise(pl.format("none of {} candidates applies", "near"))
    )
    return lost.with_columns(kind=pl.lit("out_of_graph"), reason=reason)


def _leaks(turns: pl.DataFrame, cases: pl.DataFrame, embed: Embed, settings: MoralSimilarity) -> pl.DataFrame:
    """The cases and turns that are too much like a prompt before them that stays, on another side.

    Cases come first, then turns, each by their ids.
    """
    none = pl.lit(None)
    named = {"prompt_id": "id", "prompt": "question", "group": "id"}
    first = cases.select(**named, source_prompt_id=none, turn_index=none).sort("prompt_id")
    then = turns.with_columns(group="source_prompt_id").sort("prompt_id")
    every = pl.concat([first.cast(then.select(first.columns).schema), then.select(first.columns)])
    every = every.with_columns(side=pl.Series([side(group) for group in every["group"]], dtype=pl.String))
    # Once each: a thousand times the same words on the same side are a million pairs.
    distinct = every.unique(["prompt", "side"], keep="first", maintain_order=True)
    left = _left_out(distinct, alike(distinct["prompt"].to_list(), embed, settings))
    return every.join(left, on=["prompt", "side"]).drop("group", "side").with_columns(kind=pl.lit("leak"))


def alike(texts: Sequence[str], embed: Embed, settings: MoralSimilarity) -> dict[tuple[int, int], float]:
    """The texts that may not stand on two sides, by their places, first < second, with the similarity."""
    pairs = neighbours(_vectors(texts, embed), settings.leak_threshold)
    rows = zip(*(column.tolist() for column in pairs), strict=True)
    near = {(first, second): similarity for first, second, similarity in rows}
    # Texts without any known word have no direction, and are alike only where they are the same.
    numbered = pl.DataFrame({"text": texts}, {"text": pl.String}).with_row_index("row")
    same = numbered.join(numbered, on="text", suffix="_other").filter(pl.col("row") < pl.col("row_other"))
    return near | dict.fromkeys(same.select("row", "row_other").iter_rows(), 1.0)


def _left_out(prompts: pl.DataFrame, near: Mapping[tuple[int, int], float]) -> pl.DataFrame:
    """prompt, side, similarity, reason of those that are left out, earlier ones before later ones."""
    names, texts, sides = (prompts[name].to_list() for name in ("prompt_id", "prompt", "side"))
    out: dict[int, tuple[str, str, float, str]] = {}
    for (first, second), similarity in sorted(near.items(), key=lambda pair: pair[0][::-1]):
        if sides[first] != sides[second] and first not in out and second not in out:
            why = f"too much like {names[first]}, which is on the side {sides[first]}"
            out[second] = (texts[second], sides[second], similarity, why)
    schema = {"prompt": pl.String, "side": pl.String, "similarity": pl.Float64, "reason": pl.String}
    return pl.DataFrame(list(out.values()), schema, orient="row")


def _is_personal() -> pl.Expr:
    return pl.any_horizontal(pl.col("prompt").str.contains(pattern) for pattern in PERSONAL.values())


def _personal(turns: pl.DataFrame) -> pl.DataFrame:
    """The turns that look personal, without their text: it is compared with nothing and sent to nobody."""
    kinds = [
        pl.when(pl.col("prompt").str.contains(pattern)).then(pl.lit(kind))
        for kind, pattern in PERSONAL.items()
    ]
    reason = pl.format("it looks as if it held: {}", pl.concat_str(kinds, separator=", ", ignore_nulls=True))
    return turns.with_columns(reason=reason, kind=pl.lit("personal_text"), prompt=pl.lit(None, pl.String))
