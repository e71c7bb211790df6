"""Coverage at every h: totals read plainly, what is seen of groups, and which h is recommended."""

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gamma import plain_evidence, plain_gamma, plain_question, plain_walk

from dft_pipeline.dataset.coverage_by_h import advice, coverage_by_h
from dft_pipeline.dataset.gamma import CHOSEN
from dft_pipeline.dataset.gradient import Choice, Gradient, gradients
from dft_pipeline.dataset.questions import numbered, participants
from dft_pipeline.policies import Aggregation
from dft_pipeline.values.small_cells import Known

Groups = dict[str, int]


@settings(max_examples=5)
@given(some.publics(), some.aggregations(st.just(0)))
def test_totals_read_plainly(public: some.Public, using: Aggregation) -> None:
    snapshot = some.snapshot(public, some.EASY)
    table = coverage_by_h(
        list(gradients(numbered(snapshot), using)), participants(snapshot), public.groups, Known()
    )
    assert set(table["case_id"]) == set(some.CASES)
    for row in table.filter(group="all").iter_rows(named=True):
        asked = plain_question(snapshot, row["case_id"], None)
        at_h = using.model_copy(update={"h": row["h"]})
        values = [int(value) for value, *_ in plain_gamma(asked, at_h)]
        wisdom = dict(asked.nodes.select("value_id", "wisdom").iter_rows())
        supported, _ = plain_evidence(asked, using)
        own = sum(bool(held & set(values)) for held in supported.values())
        walked = [plain_walk(held, person, asked, row["h"]) for person, held in supported.items()]
        assert row["value_ids"] == values
        assert row["participants"] == len(supported)
        assert row["supporters"] == own
        assert row["carried_supporters"] == sum(bool(held & set(values)) for held in walked)
        assert row["coverage"] == (pytest.approx(own / len(supported)) if supported else None)
        mean = sum(wisdom.get(value, 0) for value in values) / len(values) if values else None
        assert row["wisdom"] == (None if mean is None else pytest.approx(mean))


def a_case(case: str, sizes: Groups, *covered: Groups, first: int = 0) -> tuple[Gradient, dict[str, str]]:
    """A case of groups of such sizes; at each h the first so many of each support what is chosen."""
    names = [group for group, size in sizes.items() for _ in range(size)]
    place = [number for size in sizes.values() for number in range(size)]
    own = [
        np.array([at < of.get(group, 0) for group, at in zip(names, place, strict=True)], dtype=np.bool_)
        for of in covered
    ]
    nodes = some.frame("graph_values", [{"value_id": 3, "wisdom": 0.5}])
    best = pl.DataFrame([(3, 9, 0.5, 0.5)], schema=CHOSEN, orient="row")
    asked = plain_question(some.snapshot(a_public(), some.EASY), "weed", None)._replace(nodes=nodes)
    choices = [Choice(h, best, people, people) for h, people in enumerate(own)]
    numbers = np.arange(first, first + len(names))
    supports = pl.DataFrame({"value_id": [3], "support": [9]})
    groups = {f"{number:06}": name for number, name in zip(numbers, names, strict=True) if name != "unknown"}
    return Gradient(case, asked, numbers, supports, choices), groups


def a_public() -> some.Public:
    return some.Public(
        some.frame("judgments", []),
        pl.DataFrame(schema=some.LINKS),
        some.frame("votes", []),
        some.frame("articulations", []),
        some.frame("canonical_values", []),
        pl.DataFrame([("weed", "What about weed?")], schema=some.RAW_CASES, orient="row"),
        pl.DataFrame(schema=some.GROUPS),
    )


def table_of(*cases: tuple[Gradient, dict[str, str]]) -> pl.DataFrame:
    size = 1 + max(int(gradient.people.max()) for gradient, _ in cases)
    named = {name: group for _, groups in cases for name, group in groups.items()}
    groups = pl.DataFrame([*named.items()], schema=some.GROUPS, orient="row")
    everybody = pl.Series([f"{number:06}" for number in range(size)])
    return coverage_by_h([gradient for gradient, _ in cases], everybody, groups, Known())


def cells(table: pl.DataFrame) -> dict[tuple[int, str], tuple[int | None, int | None]]:
    rows = table.select("h", "group", "participants", "supporters").iter_rows()
    return {(h, group): (people, own) for h, group, people, own in rows}


