"""What changed between two snapshots, and what did it: hand-worked causes, and plain Python as oracle."""

from collections.abc import Iterable

import polars as pl
from hypothesis import given

from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.history.difference import FIGURES, Difference, Stand, difference
from dft_pipeline.tables import TABLES
from tests.unit.strategies import EASY, LINKS, PEOPLE, Row, frame, judgment, judgments

ALONE = LINKS.to_frame()
CARDS = {"card_kind": "card", "card_id": 1, "decided_by": "given"}
Pair = tuple[str, int, int]
KEY = ("scope", "source_value_id", "wiser_value_id")
COUNTED = ("marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure", "judgments_both_ways")


def a_stand(
    judged: pl.DataFrame,
    cards: Iterable[Row] = (),
    rows: dict[str, str] | None = None,
    settings: dict[str, object] | None = None,
    others: Iterable[str] = (),
) -> Stand:
    """A snapshot in which each judgment counts in `all` and in its context."""
    tallies = pair_tallies(judged, ALONE, EASY)
    edges = tallies.filter("is_edge").with_columns(bootstrap_survival=pl.lit(1.0), q_base=pl.lit(0.5))
    people = pl.concat([judged["participant_id"], pl.Series(list(others), dtype=pl.String)])
    return Stand(
        tallies,
        edges,
        judged,
        frame("card_values", cards),
        pl.DataFrame(
            {"row_id": list(rows or {}), "row_hash": list((rows or {}).values())},
            schema={name: TABLES["reward_rows"].schema[name] for name in ("row_id", "row_hash")},
        ),
        settings or {},
        people.unique().sort(),
    )


def say(*said: tuple[int, int, int, str]) -> pl.DataFrame:
    """Judgments by the place of the person, the two values and the answer."""
    return frame("judgments", (judgment(PEOPLE[who], a, b, answer) for who, a, b, answer in said))


def of_all(found: Difference) -> dict[tuple[int, int], tuple[str, list[str]]]:
    """Change and causes by pair, in the scope `all`."""
    rows = found.edges.filter(scope="all").select("source_value_id", "wiser_value_id", "change", "causes")
    return {(source, wiser): (change, causes) for source, wiser, change, causes in rows.iter_rows()}


SEEN = say((0, 3, 7, "upgrade"), (1, 3, 7, "upgrade"))


def test_nothing_changes_of_what_is_the_same() -> None:
    found = difference(a_stand(SEEN, rows={"r": "1"}), a_stand(SEEN, rows={"r": "1"}))
    assert [len(table) for table in (found.edges, found.judgments, found.merges, found.rows)] == [0] * 4
    assert found.settings == []


def test_a_judgment_makes_an_edge_and_another_takes_it_away() -> None:
    before, now = a_stand(say((0, 3, 7, "no_upgrade")), others=[PEOPLE[1]]), a_stand(SEEN)
    assert of_all(difference(before, now)) == {(3, 7): ("came", ["judgments"])}
    assert of_all(difference(now, before)) == {(3, 7): ("went", ["judgments"])}
    changed = difference(before, now).judgments.select(
        "participant_id", "relationship_before", "relationship"
    )
    assert changed.rows() == [(PEOPLE[0], "no_upgrade", "upgrade"), (PEOPLE[1], None, "upgrade")]


def test_an_edge_flips_where_the_reverse_takes_its_place() -> None:
    turned = say((0, 7, 3, "upgrade"), (1, 7, 3, "upgrade"))
    found = of_all(difference(a_stand(SEEN), a_stand(turned)))
    assert found == {(3, 7): ("flipped", ["judgments"]), (7, 3): ("flipped", ["judgments"])}


def test_one_more_answer_is_other_evidence_for_the_same_edge() -> None:
    more = a_stand(pl.concat([SEEN, say((2, 3, 7, "no_upgrade"))]))
    found = difference(a_stand(SEEN), more)
    assert of_all(found) == {(3, 7): ("evidence", ["judgments"])}
    row = found.edges.row(0, named=True)
    assert (row["marked_not_wiser_before"], row["marked_not_wiser"]) == (0, 1)


def test_who_is_in_nothing_any_more_has_withdrawn() -> None:
    left = say((0, 3, 7, "upgrade"))
    assert of_all(difference(a_stand(SEEN), a_stand(left))) == {(3, 7): ("evidence", ["withdrawals"])}
    still_there = a_stand(left, others=[PEOPLE[1]])
    assert of_all(difference(a_stand(SEEN), still_there)) == {(3, 7): ("evidence", ["judgments"])}


def test_cards_that_became_another_value_are_a_cause_at_both_ends() -> None:
    moved = [say((0, 3, 7, "upgrade")), say((0, 20, 7, "upgrade"))]
    before, now = (
        a_stand(judged, [{**CARDS, "value_id": value}]) for judged, value in zip(moved, (3, 20), strict=True)
    )
    found = difference(before, now)
    assert of_all(found) == {
        (3, 7): ("went", ["judgments", "merges"]),
        (20, 7): ("came", ["judgments", "merges"]),
    }
    assert found.merges.rows() == [("card", 1, 20, 3)]


def test_settings_and_what_comes_from_elsewhere() -> None:
    stricter = a_stand(SEEN, settings={"policy": 2, "same": 1})
    weaker = stricter._replace(
        pair_tallies=stricter.pair_tallies.with_columns(is_edge=pl.lit(False)),
        settings={"policy": 1, "same": 1},
    )
    found = difference(stricter, weaker)
    assert (found.settings, of_all(found)) == (["policy"], {(3, 7): ("went", ["settings"])})
    same = weaker._replace(settings=stricter.settings)
    assert of_all(difference(stricter, same)) == {(3, 7): ("went", ["elsewhere"])}


def test_rows_come_go_and_change_by_their_hash() -> None:
    before = a_stand(SEEN, rows={"a": "1", "b": "1", "c": "1"})
    found = difference(before, a_stand(SEEN, rows={"b": "2", "c": "1", "d": "1"}))
    assert found.rows.rows() == [("a", "went"), ("b", "changed"), ("d", "came")]


@given(judgments(), judgments())
def test_against_plain_python(first: pl.DataFrame, second: pl.DataFrame) -> None:
    before, now = a_stand(first), a_stand(second)
    found = difference(before, now)
    edges = [
        {row[:3]: row[3:] for row in stand.pair_tallies.select(*KEY, "is_edge", *COUNTED).iter_rows()}
        for stand in (before, now)
    ]
    expected: dict[Pair, str] = {}
    for pair in edges[0].keys() | edges[1].keys():
        was, is_now = (side.get(pair, (False,))[0] for side in edges)
        if was != is_now:
            back = (pair[0], pair[2], pair[1])
            turned = [side.get(back, (False,))[0] for side in edges]
            expected[pair] = "flipped" if turned == [is_now, was] else ("came" if is_now else "went")
        elif was and edges[0][pair] != edges[1][pair]:
            expected[pair] = "evidence"
    told = found.edges.select(*KEY, "change").rows()
    assert {row[:3]: row[3] for row in told} == expected
    assert [row[:3] for row in told] == sorted(expected)
    assert found.edges.columns == [
        *KEY,
        "change",
        *FIGURES,
        *(f"{name}_before" for name in FIGURES),
        "causes",
    ]
