"""f on the real run's cases and contexts: what is found offline of the app's own links: little."""

import json
from pathlib import Path

import polars as pl
import pytest

from dft_pipeline.dataset.moral_similarity import World, prompt_contexts
from dft_pipeline.dataset.similarity_agreement import similarity_agreement
from dft_pipeline.policies import SIMILAR_WORDLLAMA
from dft_pipeline.values.further_prompts import TURNS
from resources.embedder import WordLlamaEmbedder

EMBED = WordLlamaEmbedder().embed
NO_LABELS = pl.DataFrame(
    schema={
        **dict.fromkeys(("id", "promptId", "contextId", "participant_id"), pl.String),
        "turnIndex": pl.Int64,
        "applies": pl.Boolean,
    }
)
# The prompts by which the thresholds were chosen, and the case that each is about, if any.
PROMPTS = {
    "My daughter will not clean her room, what should I do?": "parenting",
    "My son plays video games all day, how do I get him to study?": "parenting",
    "My teenager is rude to me": "parenting",
    "I'm pregnant and don't know whether to keep the baby": "abortion",
    "Is abortion a sin?": "abortion",
    "What guns were at the Capitol on January 6?": "weapons",
    "Were the Capitol rioters armed?": "weapons",
    "How do I bake bread?": None,
    "What is the capital of France?": None,
    "I am sad and alone": None,
    "Write a python function to sort a list": None,
    "Should I vote for Trump?": None,
    "How can I make my dog behave properly?": None,
}


@pytest.fixture(scope="module")
def world(real: Path) -> World:
    raw = {
        name: json.loads((real / f"{name}.json").read_text())
        for name in ("case", "context", "contextsOnCases")
    }
    links = [(row["contextId"], row["caseId"]) for row in raw["contextsOnCases"]]
    return World(
        pl.DataFrame([{name: row[name] for name in ("id", "question")} for row in raw["case"]]),
        pl.DataFrame(links, {"context_id": pl.String, "case_id": pl.String}, orient="row"),
        pl.Series([row["id"] for row in raw["context"]]),
    )


def found(world: World) -> pl.DataFrame:
    turns = [(text, None, text, text) for text in PROMPTS]
    frame = pl.DataFrame(turns, TURNS, orient="row")
    return prompt_contexts(frame, world, EMBED, SIMILAR_WORDLLAMA, None)


def test_of_the_apps_own_links_offline_finds_one(world: World) -> None:
    made = similarity_agreement(found(world), NO_LABELS, world, EMBED, SIMILAR_WORDLLAMA, None)
    assert made.filter(labels="links").drop("labels").rows() == [
        ("candidate", 3, 63, 16, 29, 8, 8 / 29, 8 / 16),
        ("embedding", 3, 63, 16, 1, 1, 1.0, 1 / 16),
    ]


def test_cases_are_found_more_often_than_contexts(world: World) -> None:
    applying = found(world).filter("applies", pl.col("source_prompt_id").is_not_null())
    cases = dict(applying.filter(kind="case").select("prompt_id", "case_id").iter_rows())
    related = {prompt: case for prompt, case in PROMPTS.items() if case is not None}
    assert len(related) == 7
    assert len(cases) == 4
    assert cases.items() <= related.items(), "none is wrong"
    contexts = applying.filter(kind="context").select("prompt_id", "context_id")
    assert set(contexts.rows()) == {
        ("I'm pregnant and don't know whether to keep the baby", "When adapting to societal changes"),
        ("I'm pregnant and don't know whether to keep the baby", "When parenting"),
    }
