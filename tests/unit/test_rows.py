"""Training rows: their names and weights written out, and what they point at."""

import hashlib
from collections import Counter
from collections.abc import Callable

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.dataset.prompt_contexts import side
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.dataset.rows import reward_rows, row_id, rubric_rows, uneven_prompts
from dft_pipeline.policies import Aggregation

RUBRIC_KEY = ("prompt_id", "value_id", "criterion_index")
LENIENT = Aggregation(h=1, min_participants=1, min_share=0.1)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('["abortion","When alone",7,"default",1]', ("abortion", "When alone", 7, "default", 1)),
        ('["weed",null,1000000003,"published-2023",0]', ("weed", None, 1_000_000_003, "published-2023", 0)),
        ('["weed",null,7,"default","all"]', ("weed", None, 7, "default", None)),
        ('["weed","When \\"high\\"",7,"default",2]', ("weed", 'When "high"', 7, "default", 2)),
    ],
)
def test_row_id_is_the_hash_of_its_meaning(
    text: str, meaning: tuple[str, str | None, int, str, int | None]
) -> None:
    assert row_id(*meaning) == hashlib.sha256(text.encode()).hexdigest()[:32]


def test_side_of_a_case_never_changes() -> None:
    """The first eight bytes of the SHA-256 of its id, as a number, modulo 100: 0–79, 80–89, 90–99."""
    sides = {case: side(case) for case in ("abortion", "drugs", "religion")}
    assert sides == {"abortion": "train", "drugs": "validation", "religion": "test"}


def test_sides_begin_and_end_where_they_should() -> None:
    """Cases whose hash, modulo 100, is 79, 80, 89 and 90."""
    assert [side(case) for case in ("case-39", "case-160", "case-28", "case-20")] == [
        "train",
        "validation",
        "validation",
        "test",
    ]


def test_sides_are_eighty_ten_ten() -> None:
    counts = Counter(side(f"case-{number}") for number in range(10_000))
    assert counts.keys() == {"train", "validation", "test"}
    assert counts["train"] == pytest.approx(8_000, abs=90)
    assert counts["validation"] == pytest.approx(1_000, abs=90)
    assert counts["test"] == pytest.approx(1_000, abs=90)


def rows_of(public: some.Public, using: Aggregation = LENIENT) -> pl.DataFrame:
    return reward_rows(some.snapshot(public, some.EASY), some.EASY.name, using)


@settings(max_examples=6)
@given(some.publics(), st.integers(0, 99))
def test_order_of_rows_changes_nothing(public: some.Public, seed: int) -> None:
    snapshot = some.snapshot(public, some.EASY)
    again = Snapshot(*(some.shuffled(rows, seed) for rows in snapshot))
    for using in (LENIENT, LENIENT.model_copy(update={"h": 0})):
        rows, same = (reward_rows(given, "easy", using) for given in (snapshot, again))
        assert rows.equals(same)
        assert rubric_rows(rows).equals(rubric_rows(some.shuffled(same, seed)))


@settings(max_examples=6)
@given(some.publics())
def test_rows_say_what_they_come_from(public: some.Public) -> None:
    snapshot = some.snapshot(public, some.EASY)
    cases = sorted(some.CASES)
    for row in reward_rows(snapshot, "easy", LENIENT).iter_rows(named=True):
        case, context, value = row["prompt_id"], row["context_id"], row["value_id"]
        scope = f"case:{case}" if context is None else f"context:{context}"
        incoming = snapshot.wisdom_edges.filter(scope=scope, wiser_value_id=value)
        assert row["edge_ids"] == sorted(incoming["edge_id"]), "edges of this snapshot, and all of them"
        assert context is None or row["edge_ids"], "in a context only values with an incoming edge stand"
        assert row["row_id"] == row_id(case, context, value, "easy", 1)
        assert (row["prompt"], row["value_title"]) == (f"What about {case}?", f"Value {value}")
        assert (row["split"], row["fold"]) == (side(case), cases.index(case))
        assert (row["context_score"], row["h"], row["policy"]) == (1.0, 1, "easy")


