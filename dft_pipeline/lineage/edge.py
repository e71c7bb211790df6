"""What an audit says of an edge: the verdict, who said so, and what was made of it."""

import polars as pl

from dft_pipeline.graph.consensus import said
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.lineage.reading import Found, Rows, Unknown, cards_of, rows_of, titles
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import TABLES

COLUMNS = tuple(TABLES["edge_judgments"].columns)


def edge_audit(rows: Rows, source: int, wiser: int, policy: ConsensusPolicy) -> Found:
    """The pair in the scope `all`. Raises Unknown where nobody judged it.

    `verdict`: its row of `pair_tallies`; `rule`: why, in words; `judgments`: its rows of `edge_judgments`;
    `votes`: those of the same people for both ends; `values`, `cards`: both ends, and the cards they are made
    of; `edge_in`: the scopes in which it is an edge; `rows`: the training rows that rest on it.
    """
    tallies = rows("pair_tallies", pl.col("source_value_id") == source).filter(wiser_value_id=wiser)
    verdicts = tallies.filter(scope=ALL).to_dicts()
    if not verdicts:
        raise Unknown(f"nobody judged {source} → {wiser}, either way")
    verdict, ends = verdicts[0], pl.col("value_id").is_in([source, wiser])
    judgments = judgments_of(rows, source, wiser, is_candidate=verdict["marked_wiser"] > 0)
    judges = pl.col("participant_id").is_in(judgments["participant_id"].unique().to_list())
    rests = (pl.col("value_id") == wiser) & pl.col("source_value_ids").list.contains(source)
    return {
        "verdict": verdict,
        "rule": {"policy": policy.name, "name": verdict["rejection_reason"], "says": said(verdict, policy)},
        "judgments": judgments.to_dicts(),
        "votes": rows("votes", ends & judges).to_dicts(),
        "values": titles(rows, (source, wiser)),
        "cards": cards_of(rows, ends),
        "edge_in": tallies.filter("is_edge")["scope"].sort().to_list(),
        "rows": rows_of(rows, rests),
    }


def judgments_of(rows: Rows, source: int, wiser: int, is_candidate: bool) -> pl.DataFrame:
    """The judgments of the pair, either way, in the columns of `edge_judgments`, oldest first.

    A pair that is no candidate has none there, so they are taken from `judgments`.
    """
    edge_id = f"{ALL}|{source}|{wiser}"
    if is_candidate:
        found = rows("edge_judgments", pl.col("edge_id") == edge_id)
    else:
        found = _of_nobody_wiser(rows, source, wiser).with_columns(edge_id=pl.lit(edge_id))
    return found.select(COLUMNS).sort("direction", "created_at", "participant_id")


def _of_nobody_wiser(rows: Rows, source: int, wiser: int) -> pl.DataFrame:
    forth, back = (
        (pl.col("source_value_id") == one) & (pl.col("wiser_value_id") == other)
        for one, other in ((source, wiser), (wiser, source))
    )
    way = pl.when(forth).then(pl.lit("forward")).otherwise(pl.lit("reverse"))
    return rows("judgments", forth | back).with_columns(direction=way)
