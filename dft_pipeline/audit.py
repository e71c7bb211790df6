"""From an edge back to the participants' answers and votes."""

from typing import Any, NamedTuple

import polars as pl

from dft_pipeline.graph.scopes import ALL


class UnknownPair(LookupError):
    """Nobody judged the pair, either way."""


class EdgeAudit(NamedTuple):
    """A pair's verdict (its row of `pair_tallies`), the judgments behind it, the judges' votes for its ends.

    `titles`: value_id → title, of the two ends.
    """

    verdict: dict[str, Any]
    judgments: list[dict[str, Any]]
    votes: list[dict[str, Any]]
    titles: dict[int, str]


def audit_edge(
    source: int,
    wiser: int,
    pair_tallies: pl.DataFrame,
    judgments: pl.DataFrame,
    votes: pl.DataFrame,
    canonical_values: pl.DataFrame,
) -> EdgeAudit:
    """The pair in the scope `all`. Raises UnknownPair where nobody judged it.

    The judgments are those of `edge_judgments`; a pair that is no candidate has none there, so they are
    taken from `judgments`, in the same columns.
    """
    verdict = pair_tallies.filter(scope=ALL, source_value_id=source, wiser_value_id=wiser)
    if verdict.is_empty():
        raise UnknownPair(f"nobody judged {source} → {wiser}, either way")
    behind = _judgments(source, wiser, judgments)
    ends = votes.filter(pl.col("value_id").is_in([source, wiser])).join(
        behind, on="participant_id", how="semi"
    )
    titles = canonical_values.filter(pl.col("value_id").is_in([source, wiser])).select("value_id", "title")
    return EdgeAudit(verdict.to_dicts()[0], behind.to_dicts(), ends.to_dicts(), dict(titles.iter_rows()))


def _judgments(source: int, wiser: int, judgments: pl.DataFrame) -> pl.DataFrame:
    """The judgments of the pair, either way, in the columns of `edge_judgments`, oldest first."""
    ways = ((source, wiser, "forward"), (wiser, source, "reverse"))
    found = pl.concat(
        judgments.filter(source_value_id=one, wiser_value_id=other).with_columns(direction=pl.lit(way))
        for one, other, way in ways
    )
    return found.select(
        pl.format("{}|{}|{}", pl.lit(ALL), pl.lit(source), pl.lit(wiser)).alias("edge_id"),
        "participant_id",
        "relationship",
        "direction",
        "context_id",
        "story",
        "comment",
        "created_at",
    ).sort("direction", "created_at", "participant_id")