def plain_weights(rows: pl.DataFrame) -> dict[tuple[str, int, int], float]:
    """A criterion's weight: the value's best share for the prompt, over all values', over its criteria."""
    best: dict[str, dict[int, float]] = {}
    criteria = {}
    for row in rows.iter_rows(named=True):
        if row["criteria"]:
            of = best.setdefault(row["prompt_id"], {})
            of[row["value_id"]] = max(of.get(row["value_id"], 0.0), row["context_score"] * row["share"])
            criteria[row["value_id"]] = len(row["criteria"])
    return {
        (prompt, value, place): score / sum(of.values()) / criteria[value]
        for prompt, of in best.items()
        for value, score in of.items()
        for place in range(criteria[value])
    }


@settings(max_examples=6)
@given(some.publics(), st.lists(st.sampled_from((0.25, 0.5, 1.0)), min_size=40, max_size=40))
def test_weights_read_plainly(public: some.Public, scores: list[float]) -> None:
    rows = rows_of(public)
    rows = rows.with_columns(context_score=pl.Series(scores[: len(rows)], dtype=pl.Float64))
    rubric = rubric_rows(rows)
    found = {tuple(row[:3]): row[3] for row in rubric.select(*RUBRIC_KEY, "weight").iter_rows()}
    assert found == pytest.approx(plain_weights(rows), abs=1e-12)
    sums = rubric.group_by("prompt_id").agg(pl.col("weight").sum())["weight"]
    assert sums.to_list() == pytest.approx([1.0] * len(sums), abs=1e-12)
    assert uneven_prompts(rubric) == []
    for row in rubric.iter_rows(named=True):
        own = rows.filter(prompt_id=row["prompt_id"], value_id=row["value_id"])
        assert row["row_ids"] == sorted(own["row_id"])
        assert row["criterion"] == own["criteria"][0][row["criterion_index"]], "in the card's own order"


def test_weights_by_hand() -> None:
    """Shares of 0.6 (and 0.2 in a context) and 0.4, two criteria and one: 0.3, 0.3 and 0.4."""
    row = {"prompt_id": "weed", "prompt": "What about weed?", "context_score": 1.0}
    rows = some.frame(
        "reward_rows",
        [
            row | {"value_id": 3, "share": 0.6, "criteria": ["A", "B"], "row_id": "y"},
            row | {"value_id": 3, "share": 0.2, "criteria": ["A", "B"], "row_id": "x"},
            row | {"value_id": 7, "share": 0.4, "criteria": ["C"], "row_id": "z"},
            row | {"value_id": 20, "share": 1.0, "criteria": [], "row_id": "w"},
        ],
    )
    rubric = rubric_rows(rows)
    assert rubric["criterion"].to_list() == ["A", "B", "C"]
    assert rubric["weight"].to_list() == pytest.approx([0.3, 0.3, 0.4])
    assert rubric["row_ids"].to_list() == [["x", "y"], ["x", "y"], ["z"]]
    assert uneven_prompts(rubric.with_columns(pl.col("weight") * 1.001)) == ["weed"]


def texts(column: str) -> Callable[[some.Public], some.Public]:
    """Another text for every value."""
    return lambda public: public._replace(
        canonical_values=public.canonical_values.with_columns(pl.col(column) + "!")
    )


def one_criterion_more(public: some.Public) -> some.Public:
    more = pl.concat_list("criteria", pl.lit("MORE things"))
    return public._replace(canonical_values=public.canonical_values.with_columns(criteria=more))


def other_question(public: some.Public) -> some.Public:
    return public._replace(cases=public.cases.with_columns(pl.col("question") + "!"))


def ten_cases(public: some.Public) -> some.Public:
    more = pl.DataFrame([(f"case-{n}", "And?") for n in range(8)], schema=some.RAW_CASES, orient="row")
    return public._replace(cases=pl.concat([public.cases, more]))


