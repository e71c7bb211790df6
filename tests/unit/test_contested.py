"""What the graph refuses to decide, against a plain reading; and what must not be seen of few people."""

from typing import NamedTuple

import networkx as nx
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import PAIR_KEY

EDGE = ("source_value_id", "wiser_value_id", "wiser_likelihood", "marked_wiser")
FEW = 5
NO_LINKS = pl.DataFrame(schema=some.LINKS)
Pair = tuple[int, int]
# Loops and contested directions side by side.
OPEN = ConsensusPolicy(
    name="open", min_marked_wiser=1, max_opposed=0.75, min_majority=None, min_likelihood=0.05, max_entropy=2.4
)


class Record(NamedTuple):
    """A record of `contested`, less its people."""

    scope: str
    component_id: int
    kind: str
    value_ids: tuple[int, ...]
    edges: tuple[Pair, ...]
    unwound: tuple[Pair, ...]


def plain_records(tallies: pl.DataFrame) -> set[Record]:
    """Pairs contested in direction, and components of what passed the rules before unwinding."""
    rows = {tuple(row[name] for name in PAIR_KEY): row for row in tallies.iter_rows(named=True)}
    return plain_fights(rows) | plain_loops(rows)


def plain_fights(rows: dict[tuple[str, int, int], some.Row]) -> set[Record]:
    found = set()
    for (scope, a, b), row in rows.items():
        if (
            row["rejection_reason"] == "contested_direction"
            and row["marked_wiser"] >= 2 <= row["marked_less_wise"]
        ):
            ends = tuple(sorted((a, b)))
            rejected = [pair for pair in (ends, ends[::-1])
                        if rows[scope, *pair]["rejection_reason"] == "contested_direction"]  # fmt: skip
            found.add(
                Record(scope, ends[0], "contested_direction", ends, (ends, ends[::-1]), tuple(rejected))
            )
    return found


def plain_loops(rows: dict[tuple[str, int, int], some.Row]) -> set[Record]:
    found = set()
    for scope in {key[0] for key in rows}:
        passing = [key[1:] for key, row in rows.items() if key[0] == scope
                   and (row["is_edge"] or row["rejection_reason"] == "in_cycle")]  # fmt: skip
        for part in nx.strongly_connected_components(nx.DiGraph(passing)):
            edges = sorted(pair for pair in passing if set(pair) <= part)
            if len(part) > 1:
                contexts = {context for pair in edges for context in rows[scope, *pair]["contexts"]}
                kind = "within_context" if len(contexts) == 1 else "across_contexts"
                gone = [pair for pair in edges if rows[scope, *pair]["rejection_reason"] == "in_cycle"]
                found.add(Record(scope, min(part), kind, tuple(sorted(part)), tuple(edges), tuple(gone)))
    return found


def pairs_of(edges: list[some.Row]) -> tuple[Pair, ...]:
    return tuple((edge["source_value_id"], edge["wiser_value_id"]) for edge in edges)


def record_of(row: some.Row) -> Record:
    return Record(
        row["scope"],
        row["component_id"],
        row["kind"],
        tuple(row["value_ids"]),
        pairs_of(row["edges"]),
        pairs_of(row["unwound_edges"]),
    )


def in_scope(public: some.Public, scope: str) -> list[some.Row]:
    kind, _, name = scope.partition(":")
    of_case = {context for context, case in public.links.iter_rows() if case == name}
    contexts = {"all": set(some.CONTEXTS), "context": {name}}.get(kind, of_case)
    return [row for row in public.judgments.iter_rows(named=True) if row["context_id"] in contexts]


def answers_to(public: some.Public, row: some.Row) -> list[some.Row]:
    """The judgments of a record's directed pairs."""
    pairs = set(pairs_of(row["edges"]))
    return [answer for answer in in_scope(public, row["scope"])
            if (answer["source_value_id"], answer["wiser_value_id"]) in pairs]  # fmt: skip


@settings(max_examples=15)
@given(some.publics(), st.one_of(some.policies(), st.just(OPEN), st.just(some.EASY)))
def test_records_read_plainly(public: some.Public, policy: ConsensusPolicy) -> None:
    tallies = pair_tallies(public.judgments, public.links, policy)
    table = contested(tallies, public.judgments, public.links, public.groups)
    rows = table.rows(named=True)
    assert len(rows) == len({record_of(row) for row in rows})
    assert {record_of(row) for row in rows} == plain_records(tallies)
    for row in rows:
        assert row["is_dispute"] == (row["kind"] != "across_contexts")
        people = {answer["participant_id"] for answer in answers_to(public, row)}
        assert row["participant_count"] == len(people)
        assert_edges_as_tallied(row, tallies)


def assert_edges_as_tallied(row: some.Row, tallies: pl.DataFrame) -> None:
    told = {edge[:2]: edge for edge in tallies.filter(scope=row["scope"]).select(EDGE).iter_rows()}
    for edge in (*row["edges"], *row["unwound_edges"]):
        assert tuple(edge.values()) == told[edge["source_value_id"], edge["wiser_value_id"]]


@settings(max_examples=15)
@given(some.publics(), st.sampled_from((OPEN, some.EASY)))
def test_groups_of_few_are_not_seen(public: some.Public, policy: ConsensusPolicy) -> None:
    tallies = pair_tallies(public.judgments, public.links, policy)
    known = dict(public.groups.iter_rows())
    for row in contested(tallies, public.judgments, public.links, public.groups).iter_rows(named=True):
        if row["participant_count"] >= FEW:
            assert_withheld(row)
        if row["scope"] != "all":
            assert row["answers_by_group"] == [], "figures of scopes that overlap could be subtracted"
        assert_shown_figures(row, answers_to(public, row), known)


