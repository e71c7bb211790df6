"""Comments and stories left out of a snapshot, and nothing else."""

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.texts import FREE_TEXTS, without_texts


def test_comments_and_stories_are_left_out() -> None:
    rows = pl.DataFrame({"story": ["Once", None], "comment": ["No", ""], "context_id": ["When", "Where"]})
    left = without_texts(rows)
    assert left.schema == rows.schema
    assert left.rows() == [(None, None, "When"), (None, None, "Where")]


def test_what_was_cut_from_them_is_left_out_of_set_aside_rows() -> None:
    rows = pl.DataFrame(
        {
            "column": ["comment", "transcript", "verdict", None],
            "rule": ["r"] * 4,
            "value": ["a", "b", "c", "d"],
        }
    )
    assert without_texts(rows)["value"].to_list() == [None, None, "c", "d"]


def test_a_table_without_texts_is_as_it_was() -> None:
    for name, table in TABLES.items():
        rows = table.schema.to_frame()
        assert without_texts(rows).schema == rows.schema, name
    assert {name for name, table in TABLES.items() if set(FREE_TEXTS) & set(table.columns)} == {
        "judgments",
        "edge_judgments",
        "criterion_scores",
    }
