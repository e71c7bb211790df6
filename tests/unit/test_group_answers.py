"""Answers by group against a plain reading, and attacked: what few people said follows from nothing seen."""

from itertools import combinations, product
from math import prod

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.policies import DEFAULT
from dft_pipeline.reports.group_answers import (
    Answers,
    Seen,
    group_consensus,
    group_directions,
    seen_by_group,
    told_by_contested,
)
from dft_pipeline.values.reading import AFFILIATION, groups_by_field
from dft_pipeline.values.small_cells import Known

FEW = 5
NO_LINKS = pl.DataFrame(schema=some.LINKS)
SAID = {"u": "upgrade", "n": "no_upgrade", "s": "not_sure"}
Pair = tuple[int, int]
PAIRS: tuple[Pair, ...] = ((3, 7), (7, 3), (3, 20))
# What one person said of each of PAIRS (`-`: not asked), and whether they met value 7 or voted for it.
Way = str
Person = tuple[str, Way]


def asked_of(people: list[Person]) -> Answers:
    rows, ballots, groups = [], [], []
    for place, (group, way) in enumerate(people):
        who = f"{place:032x}"
        rows += [
            some.judgment(who, *pair, SAID[letter])
            for pair, letter in zip(PAIRS, way, strict=False)
            if letter in SAID
        ]
        ballots += [
            some.vote(who, 7, is_vote=is_vote)
            for is_vote in {"v": (True, False), "m": (False,)}.get(way[3], ())
        ]
        groups += [(who, group)] if group != "unknown" else []
    judgments, votes = some.frame("judgments", rows), some.frame("votes", ballots)
    by_field = {AFFILIATION: pl.DataFrame(groups, schema=some.GROUPS, orient="row")}
    tallies = pair_tallies(judgments, NO_LINKS, DEFAULT)
    disputed = contested(tallies, judgments, NO_LINKS, by_field[AFFILIATION])
    return Answers(judgments, votes, tallies, disputed, by_field)


def all_seen(asked: Answers) -> Seen:
    """What is seen beside `contested`."""
    known = Known()
    known.parts.extend(told_by_contested(asked))
    return seen_by_group(asked, {AFFILIATION: known})


@st.composite
def peoples(draw: st.DrawFn) -> list[Person]:
    """Blocks of people who are alike, mostly of an upgrade."""
    way = st.builds(
        "".join,
        st.tuples(
            st.sampled_from("uun-"), st.sampled_from("un--"), st.sampled_from("us-"), st.sampled_from("vm-")
        ),
    )
    ways = draw(st.lists(way, min_size=1, max_size=4))
    block = st.tuples(
        st.sampled_from(("a", "b", "unknown")), st.sampled_from(ways), st.sampled_from((1, 3, 5, 6, 9))
    )
    return [(group, drawn) for group, drawn, size in draw(st.lists(block, max_size=9)) for _ in range(size)]


def did(way: Way, pair: Pair, answer: str | None) -> bool:
    letter = way[PAIRS.index(pair)]
    return letter in SAID and answer in (None, SAID.get(letter))


def figures_of(way: Way) -> list[int]:
    """A person's part in each figure of pairs and of value 7."""
    parts = [int(did(way, pair, answer)) for pair in PAIRS for answer in (None, *SAID.values())]
    return [*parts, int(way[3] in "vm"), int(way[3] == "v")]


def plainly(people: list[Person], group: str, figure: int) -> int:
    return sum(figures_of(way)[figure] for own, way in people if own == group)


def told(seen: Seen) -> list[tuple[str, int, int]]:
    """What is seen: group, the figure's place, and how many."""
    found = []
    for row in seen.answers.to_dicts():
        first = 4 * PAIRS.index((row["source_value_id"], row["wiser_value_id"]))
        counts = [row[name] for name in ("judges", *SAID.values())]
        found += [
            (row["group"], first + place, count) for place, count in enumerate(counts) if count is not None
        ]
    for row in seen.votes.to_dicts():
        counts = [row["met"], row["votes"]]
        found += [
            (row["group"], 12 + place, count) for place, count in enumerate(counts) if count is not None
        ]
    return found


@settings(max_examples=10)
@given(peoples())
def test_what_is_seen_is_true(people: list[Person]) -> None:
    for group, figure, count in told(all_seen(asked_of(people))):
        assert count == plainly(people, group, figure)


def of_contested(asked: Answers, people: list[Person], cells: list[tuple[str, Way]]) -> list[list[float]]:
    """What `contested` shows of groups, as sums over the cells."""
    rows = []
    for record in asked.contested.filter(scope="all").to_dicts():
        pairs = [(edge["source_value_id"], edge["wiser_value_id"]) for edge in record["edges"]]
        for shown in record["answers_by_group"]:
            own = [(way if group == shown["group"] else None) for group, way in cells]
            rows.append(
                [float(way is not None and any(did(way, pair, None) for pair in pairs)) for way in own]
            )
            for answer in SAID.values():
                if shown[answer] is not None:
                    rows.append(
                        [float(sum(did(way, pair, answer) for pair in pairs)) if way else 0.0 for way in own]
                    )
    return rows