def assert_withheld(row: some.Row) -> None:
    """No group of few is shown, and those that are not shown are enough people together."""
    shown = [group["participant_count"] for group in row["answers_by_group"]]
    assert all(count >= FEW for count in shown)
    rest = row["participant_count"] - sum(shown)
    assert rest == 0 or rest >= FEW


def assert_shown_figures(row: some.Row, answers: list[some.Row], known: dict[str, str]) -> None:
    for group in row["answers_by_group"]:
        own = [
            answer for answer in answers if known.get(answer["participant_id"], "unknown") == group["group"]
        ]
        assert group["participant_count"] == len({answer["participant_id"] for answer in own})
        for said in ("upgrade", "no_upgrade", "not_sure"):
            assert group[said] in (None, sum(answer["relationship"] == said for answer in own))


def a_fight(sizes: dict[str, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Judgments of 3 and 7, half each way, by so many people of each group; and their groups."""
    people = [(f"{group}{place}", group) for group, size in sizes.items() for place in range(size)]
    pairs = ((3, 7), (7, 3))
    rows = [some.judgment(who, *pairs[place % 2], "upgrade") for place, (who, _) in enumerate(people)]
    return some.frame("judgments", rows), pl.DataFrame(people, schema=some.GROUPS, orient="row")


def shown(sizes: dict[str, int]) -> dict[str, int]:
    judgments, groups = a_fight(sizes)
    table = contested(pair_tallies(judgments, NO_LINKS, OPEN), judgments, NO_LINKS, groups)
    row = table.row(by_predicate=pl.col("scope") == "all", named=True)
    assert row["participant_count"] == sum(sizes.values())
    return {group["group"]: group["participant_count"] for group in row["answers_by_group"]}


@pytest.mark.parametrize(
    ("sizes", "seen"),
    [
        ({"a": 5, "b": 6}, {"a": 5, "b": 6}),
        ({"a": 4}, {}),  # 4 would follow from the total
        ({"a": 2, "b": 2}, {}),
        ({"a": 4, "b": 6}, {}),  # 4 would follow from 10 − 6
        ({"a": 4, "b": 6, "c": 7}, {"c": 7}),
        ({"a": 1, "b": 4, "c": 7}, {"c": 7}),  # the two are five people
        ({"a": 1, "b": 3, "c": 7}, {}),  # the two are four
        ({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 9}, {"f": 9}),  # who the five are is not said
    ],
)
def test_as_many_groups_are_left_out_as_it_takes(sizes: dict[str, int], seen: dict[str, int]) -> None:
    assert shown(sizes) == seen
    rest = sum(sizes.values()) - sum(seen.values())
    assert rest == 0 or rest >= FEW or not seen


@pytest.mark.parametrize(("declined", "seen"), [(5, (6, 5, 5)), (4, (6, None, None))])
def test_answers_are_shown_where_each_rests_on_enough_people(
    declined: int, seen: tuple[int | None, ...]
) -> None:
    said = ["upgrade"] * 6 + ["no_upgrade"] * declined + ["not_sure"] * 5
    rows = [some.judgment(f"a{n}", 3, 7, answer) for n, answer in enumerate(said)]
    rows += [some.judgment(f"b{n}", 7, 3, answer) for n, answer in enumerate([*said, *said])]
    judgments = some.frame("judgments", rows)
    people = [(row["participant_id"], row["participant_id"][0]) for row in rows]
    groups = pl.DataFrame(people, schema=some.GROUPS, orient="row")
    tallies = pair_tallies(judgments, NO_LINKS, OPEN)
    row = contested(tallies, judgments, NO_LINKS, groups).row(
        by_predicate=pl.col("scope") == "all", named=True
    )
    first = row["answers_by_group"][0]
    assert (first["upgrade"], first["no_upgrade"], first["not_sure"]) == seen
    assert first["participant_count"] == len(said), "the group itself is large enough"


def a_loop(*extra: some.Row, contexts: tuple[str, str, str] = (some.CONTEXTS[0],) * 3) -> pl.DataFrame:
    """Two people for each of 3 → 7 → 20 → 3."""
    pairs = zip(((3, 7), (7, 20), (20, 3)), contexts, strict=True)
    rows = [some.judgment(f"p{n}", *pair, "upgrade", context) for pair, context in pairs for n in range(2)]
    return some.frame("judgments", [*rows, *extra])


@pytest.mark.parametrize(
    ("contexts", "kind", "is_dispute"),
    [
        ((some.CONTEXTS[0],) * 3, "within_context", True),
        ((*some.CONTEXTS[:2], some.CONTEXTS[0]), "across_contexts", False),
    ],
)
def test_a_loop_of_one_context_is_a_dispute(
    contexts: tuple[str, str, str], kind: str, is_dispute: bool
) -> None:
    judgments = a_loop(contexts=contexts)
    table = contested(
        pair_tallies(judgments, NO_LINKS, some.EASY), judgments, NO_LINKS, pl.DataFrame(schema=some.GROUPS)
    )
    row = table.row(by_predicate=pl.col("scope") == "all", named=True)
    assert (row["kind"], row["is_dispute"]) == (kind, is_dispute)
    assert pairs_of(row["edges"]) == ((3, 7), (7, 20), (20, 3))
    assert pairs_of(row["unwound_edges"]) == ((3, 7),), "all equally strong: the lowest ids go"


def test_people_of_a_loop_are_those_asked_along_it() -> None:
    judgments = a_loop(some.judgment("other", 7, 3, "no_upgrade"))
    table = contested(
        pair_tallies(judgments, NO_LINKS, some.EASY), judgments, NO_LINKS, pl.DataFrame(schema=some.GROUPS)
    )
    row = table.row(by_predicate=pl.col("scope") == "all", named=True)
    assert row["participant_count"] == 2
