"""Survey answers by group, read plainly; what is withheld is attacked in `test_small_cells`."""

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.reports.survey import survey_by_group
from dft_pipeline.values.small_cells import Known

Said = tuple[str, str, int | None]  # group, question, answer
SCHEMA = {"participant_id": pl.String, "question": pl.String, "answer": pl.Int64}


def table(said: list[Said]) -> pl.DataFrame:
    """The report of people each of whom answered one question."""
    answers = pl.DataFrame(
        [(f"p{place}", question, answer) for place, (_, question, answer) in enumerate(said)],
        schema=SCHEMA,
        orient="row",
    )
    groups = [(f"p{place}", group) for place, (group, _, _) in enumerate(said) if group != "unknown"]
    return survey_by_group(
        answers, {"sex": pl.DataFrame(groups, schema=some.GROUPS, orient="row")}, {"sex": Known()}
    )


def times(count: int, group: str, answer: int | None, question: str = "Fair?") -> list[Said]:
    return [(group, question, answer)] * count


BLOCKS = st.lists(
    st.builds(
        times,
        st.sampled_from((1, 4, 5, 8)),
        st.sampled_from(("Female", "Male", "unknown")),
        st.sampled_from((None, 1, 2, 4, 5)),
        st.sampled_from(("Fair?", "Clear?")),
    ),
    max_size=8,
)


@settings(max_examples=20)
@given(BLOCKS)
def test_what_is_seen_read_plainly(blocks: list[list[Said]]) -> None:
    said = [one for block in blocks for one in block]
    rows = table(said).to_dicts()
    answered = {question for _, question, answer in said if answer is not None}
    assert {row["question"] for row in rows if row["field"] == "all"} == answered
    for row in rows:
        own = [
            answer
            for group, question, answer in said
            if answer is not None and question == row["question"] and row["group"] in ("all", group)
        ]
        assert row["answered"] == len(own)
        is_all = row["field"] == "all"
        assert is_all or len(own) >= 5
        high = sum(answer >= 4 for answer in own)
        for name, true in (("mean", sum(own) / len(own)), ("high_share", high / len(own))):
            assert (row[name] is None and not is_all) or row[name] == pytest.approx(true)


BOTH = [*times(5, "Female", 5), *times(5, "Female", 2), *times(5, "Male", 4), *times(5, "Male", 1)]


def test_by_hand() -> None:
    assert table(BOTH).rows() == [
        ("Fair?", "all", "all", 20, 3.0, 0.5),
        ("Fair?", "sex", "Female", 10, 3.5, 0.5),
        ("Fair?", "sex", "Male", 10, 2.5, 0.5),
    ]


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        (times(4, "unknown", 4), [("Male", 10, None)]),  # four are too few, Female goes with them
        (times(1, "Male", 3), [("Female", 10, 0.5), ("Male", 11, 0.5 * 10 / 11)]),
        (times(9, "Male", None), [("Female", 10, 0.5), ("Male", 10, 0.5)]),
    ],
)
def test_of_few_nothing_is_seen(more: list[Said], seen: list[tuple[object, ...]]) -> None:
    found = table([*BOTH, *more]).filter(field="sex").select("group", "answered", "high_share").rows()
    assert [row[:2] for row in found] == [row[:2] for row in seen]


def test_no_survey_no_rows() -> None:
    assert table([]).is_empty()
