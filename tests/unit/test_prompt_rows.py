"""Training rows of further prompts: what Γ chose where they apply, and the cases' own rows as they were."""

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings

from dft_pipeline.dataset.prompt_contexts import conformed, own_contexts, side
from dft_pipeline.dataset.rows import reward_rows, row_id, rubric_rows, uneven_prompts
from dft_pipeline.policies import Aggregation

LENIENT = Aggregation(h=1, min_participants=1, min_share=0.1)
FIRST, SECOND = sorted(some.CASES)


def further(prompt_id: str, *has: tuple[str, str | None, float], **more: object) -> pl.DataFrame:
    """Rows of `prompt_contexts`: a prompt, and each case (and context) that applies to it, with its score."""
    rows = [
        {
            "prompt_id": prompt_id,
            "source_prompt_id": "talk",
            "turn_index": 1,
            "prompt": "Why?",
            "kind": "case" if context_id is None else "context",
            "case_id": case_id,
            "context_id": context_id,
            "applies": True,
            "context_score": score,
        }
        | more
        for case_id, context_id, score in has
    ]
    return conformed(pl.DataFrame(rows))


@settings(max_examples=6)
@given(some.publics())
def test_a_prompt_has_what_gamma_chose_where_it_applies(public: some.Public) -> None:
    snapshot = some.snapshot(public, some.EASY)
    own = own_contexts(snapshot.cases, snapshot.links)
    alone = reward_rows(snapshot, "easy", LENIENT)
    links = snapshot.links.filter(case_id=FIRST)["context_id"].to_list()
    has = [(FIRST, None, 0.5), (SECOND, None, 0.25), *((FIRST, context, 0.75) for context in links)]
    rows = reward_rows(snapshot, "easy", LENIENT, prompt_contexts=pl.concat([own, further("talk#1", *has)]))
    assert rows.filter(pl.col("prompt_id") != "talk#1").equals(alone), "the cases' rows stay as they are"
    best: dict[tuple[str | None, int], tuple[float, str, float]] = {}
    for case_id, context_id, score in has:
        chosen = alone.filter(pl.col("context_id").eq_missing(pl.lit(context_id)), prompt_id=case_id)
        for value_id, share in chosen.select("value_id", "share").iter_rows():
            told = best.get((context_id, value_id))
            if told is None or score * share > told[2] * told[0] + 1e-12:
                best[context_id, value_id] = (share, case_id, score)
    found = {
        (row["context_id"], row["value_id"]): (row["share"], row["case_id"], row["context_score"])
        for row in rows.filter(prompt_id="talk#1").iter_rows(named=True)
    }
    assert {key: one[0] * one[2] for key, one in found.items()} == pytest.approx(
        {key: one[0] * one[2] for key, one in best.items()}
    )
    assert rows["row_id"].is_unique().all()
    for row in rows.filter(prompt_id="talk#1").iter_rows(named=True):
        assert row["row_id"] == row_id("talk#1", row["context_id"], row["value_id"], "easy", 1)
        assert (row["prompt"], row["turn_index"], row["fold"]) == ("Why?", 1, None)
        assert row["split"] == side("talk"), "all turns of a conversation are on its side"
    rubric = rubric_rows(rows)
    assert uneven_prompts(rubric) == []
    assert set(rubric.filter(prompt_id="talk#1")["turn_index"]) <= {1}


@settings(max_examples=6)
@given(some.publics())
def test_what_does_not_apply_or_is_left_out_has_no_rows(public: some.Public) -> None:
    snapshot = some.snapshot(public, some.EASY)
    own = own_contexts(snapshot.cases, snapshot.links)
    no = further("no", (FIRST, None, 0.5), applies=False)
    silent = further("silent", (FIRST, None, 0.5), applies=None)
    leaky = further("leaky", (FIRST, None, 0.5))
    leak = further("leaky", (FIRST, None, 0.5), kind="leak", applies=None, case_id=None)
    rows = reward_rows(snapshot, "easy", LENIENT, prompt_contexts=pl.concat([own, no, silent, leaky, leak]))
    assert rows.equals(reward_rows(snapshot, "easy", LENIENT))
