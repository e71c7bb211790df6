"""Which values are held out: a value has a side of its own, whatever prompt it stands beside."""

import polars as pl

from dft_pipeline.dataset.prompt_contexts import SIDES, side

FROM_TRAINING = tuple(name for _, name in SIDES)  # each further from what is trained on


def with_value_split(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Adds `value_split`: the value's side, of several values in a row the one furthest from training.

    By the rule for prompts, of the value's id; a row that names no value is `train`.
    """
    ids = pl.concat([rows[column] for column in columns]).drop_nulls().unique()
    places = {one: FROM_TRAINING.index(side(str(one))) for one in ids}
    each = [pl.col(column).replace_strict(places, default=None, return_dtype=pl.Int64) for column in columns]
    furthest = pl.max_horizontal(each).fill_null(0)
    names = dict(enumerate(FROM_TRAINING))
    return rows.with_columns(value_split=furthest.replace_strict(names, return_dtype=pl.String))
