"""Whether every row that was read is accounted for: rows read = rows used + rows set aside."""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import CARD
from dft_pipeline.values.one_voice import AllVoices

USED = "used"


def row_counts(read: Mapping[str, int], quarantine: pl.DataFrame) -> pl.DataFrame:
    """Table `row_counts`. `read`: raw table → its rows; those that loading set aside come on top."""
    aside = quarantine.group_by("table", outcome="rule").agg(rows=pl.len())
    from_raw = quarantine.filter(pl.col("source") == pl.format("raw/{}", "table"))
    gone = dict(from_raw["table"].value_counts().iter_rows())
    used = [(name, USED, count - gone.get(name, 0)) for name, count in read.items()]
    table = TABLES["row_counts"]
    return table.conform(
        pl.concat([pl.DataFrame(used, table.schema, orient="row"), aside.cast(table.schema)])
    )


def unaccounted(counts: pl.DataFrame, found: AllVoices, card_values: pl.DataFrame) -> list[str]:
    """The source tables of which another number of rows was used than was not set aside, in words."""
    showings = int((~found.votes["is_vote"]).sum())
    used = {
        "edge": len(found.judgments),
        "vote": len(found.votes) - showings,
        "impression": showings,
        "deduplicationVerification": len(found.verdicts),
        "valuesCard": len(card_values.filter(card_kind=CARD)),
    }
    left = dict(counts.filter(outcome=USED).select("table", "rows").iter_rows())
    return [
        f"{name}: {left[name]} rows were not set aside, and {count} are used"
        for name, count in used.items()
        if left[name] != count
    ]
