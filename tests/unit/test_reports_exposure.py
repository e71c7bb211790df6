"""Which values people met where, against a plain reading."""

import polars as pl
import strategies as some
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.graph.scopes import scopes_of_contexts
from dft_pipeline.reports.exposure import exposure


def with_cases(judgments: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The judgments with the cases of their contexts."""
    cases = links.group_by("context_id").agg(case_ids=pl.col("case_id").sort())
    joined = judgments.drop("case_ids").join(cases, on="context_id", how="left")
    return joined.with_columns(pl.col("case_ids").fill_null(pl.lit([], dtype=pl.List(pl.String))))


def plain(public: some.Public, judgments: pl.DataFrame) -> set[tuple[object, ...]]:
    votes, judged = public.votes.to_dicts(), judgments.to_dicts()
    rows = set()
    for value in public.canonical_values["value_id"]:
        met = [vote for vote in votes if vote["value_id"] == value]
        never = all(vote["is_vote"] for vote in met)
        own = [row for row in judged if value in (row["source_value_id"], row["wiser_value_id"])]
        for case in {vote["case_id"] for vote in met} or {None}:
            here = [vote["is_vote"] for vote in met if vote["case_id"] == case]
            asked = sum(case is None or case in row["case_ids"] for row in own)
            rows.add((value, case, here.count(False), here.count(True), asked, never))
    return rows


@given(some.publics(), st.sampled_from((0, 1)))
def test_read_plainly(public: some.Public, rare: int) -> None:
    public = public._replace(votes=public.votes.gather_every(9 if rare else 1))
    judgments = with_cases(public.judgments, public.links)
    table = exposure(public.canonical_values, public.votes, judgments)
    assert set(table.rows()) == plain(public, judgments)
    assert len(table) == len(set(table.rows()))


def test_a_value_that_nobody_met() -> None:
    values = some.frame("canonical_values", (some.a_value(value, 1) for value in (3, 7)))
    votes = some.frame("votes", [some.vote("ann", 3, "weed")])
    judged = some.frame("judgments", [some.judgment("ann", 3, 7, "upgrade") | {"case_ids": ["weed"]}])
    assert exposure(values, votes, judged).rows() == [
        (3, "weed", 0, 1, 1, True),  # voted for, though its showing is not on record
        (7, None, 0, 0, 1, True),
    ]


def test_contexts_of_no_case_are_judged_nowhere() -> None:
    links = pl.DataFrame(schema=some.LINKS)
    judged = some.frame("judgments", [some.judgment("ann", 3, 7, "upgrade")])
    assert scopes_of_contexts(judged["context_id"], links)["scope"].to_list()[0] == "all"
    values = some.frame("canonical_values", (some.a_value(3, 1),))
    votes = some.frame("votes", [some.vote("ann", 3, "weed", is_vote=False)])
    assert exposure(values, votes, judged).rows() == [(3, "weed", 1, 0, 0, False)]