SIZES = {"Left": 40, "Right": 30, "unknown": 20}
EVEN = {"Left": 30, "Right": 20, "unknown": 10}


def test_the_largest_h_at_which_every_group_is_half_covered() -> None:
    """Right falls below a half at h = 2, though everybody together does not."""
    covered = [
        {"Left": 90, "Right": 24, "unknown": 35},
        {"Left": 80, "Right": 15, "unknown": 30},
        {"Left": 70, "Right": 9, "unknown": 25},
    ]
    table = table_of(a_case("weed", {"Left": 100, "Right": 30, "unknown": 40}, *covered))
    assert table.filter(group="all", h=2)["coverage"].item() == pytest.approx(104 / 170)
    assert cells(table)[2, "Right"] == (30, 9)
    assert table.filter("is_recommended").select("h").unique().to_series().to_list() == [1]
    assert "`weed`: h 1, where 74% of everybody" in advice(table)


def test_no_h_is_recommended_where_none_reaches_half() -> None:
    table = table_of(a_case("weed", SIZES, {"Left": 15, "Right": 12, "unknown": 7}))
    assert not table["is_recommended"].any()
    assert "`weed`: no h" in advice(table)


def test_groups_of_few_are_left_out_and_as_many_more_as_it_takes() -> None:
    sizes = {"Green": 3, "Left": 40, "Grey": 9, "unknown": 20}
    table = table_of(a_case("weed", sizes, {"Left": 30, "unknown": 10, "Grey": 5}))
    assert set(table["group"]) == {"Left", "all", "unknown"}, "Grey goes with Green, whose size would follow"


def test_a_step_of_few_people_is_withheld_and_has_no_say() -> None:
    """One of Right leaves at h = 1: the figures of h = 1 would tell of them, those of h = 0 do not."""
    covered = [{"Left": 20, "Right": 14, "unknown": 10}, {"Left": 20, "Right": 13, "unknown": 10}]
    table = table_of(a_case("weed", SIZES, *covered))
    assert cells(table)[0, "Right"] == (30, 14)
    assert [own for (h, group), (_, own) in cells(table).items() if h == 1 and group != "all"] == [None] * 3
    assert cells(table)[1, "all"] == (90, 43), "totals over everybody are public"
    assert not table["is_recommended"].any(), "less than half of everybody at either h"
    more = table_of(a_case("weed", SIZES, covered[0], {"Left": 40, "Right": 13, "unknown": 10}))
    assert "without a say, being withheld: Left, Right, unknown" in advice(more)


def test_cases_are_weighed_together() -> None:
    """Two cases of nearly the same people: what differs is one person of a group."""
    one = a_case("abortion", SIZES, {"Left": 20, "Right": 15, "unknown": 10})
    people = one[0].people[1:]
    fewer = Choice(0, one[0].choices[0].chosen, one[0].choices[0].own[1:], one[0].choices[0].own[1:])
    other = one[0]._replace(case_id="weed", people=people, choices=[fewer])
    table = table_of(one, (other, one[1]))
    seen = table.filter(pl.col("group") != "all").group_by("case_id").agg(pl.col("participants").count())
    assert dict(seen.iter_rows()) == {"abortion": 3, "weed": 0}


def test_figures_past_those_that_are_weighed_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dft_pipeline.dataset.coverage_by_h.MOST_FIGURES", 2)
    table = table_of(a_case("weed", SIZES, {"Left": 20, "Right": 15, "unknown": 5}, EVEN))
    assert cells(table)[0, "Left"] == (40, 20)
    assert cells(table)[1, "Left"] == (40, None)
    assert cells(table)[1, "all"] == (90, 60)


def test_a_case_of_nobody() -> None:
    snapshot = some.snapshot(a_public(), some.EASY)
    found = list(gradients(numbered(snapshot), Aggregation()))
    table = coverage_by_h(found, participants(snapshot), pl.DataFrame(schema=some.GROUPS), Known())
    assert table.select("h", "group", "participants", "coverage").rows() == [
        (None, "all", 0, None),
        (0, "all", 0, None),
    ]
    assert not table["is_recommended"].any()


def test_no_case_no_rows() -> None:
    nobody = pl.Series([], dtype=pl.String)
    table = coverage_by_h([], nobody, pl.DataFrame(schema=some.GROUPS), Known())
    assert table.is_empty()
    assert advice(table) == ""