@settings(max_examples=20)
@given(peoples())
def test_nothing_of_few_people_follows(people: list[Person]) -> None:
    """Who knows what everybody did, but not their groups, learns of no few people by what is seen.

    Attacked are every figure and every difference of two, of every group and of those left out together.
    """
    asked = asked_of(people)
    seen = told(all_seen(asked))
    if not seen:
        return
    ways, groups = sorted({way for _, way in people}), sorted({group for group, _ in people})
    cells = list(product([*groups, "another"], ways))
    before = [[float(way == one) for _, way in cells] for one in ways] + of_contested(asked, people, cells)
    figures = {way: figures_of(way) for way in ways}
    known = before + [
        [figures[way][figure] * float(own == group) for own, way in cells] for group, figure, _ in seen
    ]
    secrets = [
        [float(np.dot(signs, figures[way])) * float(own in which) for own, way in cells]
        for signs in differences(len(figures[ways[0]]))
        for which in [{group} for group in groups] + left_out(seen, signs, people)
        if sum(own in which and np.dot(signs, figures[way]) != 0 for own, way in people) < FEW
    ]
    follows, did_before = (fixed_by(one, secrets) for one in (known, before))
    assert not (follows & ~did_before).any()


def left_out(
    seen: list[tuple[str, int, int]], signs: tuple[int, ...], people: list[Person]
) -> list[set[str]]:
    """Those of the figures at hand who are in no group that both show, if anybody is."""
    at_hand = [place for place, sign in enumerate(signs) if sign]
    shown = set.intersection(*({group for group, figure, _ in seen if figure == place} for place in at_hand))
    rest = {own for own, way in people if any(figures_of(way)[place] for place in at_hand)} - shown
    return [rest | {"another"}] if rest else []


def fixed_by(known: list[list[float]], secrets: list[list[float]]) -> NDArray[np.bool_]:
    """Which of the secrets are sums of what is known; those that are 0 everywhere are none."""
    rows, targets = np.array(known), np.array(secrets).reshape(-1, len(known[0]))
    _, sizes, basis = np.linalg.svd(rows)
    spanned = basis[: int((sizes > 1e-9).sum())]
    missed = np.linalg.norm(targets - targets @ spanned.T @ spanned, axis=1)
    found: NDArray[np.bool_] = (missed < 1e-9) & (np.abs(targets).sum(axis=1) > 0)
    return found


def differences(count: int) -> list[tuple[int, ...]]:
    ones = [tuple(int(place == one) for place in range(count)) for one in range(count)]
    pairs = combinations(range(count), 2)
    return ones + [tuple((place == a) - (place == b) for place in range(count)) for a, b in pairs]


def alike(group: str, way: Way, size: int) -> list[Person]:
    return [(group, way)] * size


BOTH = [*alike("a", "u---", 9), *alike("a", "n---", 5), *alike("b", "u---", 8), *alike("b", "n---", 6)]


def answers(people: list[Person]) -> list[tuple[object, ...]]:
    return all_seen(asked_of(people)).answers.drop("field").rows()


def test_by_hand() -> None:
    assert answers(BOTH) == [(3, 7, "a", 14, 9, 5, 0), (3, 7, "b", 14, 8, 6, 0)]


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        # One of a is not sure: who declined is not told, or that one would follow.
        (alike("a", "s---", 1), [(3, 7, "a", 15, 9, None, None), (3, 7, "b", 14, 8, None, None)]),
        (alike("c", "u---", 4), [(3, 7, "b", 14, 8, 6, 0)]),  # c is too few, a goes with it
        ([], [(3, 7, "a", 14, 9, 5, 0), (3, 7, "b", 14, 8, 6, 0)]),
    ],
)
def test_one_more_by_hand(more: list[Person], seen: list[tuple[object, ...]]) -> None:
    assert answers([*BOTH, *more]) == seen


def test_two_pairs_that_differ_in_one_person_are_not_both_told() -> None:
    """All but one of a who judged 3 → 7 judged 3 → 20 too: 3 → 7 comes first, the other would tell who."""
    same = [*alike("a", "u-u-", 9), *alike("b", "u-u-", 9)]
    assert {row[:2] for row in answers(same)} == {(3, 7), (3, 20)}, "the same people give nothing away"
    one_less = [*same, *alike("a", "u---", 1)]
    assert {row[:2] for row in answers(one_less)} == {(3, 7)}
    apart = [*same, *alike("a", "u---", 5), *alike("b", "u---", 5)]
    assert {row[:2] for row in answers(apart)} == {(3, 7), (3, 20)}


