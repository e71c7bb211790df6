"""Moderation: which completions are set aside, and by which rule.

`words-1` looks for what could tell who somebody is, by the patterns that prompts are left out by. It is no
judgement of content: that is a language model's, by the prompt `moderate`, where there is one.
"""

from collections.abc import Sequence

import polars as pl

from dft_pipeline.dataset.gates import PERSONAL
from dft_pipeline.dataset.prompt_contexts import SIDES
from dft_pipeline.training import marks

WORDS = "words-1"
LOOKED_AT = ("text", "critique")  # and with the text what is marked in it
REFUSED = "flagged: the language model refuses to look at it"
LEAK = "leak"
UNREADABLE = "flagged: unreadable marks"
NO_ROWS = "no_rows: {}"


def by_rules() -> pl.Expr:
    """`flagged: …` by its words, or since parts of marks are left; null for what may be shown to a model."""
    has_rests = pl.col("text").str.contains(marks.BEGINS.pattern)
    return pl.coalesce(by_words(), pl.when(has_rests).then(pl.lit(UNREADABLE)))


def by_words(columns: Sequence[str] = LOOKED_AT) -> pl.Expr:
    """`flagged: …` with what texts seem to hold; null where nothing is found."""
    kinds = [
        pl.when(pl.any_horizontal(pl.col(columns).str.contains(pattern).fill_null(False))).then(pl.lit(kind))
        for kind, pattern in PERSONAL.items()
    ]
    named = pl.concat_str(kinds, separator=", ", ignore_nulls=True)
    return pl.when(named != "").then(pl.format("flagged: {}", named))


def leaks(completions: pl.DataFrame) -> pl.Series:
    """Which of the completions say, but for case and white space, what one on an earlier side says.

    The sides are in the order train, validation, test: what a model was trained on must not be what it is
    measured by, and a measure that loses a text is still one.
    """
    place = {name: number for number, (_, name) in enumerate(SIDES)}
    said = completions.select(
        text=pl.col("text").map_elements(normalised, pl.String),
        side=pl.col("split").replace_strict(place, return_dtype=pl.Int64),
    )
    return said.select(leak=pl.col("side") > pl.col("side").min().over("text"))["leak"]


def normalised(text: str) -> str:
    """The text without differences of case and white space."""
    return " ".join(text.casefold().split())
