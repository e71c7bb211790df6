"""Steps and answers by group, against a plain reading; what is withheld is asked in `test_small_cells`."""

from statistics import median

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from test_small_cells import published

from dft_pipeline.reports import by_group
from dft_pipeline.reports.coverage import demographic_coverage
from dft_pipeline.tables import TABLES
from dft_pipeline.values import reading
from dft_pipeline.values.small_cells import Known

ANSWERS = ("upgrade", "no_upgrade", "not_sure")
TOOK = {
    "signed_up": lambda row: True,
    "chatted": lambda row: row["chats"] > 0,
    "wrote_a_card": lambda row: row["cards"] > 0,
    "was_shown_values": lambda row: row["shown"] > 0,
    "voted": lambda row: row["votes"] > 0,
    "judged": lambda row: row["judgments"] > 0,
}
Shares = tuple[int, int, int]  # counted, out of, participants


@st.composite
def behaviours(draw: st.DrawFn) -> tuple[pl.DataFrame, dict[str, str]]:
    """Rows of `participant_behaviour`, many alike, and the group of each participant that has one."""
    few = st.integers(0, 2)
    row = st.fixed_dictionaries(
        dict.fromkeys(("chats", "cards", "turns", "shown", "votes", *ANSWERS, "off"), few)
    )
    ways = draw(st.lists(row, min_size=1, max_size=4))
    block = st.tuples(st.sampled_from(ways), st.sampled_from(("a", "b", None)), st.sampled_from((1, 5, 6, 8)))
    rows, groups = [], {}
    for way, group, size in draw(st.lists(block, max_size=8)):
        for _ in range(size):
            person = f"{len(rows):032x}"
            rows.append(a_row(person, way))
            if group is not None:
                groups[person] = group
    return some.frame("participant_behaviour", rows), groups


def a_row(person: str, way: some.Row) -> some.Row:
    judged = sum(way[answer] for answer in ANSWERS)
    same = max(way[answer] for answer in ANSWERS) == judged
    return {
        "participant_id": person,
        "is_registered": True,
        **{name: way[name] for name in ("chats", "cards", "turns", "shown", "votes", *ANSWERS)},
        "minutes": way["turns"] * len(person) / 7,
        "judgments": judged,
        "is_straight_lining": same if judged >= 3 else None,
        "case_judgments": judged,
        "off_case_judgments": min(way["off"], judged) if way["shown"] else None,
    }


def plain_shares(rows: list[some.Row]) -> dict[str, Shares]:
    judgments = sum(row["judgments"] for row in rows)
    found = {
        answer: (sum(row[answer] for row in rows), judgments, sum(row[answer] > 0 for row in rows))
        for answer in ANSWERS
    }
    known = [row for row in rows if row["off_case_judgments"] is not None]
    off = [row["off_case_judgments"] for row in known]
    often = [row["is_straight_lining"] for row in rows if row["is_straight_lining"] is not None]
    return found | {
        "off_case": (sum(off), sum(row["case_judgments"] for row in known), sum(count > 0 for count in off)),
        "straight_lining": (sum(often), len(often), sum(often)),
    }


