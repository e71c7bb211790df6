"""What two makings of a snapshot differ in, and which exports are of an older one."""

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.history.counterfactual import Read, compared, is_same
from dft_pipeline.history.exports import Export, content, parsed, path_of, superseded
from dft_pipeline.tables import TABLES

NAMES = ("wisdom_edges", "pair_tallies", "canonical_values", "graph_values", "reward_rows")
PAIRS = st.dictionaries(
    st.tuples(st.sampled_from(["all", "case:a"]), st.integers(1, 3), st.integers(4, 5)),
    st.sampled_from([None, "too_few_wiser", "in_cycle"]),
    max_size=6,
)


def reading(**rows: list[dict[str, Any]]) -> Read:
    def read(name: str) -> pl.DataFrame:
        return pl.DataFrame(rows.get(name, []), TABLES[name].schema)

    return read


def graph(pairs: dict[tuple[str, int, int], str | None]) -> Read:
    keys = [
        {"scope": scope, "source_value_id": source, "wiser_value_id": wiser} for scope, source, wiser in pairs
    ]
    said = [
        key | {"is_edge": why is None, "rejection_reason": why}
        for key, why in zip(keys, pairs.values(), strict=True)
    ]
    edges = [key for key, verdict in zip(keys, said, strict=True) if verdict["is_edge"]]
    return reading(wisdom_edges=edges, pair_tallies=said)


def test_every_subject_tells_what_came_went_and_changed() -> None:
    value = {"scope": "all", "value_id": 1, "wisdom": 1.0, "pagerank": 0.5, "votes": 2}
    row = {"row_id": "r", "prompt_id": "a", "value_id": 1, "row_hash": "x"}
    before = reading(
        canonical_values=[{"value_id": 1, "title": "One"}], graph_values=[value], reward_rows=[row]
    )
    after = reading(
        canonical_values=[{"value_id": 2, "title": "Two"}],
        graph_values=[value | {"votes": 1, "pagerank": 0.5 + 1e-12}],
        reward_rows=[row | {"row_hash": "y"}],
    )
    found = compared(before, after)
    assert found["values"]["came"] == [{"value_id": 2, "title": "Two"}]
    assert found["values"]["went"] == [{"value_id": 1, "title": "One"}]
    (ranked,) = found["ranks"]["changed"]
    assert (ranked["votes"], ranked["votes_after"]) == (2, 1)
    assert ranked["pagerank"] == ranked["pagerank_after"], "exact to the digits that it is computed to"
    (changed,) = found["rows"]["changed"]
    assert (changed["row_hash"], changed["row_hash_after"]) == ("x", "y")
    assert not is_same(found)


@given(PAIRS, PAIRS)
def test_edges_and_verdicts_are_those_of_either_side(
    one: dict[tuple[str, int, int], str | None], other: dict[tuple[str, int, int], str | None]
) -> None:
    found = compared(graph(one), graph(other))
    edges = [{pair for pair, why in pairs.items() if why is None} for pairs in (one, other)]

    def pairs(subject: str, kind: str) -> set[tuple[str, int, int]]:
        rows = found[subject][kind]
        return {(row["scope"], row["source_value_id"], row["wiser_value_id"]) for row in rows}

    assert pairs("edges", "went") == edges[0] - edges[1]
    assert pairs("edges", "came") == edges[1] - edges[0]
    assert pairs("verdicts", "changed") == {
        pair for pair in one.keys() & other.keys() if one[pair] != other[pair]
    }
    assert is_same(found) == (one == other)


def test_exports_of_another_manifest_than_the_days_are_superseded() -> None:
    def export(day: str, manifest: str) -> Export:
        return Export("graph-json", day, manifest, {}, {"graph.json": f"{day} {manifest}"})

    made = [export("2024-01-14", "b"), export("2024-01-14", "a"), export("2024-01-13", "a")]
    assert superseded(made, {"2024-01-14": "b"}) == [made[2], made[1]]
    assert superseded([], {"2024-01-14": "b"}) == []
    assert [parsed(content(one)) for one in made] == made
    assert len({path_of(one) for one in made}) == len(made)
