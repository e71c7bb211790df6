"""How often a row survives: against Γ asked again, with everybody there as often as they were drawn."""

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.dataset import survival
from dft_pipeline.dataset.gamma import Question, gamma, held_at
from dft_pipeline.dataset.hops import packed
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.dataset.rows import reward_rows, rubric_rows
from dft_pipeline.dataset.survival import row_survival, weighed
from dft_pipeline.graph.bootstrap import weights
from dft_pipeline.graph.streams import everybody, people
from dft_pipeline.policies import Aggregation, Evidence
from dft_pipeline.tables import TABLES

FEW = Evidence(resamples=3)
HOPS = st.sampled_from((0, 1, 2, None))


def drawn(rows: Question | Snapshot, evidence: Evidence = FEW) -> dict[str, list[int]]:
    """How often each participant counts in each resample."""
    named = everybody(rows.judgments, rows.votes, rows.articulations)["participant_id"].to_list()
    every = weights(len(named), evidence.seed, range(evidence.resamples))
    return dict(zip(named, every.tolist(), strict=True))


def copies(rows: pl.DataFrame, times: dict[str, int]) -> pl.DataFrame:
    """The rows of everybody as often as they count, each time by somebody else."""
    copied = [
        {**row, "participant_id": f"{row['participant_id']} {again}"}
        for row in rows.to_dicts()
        for again in range(times[row["participant_id"]])
    ]
    return pl.DataFrame(copied, schema=rows.schema)


def plain_survival(asked: Question, using: Aggregation, counts: dict[str, list[int]]) -> dict[int, float]:
    """The share of the resamples in which Γ, asked anew, chooses each value."""
    resamples = len(next(iter(counts.values()), []))
    found: dict[int, float] = {}
    for number in range(resamples):
        times = {person: of[number] for person, of in counts.items()}
        votes, articulations, judgments = (copies(rows, times) for rows in asked[:3])
        for value in gamma(Question(votes, articulations, judgments, *asked[3:]), using)["value_id"]:
            found[value] = found.get(value, 0) + 1 / resamples
    return found


def numbered(asked: Question, names: list[str]) -> Question:
    number = pl.col("participant_id").replace_strict(names, list(range(len(names))), return_dtype=pl.Int64)
    return Question(*(rows.with_columns(number) for rows in asked[:3]), *asked[3:])


def found_survival(asked: Question, using: Aggregation, counts: dict[str, list[int]]) -> dict[int, float]:
    names = sorted(counts)
    there = numbered(asked, names)
    table = np.array([counts[name] for name in names], dtype=np.float32).reshape(len(names), -1)
    return dict(row_survival(there, held_at(there, using), using, table).rows())


@settings(max_examples=12)
@given(some.questions(), some.aggregations(HOPS), st.integers(0, 9))
def test_survival_is_gamma_asked_of_each_resample(asked: Question, using: Aggregation, seed: int) -> None:
    counts = drawn(asked, Evidence(resamples=3, seed=seed))
    if counts:
        expected = plain_survival(asked, using, counts)
        found = found_survival(asked, using, counts)
        assert {value: share for value, share in found.items() if share} == pytest.approx(expected)


def question_of(snapshot: Snapshot, case: str, context: str | None) -> Question:
    """What Γ is asked of for a case, or for a case and one of its contexts."""
    links = (
        snapshot.links.filter(case_id=case) if context is None else pl.DataFrame({"context_id": [context]})
    )
    scope = f"case:{case}" if context is None else f"context:{context}"
    return Question(
        snapshot.votes.filter(case_id=case),
        snapshot.articulations.filter(case_id=case),
        snapshot.judgments.filter(pl.col("context_id").is_in(links["context_id"].implode())),
        snapshot.wisdom_edges.filter(scope=scope),
        snapshot.graph_values.filter(scope=scope),
        context is not None,
    )


