"""What the graph refused to decide, as a page for people: values by title, counts, and what was removed."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from dft_pipeline import markdown
from dft_pipeline.graph.scopes import ALL

MOST_ROWS = 30
COLUMNS = ("scope", "kind", "values", "judged by", "removed")
SAYS = {
    "contested_direction": "dispute over the direction",
    "within_context": "dispute: a loop in one context",
    "across_contexts": "loop across contexts",
}


def disputes_report(contested: pl.DataFrame, canonical_values: pl.DataFrame) -> str:
    """Markdown: disputes before other loops, the whole run before its parts, most judges first."""
    titles = dict(canonical_values.select("value_id", "title").iter_rows())
    ranked = contested.with_columns(is_part=pl.col("scope") != ALL).sort(
        pl.col("is_dispute").not_(), "is_part", -pl.col("participant_count"), "scope", "kind", "value_ids"
    )
    rows = [_row(row, titles) for row in ranked.head(MOST_ROWS).iter_rows(named=True)]
    more = max(len(ranked) - MOST_ROWS, 0)
    parts = [
        _summary(contested),
        markdown.table(COLUMNS, rows) if rows else "",
        f"{more} more are in the table." if more else "",
    ]
    return "\n\n".join(filter(None, parts))


def _summary(contested: pl.DataFrame) -> str:
    disputes = int(contested["is_dispute"].sum())
    removed = int(contested["unwound_edges"].list.len().sum())
    return (
        f"{disputes} disputes and {len(contested) - disputes} loops across contexts in "
        f"{contested['scope'].n_unique()} scopes; {removed} directed pairs are no edge because of them."
    )


def _row(row: Mapping[str, Any], titles: Mapping[int, str]) -> list[str]:
    removed = [
        f"{_named(edge['source_value_id'], titles)} → {_named(edge['wiser_value_id'], titles)} "
        f"({edge['marked_wiser']} upgrades)"
        for edge in row["unwound_edges"]
    ]
    values = [_named(value, titles) for value in row["value_ids"]]
    counts = f"{row['participant_count']} participants"
    scope, kind = markdown.harmless(row["scope"]), SAYS[row["kind"]]
    return [scope, kind, "; ".join(values), counts, "; ".join(removed) or "nothing"]


def _named(value_id: int, titles: Mapping[int, str]) -> str:
    return f"{markdown.harmless(titles.get(value_id, 'no title'))} ({value_id})"
