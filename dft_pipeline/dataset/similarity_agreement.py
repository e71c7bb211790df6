"""How well f finds contexts: against the data's own links, and against people's labels of further prompts."""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.dataset.moral_similarity import Judge, World, by_embedding, by_judge, candidates
from dft_pipeline.policies import MoralSimilarity
from dft_pipeline.tables import TABLES
from dft_pipeline.values.evaluation import rates
from dft_pipeline.values.similarity import Embed

PAIR = ("prompt_id", "context_id")


def similarity_agreement(
    prompt_contexts: pl.DataFrame,
    labels: pl.DataFrame,
    world: World,
    embed: Embed,
    settings: MoralSimilarity,
    judge: Judge | None,
) -> pl.DataFrame:
    """Table `similarity_agreement`; `labels` are the admitted rows of `contextLabel`.

    A judge is asked of the cases' own questions only where there are further prompts that it is needed for.
    """
    questions = world.cases.select(prompt_id="id", source_prompt_id="id", prompt="question")
    near = candidates(questions, world, embed, settings)
    further = prompt_contexts.filter(pl.col("decided_by") != "data", kind="context")
    is_used = prompt_contexts["source_prompt_id"].is_not_null().any()
    found = {
        "links": _ways(near, settings, judge if is_used else None),
        "people": _decided(further, settings, judge is not None),
    }
    known = {"links": _links(world), "people": majority(labels, prompt_contexts)}
    table = TABLES["similarity_agreement"]
    rows = [
        (name, way, *_measured(known[name], pairs))
        for name, ways in found.items()
        for way, pairs in ways.items()
    ]
    return table.conform(pl.DataFrame(rows, table.schema, orient="row"))


def majority(labels: pl.DataFrame, prompt_contexts: pl.DataFrame) -> pl.DataFrame:
    """What most people said of a turn and a context: PAIR, applies; sorted. Ties are left out.

    Of a participant's labels of the same turn and context the one with the highest id counts.
    """
    turns = prompt_contexts.filter(pl.col("source_prompt_id").is_not_null()).select(
        "prompt_id", promptId="source_prompt_id", turnIndex=pl.col("turn_index").fill_null(0)
    )
    named = labels.with_columns(pl.col("turnIndex").fill_null(0)).join(
        turns.unique(), on=["promptId", "turnIndex"]
    )
    # Who is no participant has no name, so that each of those labels is somebody's.
    whose = pl.coalesce("participant_id", pl.format("label {}", "id"))
    voices = named.with_columns(whose=whose, context_id="contextId").sort("id")
    voices = voices.unique([*PAIR, "whose"], keep="last", maintain_order=True)
    yes, no = pl.col("applies").sum(), (~pl.col("applies")).sum()
    said = voices.group_by(PAIR).agg(applies=yes > no, is_tied=yes == no)
    return said.filter(~pl.col("is_tied")).drop("is_tied").sort(PAIR)


def _links(world: World) -> pl.DataFrame:
    """Every case and context, and whether the data has the link."""
    every = world.cases.select(prompt_id="id").join(pl.select(context_id=world.contexts), how="cross")
    own = world.links.select("context_id", prompt_id="case_id", applies=pl.lit(True))
    return every.join(own, on=PAIR, how="left").with_columns(pl.col("applies").fill_null(False))


def _ways(near: pl.DataFrame, settings: MoralSimilarity, judge: Judge | None) -> Mapping[str, pl.DataFrame]:
    """The contexts that each way finds for the prompts of `candidates`: PAIR."""
    contexts = near.filter(kind="context").with_columns(context_id="target")
    ways = {"candidate": contexts, "embedding": by_embedding(contexts, settings).filter("applies")}
    if judge is not None:
        ways["model"] = by_judge(contexts, judge).filter("applies")
    return ways


def _decided(
    contexts: pl.DataFrame, settings: MoralSimilarity, has_judge: bool
) -> Mapping[str, pl.DataFrame]:
    """The same, of the rows of `prompt_contexts` about the contexts of further prompts."""
    near = pl.col("similarity") >= settings.context_threshold
    ways = {"candidate": contexts, "embedding": contexts.filter(near)}
    return ways | ({"model": contexts.filter("applies")} if has_judge else {})


def _measured(known: pl.DataFrame, found: pl.DataFrame) -> tuple[float | None, ...]:
    """The table's figures, from `prompts` on."""
    yes = known.filter("applies")
    both, right = (rows.join(found, on=PAIR, how="semi").height for rows in (known, yes))
    precision, recall, _ = rates(right, both, len(yes))
    return (known["prompt_id"].n_unique(), len(known), len(yes), both, right, precision, recall)
