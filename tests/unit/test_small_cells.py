"""What may be seen of a group, attacked: by subtraction, by any sum, by what was left out."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.reports.behaviour import taking_part
from dft_pipeline.reports.participants import Doings, participant_behaviour
from dft_pipeline.values.few_apart import Part
from dft_pipeline.values.reading import FIELDS
from dft_pipeline.values.small_cells import Known, apart_enough, sums_by_group

FEW = 5
FIGURES = ("here", "asked", "agreed", "refused")
Person = tuple[str, tuple[int, ...]]


@st.composite
def peoples(draw: st.DrawFn) -> list[Person]:
    """Blocks of people who are alike: a group, and their part in each figure."""
    asked = st.tuples(st.just(1), st.integers(0, 3), st.integers(0, 2), st.integers(0, 1))
    ways = draw(st.lists(asked, min_size=1, max_size=3))
    block = st.tuples(st.sampled_from("abcd"), st.sampled_from(ways), st.sampled_from((1, 2, 4, 5, 6, 9)))
    return [(group, way) for group, way, size in draw(st.lists(block, max_size=10)) for _ in range(size)]


def seen(people: list[Person], base: str = "here") -> pl.DataFrame:
    rows = [(str(place), group, *parts) for place, (group, parts) in enumerate(people)]
    schema = {"participant_id": pl.String, "group": pl.String, **dict.fromkeys(FIGURES, pl.Int64)}
    return sums_by_group(pl.DataFrame(rows, schema=schema, orient="row"), FIGURES, base, Known())


def follows(target: list[float], known: list[list[float]]) -> bool:
    """Whether a sum over (people alike, group) is fixed by other such sums."""
    matrix = np.array(known, dtype=float)
    return bool(np.linalg.matrix_rank(np.vstack([matrix, target])) == np.linalg.matrix_rank(matrix))


def assert_nothing_small_follows(people: list[Person], shown: list[dict[str, int | str | None]]) -> None:
    """An attacker who knows what everybody did, but not who is of which group, learns of no few people."""
    # Nor does the attacker know which groups there are: there might be another.
    groups, ways = {group for group, _ in people}, sorted({way for _, way in people})
    cells = [(group, way) for group in sorted(groups | {"another"}) for way in ways]
    known = [[float(way == known_way) for _, way in cells] for known_way in ways]  # how many did what
    for row in shown:
        for figure, told in row.items():
            if figure != "group" and told is not None:
                part = FIGURES.index(figure)
                known.append([way[part] * float(group == row["group"]) for group, way in cells])
    left_out = groups - {row["group"] for row in shown}
    together = [left_out | {"another"}] if left_out and shown else []
    for which in [*({group} for group in groups), *together]:
        for signs in sums_of(len(FIGURES)):
            weights = {way: float(np.dot(signs, way)) for way in ways}
            few = sum(group in which and weights[way] != 0 for group, way in people) < FEW
            if few and any(weights.values()):
                target = [weights[way] * float(group in which) for group, way in cells]
                assert not follows(target, known), (which, signs)


def sums_of(count: int) -> list[tuple[int, ...]]:
    """Each figure alone, and each difference of two, as coefficients."""
    ones = [tuple(int(place == one) for place in range(count)) for one in range(count)]
    pairs = combinations(range(count), 2)
    return ones + [tuple((place == a) - (place == b) for place in range(count)) for a, b in pairs]


@settings(max_examples=60)
@given(peoples())
def test_nothing_of_few_people_follows(people: list[Person]) -> None:
    assert_nothing_small_follows(people, seen(people).to_dicts())


@given(peoples())
def test_what_is_seen_is_true(people: list[Person]) -> None:
    for row in seen(people).to_dicts():
        for place, figure in enumerate(FIGURES):
            assert row[figure] in (None, sum(way[place] for group, way in people if group == row["group"]))


def of(group: str, **ways: int) -> list[Person]:
    """So many people of a group by what they did: `quiet`, `asked`, `agreed` (once), `refused`."""
    parts = {"quiet": (1, 0, 0, 0), "asked": (1, 1, 0, 0), "agreed": (1, 1, 1, 0), "refused": (1, 1, 0, 1)}
    return [(group, parts[way]) for way, count in ways.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (of("a", quiet=9) + of("b", quiet=6), {"a": (9, 0, 0, 0), "b": (6, 0, 0, 0)}),
        (of("a", quiet=5, asked=5) + of("b", quiet=5, asked=5), {"a": (10, 5, 0, 0), "b": (10, 5, 0, 0)}),
        # Of b, 10 − 6 did not answer: so that is not seen, of a either.
        (
            of("a", quiet=5, asked=5) + of("b", quiet=4, asked=6),
            {"a": (10, None, 0, 0), "b": (10, None, 0, 0)},
        ),
        # All of b answered, and not all of a: that nobody of b did not is of nobody, and not seen.
        (of("a", quiet=5, asked=5) + of("b", asked=6), {"a": (10, None, 0, 0), "b": (6, None, 0, 0)}),
        # Who is left out is not seen by subtraction: c is too few, b goes with it.
        (of("a", quiet=9) + of("b", quiet=5) + of("c", quiet=1), {"a": (9, 0, 0, 0)}),
        (of("a", quiet=9) + of("c", quiet=1), {}),
        # asked − agreed − refused is of three people.
        (of("a", quiet=5, asked=3, agreed=5, refused=5) * 2, {"a": (36, 26, 10, 10)}),
        (of("a", quiet=5, asked=3, agreed=5, refused=5), {"a": (18, 13, 5, None)}),
        ([], {}),
    ],
)
def test_by_hand(people: list[Person], expected: dict[str, tuple[int | None, ...]]) -> None:
    assert {row[0]: row[1:] for row in seen(people).rows()} == expected


def test_a_group_is_large_enough_by_its_base() -> None:
    people = of("a", quiet=9, asked=9) + of("b", quiet=9, asked=4)
    assert seen(people)["group"].to_list() == ["a", "b"]
    assert seen(people, "asked")["group"].to_list() == [], "four of b answered, and nine of a"
    people += of("c", quiet=9, asked=8)
    assert seen(people, "asked")["group"].to_list() == ["a"], "c goes with b"
    assert seen(people, "agreed")["group"].to_list() == [], "nobody agreed"


def a_public(blocks: list[tuple[str | None, str, int]]) -> tuple[pl.DataFrame, Doings]:
    """Demographics and doings of so many people of a group who did `n`othing, `v`oted or `j`udged too."""
    who = [(group, did) for group, did, size in blocks for _ in range(size)]
    names = [f"{place:032x}" for place in range(len(who))]
    demographics = pl.DataFrame(
        {
            "id": range(len(who)),
            "participant_id": names,
            "usPoliticalAffiliation": [group for group, _ in who],
            "age": ["30–44"] * len(who),
            "sex": ["Female"] * len(who),
        },
        schema_overrides={"id": pl.Int64, "usPoliticalAffiliation": pl.String, "participant_id": pl.String},
    )
    votes = [some.vote(name, 3) for name, (_, did) in zip(names, who, strict=True) if did in "vj"]
    judged = [
        some.judgment(name, 3, 7, "upgrade") for name, (_, did) in zip(names, who, strict=True) if did == "j"
    ]
    chats = pl.DataFrame(schema=some.CHATS)
    return demographics, Doings(
        chats, some.frame("articulations", ()), some.frame("votes", votes), some.frame("judgments", judged)
    )


def published(blocks: list[tuple[str | None, str, int]]) -> dict[str, pl.DataFrame]:
    demographics, doings = a_public(blocks)
    behaviour = participant_behaviour(demographics.select("participant_id"), doings)
    known = {field: Known() for field in FIELDS}
    return {"participant_behaviour": behaviour, **taking_part(behaviour, demographics, known)}


BLOCKS = st.lists(
    st.tuples(
        st.sampled_from(("Left", "Right", "Green", "all", "unknown", None)),
        st.sampled_from("nvj"),
        st.sampled_from((1, 2, 4, 5, 7)),
    ),
    max_size=10,
)


@settings(max_examples=25)
@given(BLOCKS)
def test_nothing_follows_across_steps_and_tables(blocks: list[tuple[str | None, str, int]]) -> None:
    """Steps, answers and the coverage of affiliations, read together."""
    tables = published(blocks)
    people = [
        (named(group), (1, int(did in "vj"), int(did == "j"), int(did == "j")))
        for group, did, size in blocks
        for _ in range(size)
    ]
    assert_nothing_small_follows(people, [*of_groups(tables), *of_coverage(tables)])


def named(group: str | None) -> str:
    return {"all": "all (an answer)", None: "unknown"}.get(group, str(group))


def of_groups(tables: dict[str, pl.DataFrame]) -> list[dict[str, int | str | None]]:
    """What the funnel and the answers say of each group, in the attack's four figures."""
    rows: dict[str, dict[str, int | str | None]] = {}
    figures = {"signed_up": "here", "voted": "asked", "judged": "agreed"}
    for row in tables["funnel"].filter(pl.col("group") != "all").to_dicts():
        if row["step"] in figures:
            told = rows.setdefault(row["group"], {"group": row["group"]})
            told[figures[row["step"]]] = row["participants"]
    said = tables["behaviour_by_group"].filter(pl.col("group") != "all", measure="upgrade")
    for row in said.to_dicts():
        counts = (row[name] for name in ("counted", "out_of", "participants"))
        rows[row["group"]]["refused"] = next((count for count in counts if count is not None), None)
    return [*rows.values()]