def one_voter_more(public: some.Public) -> some.Public:
    ballot = [some.vote("somebody else", value, case) for value in some.VALUES for case in some.CASES]
    return public._replace(votes=pl.concat([public.votes, some.frame("votes", ballot)]))


CHANGES = (
    ("value_title", texts("title")),
    ("value_instructions", texts("instructions_detailed")),
    ("criteria", one_criterion_more),
    ("prompt", other_question),
    ("fold", ten_cases),
    ("support", one_voter_more),
)


@settings(max_examples=5)
@given(some.publics(), st.sampled_from(CHANGES))
def test_hash_changes_with_the_row_and_its_id_does_not(
    public: some.Public, change: tuple[str, Callable[[some.Public], some.Public]]
) -> None:
    column, changed = change
    before, after = (rows_by_id(rows_of(given)) for given in (public, changed(public)))
    if column != "support":
        assert before.keys() == after.keys(), "the same rows mean the same"
    for name in before.keys() & after.keys():
        assert before[name][column] != after[name][column]
        assert before[name]["row_hash"] != after[name]["row_hash"]


def rows_by_id(rows: pl.DataFrame) -> dict[str, some.Row]:
    by_id = {row["row_id"]: row for row in rows.iter_rows(named=True)}
    assert len(by_id) == len(rows) == rows["row_hash"].n_unique()
    return by_id


def a_public() -> some.Public:
    """Three participants agree that 7 is wiser than 3, on one case."""
    nobody = some.frame("articulations", [])
    return some.Public(
        some.frame("judgments", [some.judgment(person, 3, 7, "upgrade") for person in some.PEOPLE[:3]]),
        pl.DataFrame([(some.CONTEXTS[0], "weed")], schema=some.LINKS, orient="row"),
        some.frame("votes", [some.vote(some.PEOPLE[3], 7, "weed")]),
        nobody,
        some.frame("canonical_values", [some.a_value(value, 2) for value in some.VALUES]),
        pl.DataFrame([("weed", "What about weed?")], schema=some.RAW_CASES, orient="row"),
        pl.DataFrame(schema=some.GROUPS),
    )


@pytest.mark.parametrize(("column", "changed"), CHANGES, ids=[column for column, _ in CHANGES])
def test_every_column_is_in_the_hash(column: str, changed: Callable[[some.Public], some.Public]) -> None:
    before, after = (rows_by_id(rows_of(given)) for given in (a_public(), changed(a_public())))
    assert len(before) == 2, "the case, and the case in its context"
    assert set(before) <= set(after)
    for name, row in before.items():
        assert row[column] != after[name][column]
        assert row["row_hash"] != after[name]["row_hash"]


def test_rows_in_one_piece() -> None:
    alone, within = rows_of(a_public()).rows(named=True)
    assert (alone["context_id"], within["context_id"]) == (None, some.CONTEXTS[0])
    assert (alone["support"], alone["share"], alone["reach"]) == (4, 1.0, 1.0)
    assert alone["edge_ids"] == ["case:weed|3|7"]
    assert within["edge_ids"] == [f"context:{some.CONTEXTS[0]}|3|7"]


@pytest.mark.parametrize(("count", "folds"), [(9, list(range(9))), (10, [None] * 10)])
def test_folds_where_cases_are_few(count: int, folds: list[int | None]) -> None:
    cases = pl.DataFrame([(f"c{n}", "?") for n in range(count)], schema=some.RAW_CASES, orient="row")
    ballots = [some.vote(some.PEOPLE[0], 7, f"c{n}") for n in range(count)]
    rows = rows_of(a_public()._replace(cases=cases, votes=some.frame("votes", ballots)))
    assert rows["fold"].to_list() == folds


def test_no_case_no_rows() -> None:
    nothing = rows_of(a_public()._replace(cases=pl.DataFrame(schema=some.RAW_CASES)))
    assert nothing.is_empty()
    assert rubric_rows(nothing).is_empty()
