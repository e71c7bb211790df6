"""Rows read = rows used + rows set aside, counted over by hand."""

from collections import Counter

import polars as pl
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.values.one_voice import AllVoices
from dft_pipeline.values.row_counts import USED, row_counts, unaccounted

NAMES = ("edge", "vote", "impression", "valuesCard", "user")
RULES = ("superseded", "unknown_case", "wrong_form")
FROM = ("edges.csv: row 3", "edge.csv: row 3", "raw/")  # a file's rows never reached the raw table
LEFT = st.tuples(st.sampled_from(NAMES), st.sampled_from(RULES), st.sampled_from(FROM))


def quarantine(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    told = (
        {"table": name, "rule": rule, "source": f"raw/{name}" if source == "raw/" else source}
        for name, rule, source in rows
    )
    return some.frame("quarantine", told)


@settings(max_examples=25)
@given(st.lists(LEFT, max_size=12), st.lists(st.integers(0, 5), min_size=len(NAMES), max_size=len(NAMES)))
def test_counts_add_up(left: list[tuple[str, str, str]], kept: list[int]) -> None:
    from_raw = Counter(name for name, _, source in left if source == "raw/")
    read = {name: count + from_raw[name] for name, count in zip(NAMES, kept, strict=True)}
    counts = row_counts(read, quarantine(left))
    by_rule = Counter((name, rule) for name, rule, _ in left)
    used = {(name, USED): count for name, count in zip(NAMES, kept, strict=True)}
    assert {row[:2]: row[2] for row in counts.iter_rows()} == used | by_rule
    assert counts.rows() == sorted(counts.rows())
    refused = Counter(name for name, _, source in left if source != "raw/")
    for name in NAMES:
        assert counts.filter(table=name)["rows"].sum() == read[name] + refused[name]


def test_a_table_that_does_not_add_up_is_told_with_both_numbers() -> None:
    read = {"edge": 3, "vote": 2, "impression": 1, "valuesCard": 1, "deduplicationVerification": 2, "user": 9}
    counts = row_counts(read, quarantine([]))
    answers = [some.judgment(person, 3, 7, "upgrade") for person in some.PEOPLE[:3]]
    ballot = [some.vote("ann", 3), some.vote("ann", 7), some.vote("ann", 3, is_vote=False)]
    cards = [
        {"card_kind": kind, "card_id": 1, "value_id": 3, "decided_by": "given"}
        for kind in ("card", "canonical")
    ]
    found = AllVoices(
        some.frame("judgments", answers), some.frame("votes", ballot), some.frame("articulations", []),
        pl.DataFrame({"verdict": ["same", "unsure"]}), some.frame("quarantine", []),
    )  # fmt: skip
    became = some.frame("card_values", cards)
    assert unaccounted(counts, found, became) == [], "users are read for reference, and used by nothing"
    said = "{}: {} rows were not set aside, and {} are used"
    fewer = found._replace(judgments=found.judgments.head(2))
    assert unaccounted(counts, fewer, became) == [said.format("edge", 3, 2)]
    swapped = found._replace(votes=found.votes.with_columns(~pl.col("is_vote")))
    assert unaccounted(counts, swapped, became.clear()) == [
        said.format("vote", 2, 1),
        said.format("impression", 1, 2),
        said.format("valuesCard", 1, 0),
    ]