@pytest.mark.parametrize(("fewer", "seen"), [(0, {(3, 101)}), (1, set()), (5, {(3, 101)})])
def test_beside_what_is_told_of_a_loop(fewer: int, seen: set[Pair]) -> None:
    """Twelve of each group judged a loop, whose people `contested` shows; so many fewer judged 3 → 101."""
    people = [(f"{group}{number}", group) for group in "ab" for number in range(12)]
    rows = [some.judgment(who, *pair, "upgrade") for pair in ((3, 7), (7, 20), (20, 3)) for who, _ in people]
    rows += [some.judgment(who, 3, 101, "upgrade") for who, _ in people if int(who[1:]) < 12 - fewer]
    judgments = some.frame("judgments", rows)
    groups = pl.DataFrame(people, schema=some.GROUPS, orient="row")
    tallies = pair_tallies(judgments, NO_LINKS, DEFAULT)
    disputed = contested(tallies, judgments, NO_LINKS, groups)
    assert disputed.filter(scope="all")["answers_by_group"].list.len().to_list() == [2]
    asked = Answers(judgments, some.frame("votes", []), tallies, disputed, {AFFILIATION: groups})
    assert {row[1:3] for row in all_seen(asked).answers.rows()} == seen, "pairs of the loop are not told"


def test_only_edges_and_fights_are_told_of() -> None:
    declined = [*alike("a", "n---", 9), *alike("b", "n---", 9)]
    assert answers(declined) == []


def test_consensus_by_hand() -> None:
    people = [
        *BOTH,
        *alike("a", "---v", 6),
        *alike("a", "---m", 5),
        *alike("b", "---v", 9),
        *alike("b", "---m", 5),
    ]
    asked = asked_of(people)
    rows = group_consensus(all_seen(asked), asked.pair_tallies).drop("field").rows()
    edge, value = (10 / 16, 9 / 16), (7 / 13, 10 / 16)
    assert [row[:4] for row in rows] == [("value", None, 7, 2), ("edge", 3, 7, 2)]
    assert [row[4] for row in rows] == pytest.approx([prod(value) ** 0.5, prod(edge) ** 0.5])
    assert [row[5] for row in rows] == pytest.approx([min(value), min(edge)])


OPPOSED = [
    *alike("a", "un--", 20), *alike("a", "nu--", 5),
    *alike("b", "nu--", 20), *alike("b", "un--", 5),
]  # fmt: skip


def directions(people: list[Person]) -> list[tuple[object, ...]]:
    asked = asked_of(people)
    return group_directions(asked, NO_LINKS, all_seen(asked), DEFAULT).rows()


def test_groups_whose_own_graphs_point_opposite_ways() -> None:
    assert directions(OPPOSED) == [(AFFILIATION, 3, 7, "a", "b")]
    assert directions(OPPOSED[:25] * 2) == [], "one group alone differs from nobody"
    assert directions([*OPPOSED, *alike("b", "uu--", 3)]) == [], "few said so both ways: it is withheld"
    agreed = [
        *alike("a", "un--", 20),
        *alike("a", "nu--", 5),
        *alike("b", "un--", 20),
        *alike("b", "nu--", 5),
    ]
    assert directions(agreed) == []


def test_groups_of_every_field() -> None:
    rows = pl.DataFrame(
        {
            "id": [1, 2, 3],
            "participant_id": ["ann", "bob", "cat"],
            "usPoliticalAffiliation": ["Green", None, "DATA_EXPIRED"],
            "age": ["18–29", "30–44", None],
            "sex": ["Female", "", "Male"],
        }
    )
    found = {field: known.sort("participant_id").rows() for field, known in groups_by_field(rows).items()}
    assert found == {
        "usPoliticalAffiliation": [("ann", "Green")],
        "sex": [("ann", "Female"), ("cat", "Male")],
        "age_band": [("ann", "18–29"), ("bob", "30–44")],
    }


def test_order_of_rows_changes_nothing() -> None:
    asked = asked_of([*OPPOSED, *alike("a", "--uv", 9), *alike("b", "--um", 9)])
    turned = asked._replace(judgments=some.shuffled(asked.judgments, 5), votes=some.shuffled(asked.votes, 5))
    for table, again in zip(all_seen(asked), all_seen(turned), strict=True):
        assert len(table)
        assert table.equals(again)


def test_nobody_at_all() -> None:
    asked = asked_of([])
    seen = all_seen(asked)
    assert (len(seen.answers), len(seen.votes)) == (0, 0)
    assert group_consensus(seen, asked.pair_tallies).is_empty()
    assert group_directions(asked, NO_LINKS, seen, DEFAULT).is_empty()