def of_coverage(tables: dict[str, pl.DataFrame]) -> list[dict[str, int | str | None]]:
    told = tables["demographic_coverage"].filter(field="usPoliticalAffiliation").to_dicts()
    return [{"group": named(row["answer"]), "here": row["participants"]} for row in told]


def test_rows_of_single_people_do_not_say_their_group() -> None:
    behaviour = published([("Left", "j", 9)])["participant_behaviour"]
    assert len(behaviour) == 9
    assert not {"group", "age", "sex"} & set(behaviour.columns)


def part(groups: tuple[str, ...], **people: range) -> Part:
    """One figure, of the people of each group with these numbers."""
    rows = [(f"{group}{number}", group, 1) for group, numbers in people.items() for number in numbers]
    schema = {"participant_id": pl.String, "group": pl.String, "here": pl.Int64}
    return Part(pl.DataFrame(rows, schema=schema, orient="row"), ("here",), groups)


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (part(("a",), a=range(9)), part(("a",), a=range(9)), [True, True]),  # the same people
        (part(("a",), a=range(9)), part(("a",), a=range(10)), [True, False]),  # a9 would follow
        (part(("a",), a=range(9)), part(("a",), a=range(14)), [True, True]),
        (part(("a",), a=range(9)), part(("a",), a=range(7, 12)), [True, True]),  # ten are in one only
        (part(("a",), a=range(9)), part(("b",), b=range(9)), [True, True]),  # nobody in common
        # Of a six are in one only; but so is one of those left out, who would follow from the totals.
        (part(("a",), a=range(9), b=range(5)), part(("a",), a=range(15), b=range(6)), [True, False]),
        (part(("a",), a=range(9), b=range(5)), part(("a",), a=range(15), b=range(10)), [True, True]),
        # That none of the six is of those left out rests on nobody.
        (part(("a",), a=range(9), b=range(5)), part(("a",), a=range(15), b=range(5)), [True, False]),
        # b is told by the other alone.
        (part(("a",), a=range(9), b=range(5)), part(("b",), a=range(9), b=range(6)), [True, False]),
    ],
)
def test_figures_that_differ_in_few_people_are_not_both_seen(
    one: Part, other: Part, kept: list[bool]
) -> None:
    assert apart_enough((), [one, other]) == kept
    assert apart_enough([one], [other]) == kept[1:], "what is known already counts as well"


def test_what_is_withheld_withholds_nothing() -> None:
    rows = [part(("a",), a=range(size)) for size in (9, 10, 15)]
    assert apart_enough((), rows) == [True, False, True], "15 is close to none that is seen"
    assert apart_enough((), rows[1:]) == [True, True]
    assert apart_enough((), []) == []


def test_figures_of_the_same_people_may_still_differ() -> None:
    """Each of nine has one part in the one figure; in the other a0 has two, and would follow."""
    one = part(("a",), a=range(9))
    more = pl.when(pl.col("participant_id") == "a0").then(2).otherwise("here").cast(pl.Int64)
    twice = one._replace(people=one.people.with_columns(here=more))
    assert apart_enough((), [one, twice]) == [True, False]
    assert apart_enough((), [twice, twice]) == [True, True]
