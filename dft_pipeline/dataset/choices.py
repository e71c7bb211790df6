"""What Γ chooses everywhere at several h, side by side: for people to read, not to train on."""

from collections.abc import Sequence

import polars as pl

from dft_pipeline.dataset.gamma import gamma
from dft_pipeline.dataset.questions import Snapshot, numbered, questions
from dft_pipeline.policies import Aggregation

CHOICES = pl.Schema(
    {
        "case_id": pl.String,
        "context_id": pl.String,
        "h": pl.Int64,
        "place": pl.Int64,
        "value_id": pl.Int64,
        "support": pl.Int64,
        "share": pl.Float64,
    }
)
KEY = ("case_id", "context_id", "h", "place")


def choices(snapshot: Snapshot, settings: Aggregation, hops: Sequence[int | None]) -> pl.DataFrame:
    """A row is a value that Γ chooses for a case, or for it and a context, at an h (null: `all`): CHOICES.

    `place` counts from 1 in Γ's order. The rows of an h are those of `reward_rows` at that h. Raises
    CyclicGraph where support is to be carried along a graph that has a loop.
    """
    parts = [
        gamma(asked, settings.model_copy(update={"h": h}))
        .with_row_index("place", offset=1)
        .select(
            "value_id",
            "support",
            "share",
            pl.col("place").cast(pl.Int64),
            case_id=pl.lit(case_id),
            context_id=pl.lit(context_id, pl.String),
            h=pl.lit(h, pl.Int64),
        )
        for case_id, context_id, asked in questions(numbered(snapshot))
        for h in hops
    ]
    rows = pl.concat(part.select(CHOICES.names()) for part in parts) if parts else CHOICES.to_frame()
    return rows.sort(KEY, nulls_last=[False, False, True, False])