@settings(max_examples=4)
@given(some.publics())
def test_rows_have_the_survival_of_their_question(public: some.Public) -> None:
    snapshot = some.snapshot(public, some.EASY)
    using = Aggregation(h=1, min_participants=2, top_k=2)
    counts = drawn(snapshot)
    asked: dict[tuple[str, str | None], dict[int, float]] = {}
    for row in reward_rows(snapshot, "easy", using, FEW).to_dicts():
        key = row["prompt_id"], row["context_id"]
        if key not in asked:
            asked[key] = plain_survival(question_of(snapshot, *key), using, counts)
        assert row["row_survival"] == pytest.approx(asked[key].get(row["value_id"], 0))


def a_question(votes: dict[int, int], edges: tuple[tuple[int, int], ...] = ()) -> Question:
    """So many votes for each value, each by somebody else."""
    ballots = [(value, n) for value, count in votes.items() for n in range(count)]
    cast = [some.vote(f"{place:032x}", value) for place, (value, _) in enumerate(ballots)]
    return Question(
        some.frame("votes", cast),
        some.frame("articulations", []),
        some.frame("judgments", []),
        some.frame("wisdom_edges", [{"source_value_id": a, "wiser_value_id": b} for a, b in edges]),
        some.frame("graph_values", []),
        in_context=False,
    )


def test_survival_of_two_supporters_by_hand() -> None:
    """Two are needed: they count less than twice together in a share of 3 / e² of all resamples."""
    using = Aggregation(h=0, min_participants=2)
    asked = a_question({7: 2})
    found = found_survival(asked, using, drawn(asked, Evidence(resamples=4000)))
    assert found[7] == pytest.approx(1 - 3 * np.exp(-2), abs=0.03)


@pytest.mark.parametrize(
    ("times", "survives"),
    [
        ([1, 1, 1, 1, 1], {20}),  # 3 gives way to 20, a candidate as well
        ([1, 1, 1, 0, 1], {3}),  # 20 has one supporter left, which is too few to stand in the way
        ([1, 0, 0, 1, 1], {20}),
        ([1, 0, 0, 1, 0], set()),
    ],
)
def test_a_wiser_value_is_in_the_way_where_it_is_a_candidate(times: list[int], survives: set[int]) -> None:
    asked = a_question({3: 3, 20: 2}, edges=((3, 20),))
    counts = {f"{place:032x}": [count] for place, count in enumerate(times)}
    found = found_survival(asked, Aggregation(h=0, min_participants=2), counts)
    assert {value for value, share in found.items() if share} == survives


def test_equal_support_is_decided_by_pagerank_then_the_smaller_id() -> None:
    asked = a_question({3: 1, 7: 1, 20: 1, 101: 1})
    counts = {person: [1] for person in asked.votes["participant_id"]}
    nodes = some.frame("graph_values", [{"value_id": 101, "pagerank": 0.2}])
    using = Aggregation(h=0, min_participants=1, top_k=2)
    found = found_survival(asked._replace(nodes=nodes), using, counts)
    assert {value for value, share in found.items() if share} == {101, 3}


@settings(max_examples=15)
@given(st.integers(1, 90), st.integers(1, 5), st.integers(0, 99), st.sampled_from((0.02, 0.9)))
def test_few_and_many_cells_add_up_alike(size: int, rows: int, seed: int, filled: float) -> None:
    rng = np.random.default_rng(seed)
    there, counts = rng.random((rows, size)) < filled, rng.integers(0, 4, (size, 3)).astype(np.float32)
    order = rng.permutation(size + 5)[:size]
    every = rng.integers(0, 4, (size + 5, 3)).astype(np.float32)
    every[order] = counts
    found = weighed(packed(*np.nonzero(there), there.shape), order, every)
    assert (found == there.astype(int) @ counts).all()


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = packed(np.array([0, 1, 1, 2]), np.array([0, 0, 70, 3]), (3, 71))
    counts = np.arange(142, dtype=np.float32).reshape(71, 2)
    whole = weighed(bits, np.arange(71), counts)
    monkeypatch.setattr(survival, "CELLS_AT_ONCE", 1)
    assert (weighed(bits, np.arange(71), counts) == whole).all()


