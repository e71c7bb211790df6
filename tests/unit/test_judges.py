"""Judges by group: nothing small is told, nor follows from two edges together."""

from itertools import combinations

import polars as pl
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.graph.judges import judges_by_group
from dft_pipeline.tables import TABLES

NO_FIGHTS = TABLES["contested"].schema.to_frame()
SCHEMA = pl.Schema(
    {
        "pair": pl.UInt32,
        "scope": pl.String,
        "source_value_id": pl.Int64,
        "wiser_value_id": pl.Int64,
        "participant_id": pl.String,
    }
)
Told = dict[int, dict[str, int]]


def told(
    edges: dict[int, str], contested: pl.DataFrame = NO_FIGHTS, scope: str = "all", turned: bool = False
) -> Told:
    """The groups of each edge; people are letters, of group L from a to m and R from n to z, else unknown."""
    rows = [(pair, scope, pair, pair + 1, who) for pair, people in edges.items() for who in people]
    groups = [(letter, "L" if letter < "n" else "R") for letter in "abcdefghijklmnopqrstuvwxyz"]
    judges = pl.DataFrame(rows[:: -1 if turned else 1], schema=SCHEMA, orient="row")
    table = judges_by_group(judges, pl.DataFrame(groups, schema=some.GROUPS, orient="row"), contested)
    return {
        pair: {one["group"]: one["participant_count"] for one in shown} for pair, shown in table.iter_rows()
    }


def test_small_groups_are_left_out_and_do_not_follow() -> None:
    assert told({1: "abcde", 2: "abcd"}) == {1: {"L": 5}}
    assert told({1: "abcdefnopqr"}) == {1: {"L": 6, "R": 5}}
    assert told({1: "abcdefnopq"}) == {}, "4 would follow from the total"
    assert told({1: "abcdefgnopqr12"}) == {1: {"L": 7}}, "2 unknown ones would follow from 14, 7 and 5"


def test_other_scopes_tell_nothing() -> None:
    assert told({1: "abcdef"}, scope="case:weed") == {}


def test_edges_in_a_dispute_are_told_of_there_alone() -> None:
    edge = {"source_value_id": 1, "wiser_value_id": 2, "wiser_likelihood": 1.0, "marked_wiser": 2}
    fights = some.frame("contested", [{"scope": "all", "edges": [edge]}])
    assert told({1: "abcdef", 3: "ghijkl"}, fights) == {3: {"L": 6}}
    elsewhere = some.frame("contested", [{"scope": "case:weed", "edges": [edge]}])
    assert told({1: "abcdef"}, elsewhere) == {1: {"L": 6}}


def test_nearly_the_same_judges_are_told_of_once() -> None:
    assert told({1: "abcdefg", 2: "abcdefgh"}) == {1: {"L": 7}}, "the second would say that h is of L"
    assert told({1: "abcdef", 2: "abcdef"}) == {1: {"L": 6}, 2: {"L": 6}}, "the same people say nothing more"
    assert told({1: "abcdef", 2: "fghijkl"}) == {1: {"L": 6}, 2: {"L": 7}}
    assert told({1: "abcdefg", 2: "abcdefgh", 3: "bcdefghi"}) == {1: {"L": 7}}
    # Of nobody who is told of follows anything: with the second left out, the third stands by itself.
    assert set(told({1: "abcdef", 2: "defghi1", 3: "ghijklm"})) >= {1}


@settings(max_examples=60)
@given(st.lists(st.text("abcdefghinopqrst12", min_size=4, max_size=14), min_size=2, max_size=5))
def test_nothing_small_follows_from_two_edges(texts: list[str]) -> None:
    edges = {place: "".join(sorted(set(text))) for place, text in enumerate(texts)}
    seen = told(edges)
    assert seen == told(edges, turned=True)
    for pair, groups in seen.items():
        assert all(count >= 5 for count in groups.values())
        rest = len(edges[pair]) - sum(groups.values())
        assert rest == 0 or rest >= 5
    for one, other in combinations(seen, 2):
        if edges[one] == edges[other] or not set(edges[one]) & set(edges[other]):
            continue
        for group in set(seen[one]) & set(seen[other]):
            cells = [{who for who in edges[pair] if group_of(who) == group} for pair in (one, other)]
            assert len(cells[0] ^ cells[1]) >= 5, "a sum or difference that rests on few"


def group_of(letter: str) -> str:
    return "unknown" if letter in "12" else "L" if letter < "n" else "R"
