"""What an audit says of a contested record: its pairs, who judged them, and what follows from it."""

import polars as pl

from dft_pipeline.graph.consensus import said
from dft_pipeline.lineage.reading import Found, Rows, Unknown, rows_of, titles
from dft_pipeline.lineage.value_support import VOTED
from dft_pipeline.policies import ConsensusPolicy

RECORD = (
    "scope",
    "component_id",
    "kind",
    "is_dispute",
    "value_ids",
    "edges",
    "unwound_edges",
    "participant_count",
)


def contested_audit(rows: Rows, component_id: int, scope: str, policy: ConsensusPolicy) -> Found:
    """The rows of `contested` with that id in a scope. Raises Unknown where there are none.

    `records`, each with its row of `contested` but for the answers by group, whose rows are not shown;
    `verdicts`: its pairs' rows of `pair_tallies`, and why, in words; `judgments`: their rows of
    `edge_judgments`; `erased`: votes that do not count in the scope because of a removed component;
    `rows`: the training rows of its values in the scope; `values`: what they are called.
    """
    fits = (pl.col("scope") == scope) & (pl.col("component_id") == component_id)
    records = rows("contested", fits, RECORD).sort("kind", "value_ids").to_dicts()
    if not records:
        raise Unknown(f"nothing contested has the id {component_id} in the scope {scope}")
    value_ids = sorted({value for record in records for value in record["value_ids"]})
    its = pl.col("value_id").is_in(value_ids)
    erased = its & (pl.col("how") == VOTED) & pl.col("erased_in").list.contains(scope)
    return {
        "records": [record | _judged(rows, record, policy) for record in records],
        "erased": rows("value_support", erased, ("participant_id", "value_id", "case_id")).to_dicts(),
        "rows": rows_of(rows, its & (pl.col("scope") == scope)),
        "values": titles(rows, value_ids),
    }


def _judged(rows: Rows, record: Found, policy: ConsensusPolicy) -> Found:
    """The verdicts on the pairs of a record, and their judgments."""
    pairs = [(edge["source_value_id"], edge["wiser_value_id"]) for edge in record["edges"]]
    ids = [f"{record['scope']}|{source}|{wiser}" for source, wiser in pairs]
    sources = pl.col("source_value_id").is_in([source for source, _ in pairs])
    tallies = rows("pair_tallies", (pl.col("scope") == record["scope"]) & sources).to_dicts()
    judgments = rows("edge_judgments", pl.col("edge_id").is_in(ids))
    return {
        "verdicts": [
            pair | {"says": said(pair, policy)}
            for pair in tallies
            if (pair["source_value_id"], pair["wiser_value_id"]) in pairs
        ],
        "judgments": judgments.sort("edge_id", "direction", "created_at", "participant_id").to_dicts(),
    }