@settings(max_examples=5)
@given(some.publics(), st.integers(0, 99))
def test_everybody_counts_as_often_as_for_the_edges(public: some.Public, seed: int) -> None:
    found = everybody(public.judgments, public.votes, public.articulations)
    judges = people(public.judgments)
    assert found.head(len(judges)).equals(judges)
    mixed = (some.shuffled(rows, seed) for rows in (public.judgments, public.votes, public.articulations))
    assert everybody(*mixed).equals(found)
    rows = pl.concat(
        rows["participant_id"] for rows in (public.judgments, public.votes, public.articulations)
    )
    assert sorted(found["participant_id"]) == rows.unique().sort().to_list()


def test_another_key_of_the_pseudonyms_draws_the_same_for_who_only_voted() -> None:
    votes = [some.vote(person, value) for person, value in (("cc", 3), ("aa", 7), ("bb", 20), ("bb", 3))]
    renamed = [
        {**row, "participant_id": {"cc": "x", "aa": "y", "bb": "a"}[row["participant_id"]]} for row in votes
    ]
    spoken = [{"participant_id": "dd", "value_id": 3, "case_id": some.CASES[0]}]
    nothing = some.frame("judgments", [])
    orders = [
        everybody(nothing, some.frame("votes", rows), some.frame("articulations", spoken))[
            "participant_id"
        ].to_list()
        for rows in (votes, renamed)
    ]
    assert orders == [["bb", "cc", "aa", "dd"], ["a", "x", "y", "dd"]]


def test_rows_have_the_best_evidence_of_their_edges() -> None:
    """Two edges end in 20 in the case, the first with more survival, the second with the smaller q."""
    rows = [some.judgment(who, *pair, "upgrade") for who in some.PEOPLE[:3] for pair in ((3, 20), (7, 20))]
    public = some.Public(
        some.frame("judgments", rows),
        pl.DataFrame([(some.CONTEXTS[0], "weed")], schema=some.LINKS, orient="row"),
        some.frame("votes", [some.vote(who, 101, "weed") for who in some.PEOPLE[:3]]),
        some.frame("articulations", []),
        some.frame("canonical_values", [some.a_value(value, 2) for value in some.VALUES]),
        pl.DataFrame([("weed", "What about weed?")], schema=some.RAW_CASES, orient="row"),
        pl.DataFrame(schema=some.GROUPS),
    )
    known = (
        ("case:weed|3|20", 0.9, 0.4),
        ("case:weed|7|20", 0.7, 0.1),
        (f"context:{some.CONTEXTS[0]}|3|20", 0.8, 0.6),
    )
    named = ("edge_id", "bootstrap_survival", "q_base")
    evidence = some.frame("edge_evidence", [dict(zip(named, row, strict=True)) for row in known])
    snapshot = some.snapshot(public, some.EASY, evidence)
    rewarded = reward_rows(snapshot, "easy", Aggregation(h=0, min_participants=1), FEW)
    columns = ("context_id", "value_id", "edge_survival", "edge_q_base")
    assert rewarded.select(columns).rows() == [
        (None, 20, 0.9, 0.1),
        (None, 101, None, None),
        (some.CONTEXTS[0], 20, 0.8, 0.6),
    ]
    rubric = rubric_rows(rewarded.with_columns(row_survival=pl.Series([0.2, 0.3, 0.7])))
    assert rubric.select("value_id", "row_survival", *columns[2:]).unique(maintain_order=True).rows() == [
        (20, 0.7, 0.9, 0.1),
        (101, 0.3, None, None),
    ]
    assert TABLES["reward_rows"].schema.names()[-3:] == ["row_survival", "edge_survival", "edge_q_base"]