def of(behaviour: pl.DataFrame, groups: dict[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    frame = pl.DataFrame([*groups.items()], schema=some.GROUPS, orient="row")
    parts = by_group.parts(behaviour, frame)
    figures = by_group.figures(parts, Known())
    return by_group.funnel(parts, figures), by_group.behaviour_by_group(figures)


def rows_of(group: str, behaviour: pl.DataFrame, groups: dict[str, str]) -> list[some.Row]:
    rows = behaviour.to_dicts()
    return [row for row in rows if group in ("all", groups.get(row["participant_id"], "unknown"))]


@settings(max_examples=25)
@given(behaviours())
def test_what_is_seen_read_plainly(drawn: tuple[pl.DataFrame, dict[str, str]]) -> None:
    funnel, measures = of(*drawn)
    for row in funnel.to_dicts():
        rows = rows_of(row["group"], *drawn)
        assert_step(row, rows, [one for one in rows if TOOK[row["step"]](one)])
    for row in measures.to_dicts():
        counted, out_of, participants = plain_shares(rows_of(row["group"], *drawn))[row["measure"]]
        seen = (row["counted"], row["out_of"], row["participants"])
        is_all = row["group"] == "all"
        for told, true in zip(seen, (counted, out_of, participants), strict=True):
            assert told == true or (told is None and not is_all)
        withheld = row["counted"] is None or row["out_of"] is None or not out_of
        assert row["share"] == (None if withheld else counted / out_of)
    assert len(funnel.filter(group="all")) == 6
    assert len(measures.filter(group="all")) == 5


def assert_step(row: some.Row, rows: list[some.Row], took: list[some.Row]) -> None:
    if row["participants"] is None:
        assert row["group"] != "all"
        assert (row["share"], row["median_turns"], row["median_minutes"]) == (None, None, None)
        return
    assert row["participants"] == len(took)
    assert row["share"] == (len(took) / len(rows) if rows else None)
    talked = [one for one in took if one["chats"]]
    for name in ("turns", "minutes"):
        shown = talked if row["group"] == "all" else ()
        expected = pytest.approx(median(one[name] for one in shown)) if shown else None
        assert row[f"median_{name}"] == expected, "of a group it would be one person's own"


def test_steps_by_hand() -> None:
    """Ten of the left and ten others, of whom five each judged."""
    tables = published([("Left", "n", 5), ("Left", "j", 5), (None, "n", 5), (None, "j", 5)])
    judged = tables["funnel"].filter(step="judged").select("group", "participants", "share").rows()
    assert judged == [("Left", 5, 0.5), ("all", 10, 0.5), ("unknown", 5, 0.5)]
    upgrades = (
        tables["behaviour_by_group"].filter(measure="upgrade").select("group", "counted", "share").rows()
    )
    assert upgrades == [("Left", 5, 1.0), ("all", 10, 1.0), ("unknown", 5, 1.0)]


def test_a_group_of_few_judges_does_not_hide_the_others() -> None:
    blocks = [("Green", "n", 9), ("Green", "j", 2), ("Grey", "n", 9), ("Grey", "j", 6)]
    tables = published([*blocks, ("Left", "n", 5), ("Left", "j", 8)])
    judged = tables["funnel"].filter(step="judged").select("group", "participants").rows()
    assert judged == [("Left", 8), ("all", 16)], "Grey goes with Green"


def test_medians_are_of_everybody_only() -> None:
    way = dict.fromkeys(("chats", "turns", "cards", "shown", "votes", "off", *ANSWERS), 0)
    rows = [a_row(f"{n:032x}", way | ({"chats": 1, "turns": 2} if n < 15 else {})) for n in range(20)]
    funnel, _ = of(some.frame("participant_behaviour", rows), {})
    told = funnel.filter(step="signed_up").select("group", "participants", "median_turns").rows()
    assert told == [("all", 20, 2.0), ("unknown", 20, None)]


def test_nobody_at_all() -> None:
    tables = published([])
    assert tables["funnel"]["group"].unique().to_list() == ["all"]
    assert tables["funnel"]["participants"].to_list() == [0] * 6
    assert tables["behaviour_by_group"]["share"].to_list() == [None] * 5
    assert tables["demographic_coverage"].is_empty()


def test_an_answer_all_is_not_everybody() -> None:
    tables = published([("all", "n", 9), ("Left", "n", 6)])
    signed_up = tables["funnel"].filter(step="signed_up").select("group", "participants").rows()
    assert signed_up == [("Left", 6), ("all", 15), ("all (an answer)", 9)]


def test_no_key_repeats() -> None:
    for name, table in published(
        [("Left", "j", 9), ("unknown", "v", 9), (None, "j", 9), ("", "n", 6)]
    ).items():
        assert table.select(TABLES[name].key).is_unique().all(), name


def background(rows: list[tuple[str | None, str | None, str | None]]) -> pl.DataFrame:
    """Demographic rows of as many participants: affiliation, age band and sex."""
    named = [(place, f"{place:032x}", *row) for place, row in enumerate(rows)]
    columns = {
        "id": pl.Int64,
        "participant_id": pl.String,
        "usPoliticalAffiliation": pl.String,
        "age": pl.String,
        "sex": pl.String,
    }
    return reading.background(pl.DataFrame(named, schema=columns, orient="row"))


def coverage(rows: list[tuple[str | None, str | None, str | None]], field: str) -> list[tuple[object, ...]]:
    known = background(rows)
    table = demographic_coverage(
        known, known, ["Left", "unknown"], {field: Known() for field in reading.FIELDS}
    )
    return table.filter(field=field).drop("field").rows()


def test_coverage_of_ages() -> None:
    ages = ["under 18", "18–29", "18–29", "30–44", "30–44", "45–59", "45–59", "60+", "60+"] * 5
    found = coverage([("Left", age, "Male") for age in ages] + [("Left", None, "Male")] * 5, "age_band")
    expected = [(None, 5), ("18–29", 10), ("30–44", 10), ("45–59", 10), ("60+", 10), ("under 18", 5)]
    assert found == [(band, count, count / 50) for band, count in expected]


@pytest.mark.parametrize(
    ("sexes", "expected"),
    [
        (["Female"] * 6 + ["Male"] * 4, []),  # 4 would follow
        (["Female"] * 6 + ["Male"] * 4 + ["DATA_EXPIRED"] * 5 + [""] * 2, [(None, 7)]),
        (["Female"] * 6 + ["Male"] * 8 + ["CONSENT_REVOKED"] * 5, [(None, 5), ("Female", 6), ("Male", 8)]),
    ],
)
def test_coverage_leaves_out_answers_of_few(sexes: list[str], expected: list[tuple[str | None, int]]) -> None:
    found = coverage([("Left", "30–44", sex) for sex in sexes], "sex")
    assert [row[:2] for row in found] == expected


def test_coverage_shows_the_affiliations_that_other_tables_show() -> None:
    rows = [(said, "30–44", "Male") for said in ["Left"] * 5 + ["Right"] * 9 + [None, "", "unknown"] * 3]
    assert [row[:2] for row in coverage(rows, "usPoliticalAffiliation")] == [(None, 9), ("Left", 5)]


def test_the_latest_background_counts() -> None:
    rows = pl.DataFrame(
        {
            "id": [2, 1],
            "participant_id": ["ann"] * 2,
            "usPoliticalAffiliation": ["DATA_EXPIRED", "Left"],
            "age": [None, "30–44"],
            "sex": ["Male", None],
        }
    )
    assert reading.background(rows).rows() == [("ann", None, "Male", None)]
    assert reading.groups(rows).is_empty()
