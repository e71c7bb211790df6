"""The guidelines of a values card that can be checked without a language model, each a named rule.

What belongs here: rules about the text of one card, in the columns of VALUE_TEXTS. A card keeps a rule where
its expression is true.
"""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.raw.tables import FEWEST_CRITERIA, MOST_CRITERIA

CAPITALISED = r"^\p{Lu}[\p{Lu}'’\-]+"
# Names of people cannot be told from other names without a model; these words give away that one is meant.
ONE_PERSON = r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Mm]yself|[Hh]e|[Ss]he|[Hh]im|[Hh]is|[Hh]ers?)\b"
THE_USER = r"\b[Tt]he\s+user\b"
FEWEST_WORDS, MOST_WORDS = 2, 5  # of a title

_CRITERIA = pl.col("criteria")
_TRIMMED = pl.element().str.strip_chars()
_TEXT = pl.concat_str(
    "instructions_short", "instructions_detailed", _CRITERIA.list.join("\n"), separator="\n"
)

GUIDELINES: Mapping[str, pl.Expr] = {
    "criteria_2_to_10": _CRITERIA.list.len().is_between(FEWEST_CRITERIA, MOST_CRITERIA),
    "criteria_begin_capitalised": _CRITERIA.list.eval(_TRIMMED.str.contains(CAPITALISED)).list.all(),
    "impersonal": ~_TEXT.str.contains(ONE_PERSON),
    "refers_to_the_user": _TEXT.str.contains(THE_USER),
    "title_2_to_5_words": pl.col("title").str.count_matches(r"\S+").is_between(FEWEST_WORDS, MOST_WORDS),
}


def failed_guidelines() -> pl.Expr:
    """The names of the guidelines that the card does not keep, sorted; null where there is no card."""
    failed = (pl.when(~kept).then(pl.lit(name)) for name, kept in sorted(GUIDELINES.items()))
    return pl.when(pl.col("title").is_not_null()).then(pl.concat_list(failed).list.drop_nulls())


def quality(failed: pl.Expr) -> pl.Expr:
    """The share of the guidelines that are kept, given the names of those that are not."""
    return 1 - failed.list.len() / len(GUIDELINES)
