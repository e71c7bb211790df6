"""What follows from a dispute: votes that do not count, rows that say so; against a plain reading."""

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings

from dft_pipeline.dataset.rows import reward_rows, rubric_rows
from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.disputes import counted_votes, erased_votes, values_in_dispute
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.policies import Aggregation, ConsensusPolicy

Erased = set[tuple[str, str, int]]
ERASING = some.EASY.model_copy(update={"unwind": "component", "erase_votes": True})
LENIENT = Aggregation(h=0, min_participants=1, min_share=0.1)


def contexts_of(public: some.Public, scope: str) -> set[str]:
    kind, _, name = scope.partition(":")
    of_case = set(public.links.filter(case_id=name)["context_id"])
    return {"all": set(some.CONTEXTS), "context": {name}}.get(kind, of_case)


def disputed(public: some.Public, policy: ConsensusPolicy) -> pl.DataFrame:
    tallies = pair_tallies(public.judgments, public.links, policy)
    return contested(tallies, public.judgments, public.links, public.groups)


def plain_erased(public: some.Public, table: pl.DataFrame) -> Erased:
    found: Erased = set()
    for row in table.filter(pl.col("kind") != "contested_direction").to_dicts():
        pairs = {(edge["source_value_id"], edge["wiser_value_id"]) for edge in row["edges"]}
        for said in public.judgments.to_dicts():
            inside = (said["source_value_id"], said["wiser_value_id"]) in pairs
            if inside and said["context_id"] in contexts_of(public, row["scope"]):
                found |= {(row["scope"], said["participant_id"], value) for value in row["value_ids"]}
    return found


@settings(max_examples=12)
@given(some.publics())
def test_votes_of_judges_for_the_values_of_a_component(public: some.Public) -> None:
    table = disputed(public, ERASING)
    erased = erased_votes(table, public.judgments, public.links, ERASING)
    assert set(erased.rows()) == plain_erased(public, table)
    assert len(erased) == erased.n_unique()
    kept = erased_votes(table, public.judgments, public.links, some.EASY)
    assert (kept.columns, len(kept)) == (erased.columns, 0), "the policy does not erase"
    for scope in ("case:weed", "context:When alone"):
        of_scope = {(who, value) for where, who, value in plain_erased(public, table) if where == scope}
        counted = counted_votes(public.votes, erased.filter(scope=scope))
        expected = [row for row in public.votes.rows() if not (row[3] and row[:2] in of_scope)]
        assert counted.rows() == expected, "votes go, showings stay, in their order"


@settings(max_examples=8)
@given(some.publics())
def test_rows_without_the_erased_votes(public: some.Public) -> None:
    """As if nobody had cast them: of one case without contexts, all that is erased is of one scope."""
    links = pl.DataFrame([(context, "weed") for context in some.CONTEXTS], schema=some.LINKS, orient="row")
    public = public._replace(links=links, votes=public.votes.filter(case_id="weed"))
    table = disputed(public, ERASING)
    erased = erased_votes(table, public.judgments, links, ERASING).filter(scope="case:weed")
    uncast = public._replace(votes=counted_votes(public.votes, erased))
    given, otherwise = (
        reward_rows(some.snapshot(one, policy), "easy", LENIENT).filter(
            pl.col("context_id").is_null(), prompt_id="weed"
        )
        for one, policy in ((public, ERASING), (uncast, ERASING.model_copy(update={"erase_votes": False})))
    )
    assert given.equals(otherwise)


def prompts_scopes(public: some.Public, prompt: str) -> set[str]:
    contexts = public.links.filter(case_id=prompt)["context_id"]
    return {f"case:{prompt}", *(f"context:{context}" for context in contexts)}


@settings(max_examples=10)
@given(some.publics())
def test_rows_say_whether_their_value_is_in_dispute(public: some.Public) -> None:
    table = disputed(public, some.EASY).filter("is_dispute").to_dicts()
    rows = reward_rows(some.snapshot(public, some.EASY), "easy", LENIENT)
    for row in (*rows.to_dicts(), *rubric_rows(rows).to_dicts()):
        scopes = prompts_scopes(public, row["prompt_id"])
        stands = any(one["scope"] in scopes and row["value_id"] in one["value_ids"] for one in table)
        assert row["is_contested"] == stands


@pytest.mark.parametrize(
    ("scope", "is_dispute", "found"),
    [
        ("case:weed", True, [("weed", 3, True), ("weed", 7, True)]),
        ("context:When alone", True, [("abortion", 3, True), ("abortion", 7, True)]),
        ("case:weed", False, []),
        ("all", True, []),  # a dispute of everything together is none of the prompt's
    ],
)
def test_disputes_of_a_prompt_by_hand(
    scope: str, is_dispute: bool, found: list[tuple[str, int, bool]]
) -> None:
    links = [("When alone", "abortion"), ("When in distress", "weed")]
    table = some.frame("contested", [{"scope": scope, "is_dispute": is_dispute, "value_ids": [3, 7]}])
    disputes = values_in_dispute(table, pl.DataFrame(links, schema=some.LINKS, orient="row"))
    assert disputes.rows() == found
