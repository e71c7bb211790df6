"""Training rows: what Γ chose for each prompt, and how much each criterion of it weighs."""

import hashlib
import json
from collections.abc import Iterator, Mapping

import polars as pl

from dft_pipeline.dataset.gamma import chosen, held_at
from dft_pipeline.dataset.prompt_contexts import applying, own_contexts
from dft_pipeline.dataset.questions import Snapshot, numbered, questions
from dft_pipeline.dataset.survival import Counts, counts_of_people, row_survival
from dft_pipeline.dataset.value_split import with_value_split
from dft_pipeline.graph.disputes import values_in_dispute
from dft_pipeline.policies import Aggregation, Evidence
from dft_pipeline.tables import TABLES

ROW_ID_DIGITS = 32
DRAWN = Evidence()


def reward_rows(
    snapshot: Snapshot,
    policy: str,
    settings: Aggregation,
    evidence: Evidence = DRAWN,
    prompt_contexts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Table `reward_rows`, for every prompt of `prompt_contexts`; without that table for the cases alone.

    Γ is asked once of each case, alone and with each of its contexts, however many prompts that applies to.
    """
    table = TABLES["reward_rows"]
    parts = list(_chosen(numbered(snapshot), settings, counts_of_people(snapshot, evidence)))
    if not parts:
        return table.schema.to_frame()
    if prompt_contexts is None:
        prompt_contexts = own_contexts(snapshot.cases, snapshot.links)
    values = snapshot.canonical_values.select(
        "value_id", "criteria", value_title="title", value_instructions="instructions_detailed"
    )
    chosen = pl.concat(parts).join(values, on="value_id")
    disputed = values_in_dispute(snapshot.contested, snapshot.links).rename({"prompt_id": "case_id"})
    chosen = chosen.join(disputed, on=["case_id", "value_id"], how="left").with_columns(
        pl.col("is_contested").fill_null(False),
        h=pl.lit(settings.h, dtype=pl.Int64),
        policy=pl.lit(policy),
    )
    applied = _applied(chosen, applying(prompt_contexts))
    return table.conform(_identified(with_value_split(applied, "value_id")))


def _applied(chosen: pl.DataFrame, prompts: pl.DataFrame) -> pl.DataFrame:
    """What was chosen for each prompt; where several cases chose a value in no context, the best of them."""
    rows = chosen.join(prompts, on=["case_id", "context_id"], nulls_equal=True)
    best = rows.with_columns(best=pl.col("context_score") * pl.col("share")).sort(
        "best", "case_id", descending=[True, False]
    )
    return best.unique(["prompt_id", "context_id", "value_id"], keep="first", maintain_order=True)


def rubric_rows(reward_rows: pl.DataFrame) -> pl.DataFrame:
    """Table `rubric_rows`: a value weighs its largest context_score · share, split over its criteria.

    A value without criteria has nothing to weigh and takes no part.
    """
    weighed = (
        reward_rows.filter(pl.col("criteria").list.len() > 0)
        .group_by("prompt_id", "prompt", "turn_index", "value_id", "criteria", maintain_order=True)
        .agg(
            best=(pl.col("context_score") * pl.col("share")).max(),
            row_ids=pl.col("row_id").unique().sort(),
            is_contested=pl.col("is_contested").any(),
            row_survival=pl.col("row_survival").max(),
            edge_survival=pl.col("edge_survival").max(),
            edge_q_base=pl.col("edge_q_base").min(),
        )
    )
    share = pl.col("best") / pl.col("best").sum().over("prompt_id")
    split = weighed.with_columns(
        weight=share / pl.col("criteria").list.len(),
        criterion_index=pl.int_ranges(pl.col("criteria").list.len()),
        criterion="criteria",
    )
    placed = with_value_split(split, "value_id")
    return TABLES["rubric_rows"].conform(placed.explode("criterion", "criterion_index"))


def astray(reward_rows: pl.DataFrame, values: pl.DataFrame, edges: pl.DataFrame) -> list[str]:
    """The row_ids of rows that point at a value or an edge that is not there."""
    lost = reward_rows.join(values, on="value_id", how="anti")
    pointed = reward_rows.explode("edge_ids").filter(pl.col("edge_ids").is_not_null())
    unwise = pointed.join(edges, left_on="edge_ids", right_on="edge_id", how="anti")
    return sorted({*lost["row_id"], *unwise["row_id"]})


def uneven_prompts(rubric_rows: pl.DataFrame) -> list[str]:
    """The prompts whose weights do not sum to 1, but for rounding."""
    sums = rubric_rows.group_by("prompt_id").agg(pl.col("weight").sum())
    return sums.filter((pl.col("weight") - 1).abs() > 1e-9)["prompt_id"].sort().to_list()


def row_id(prompt_id: str, context_id: str | None, value_id: int, policy: str, h: int | None) -> str:
    """First 32 hex digits of the SHA-256 of the JSON array of what the row means; an h of None is `all`."""
    meaning = [prompt_id, context_id, value_id, policy, "all" if h is None else h]
    return hashlib.sha256(_json(meaning)).hexdigest()[:ROW_ID_DIGITS]


def _chosen(snapshot: Snapshot, settings: Aggregation, counts: Counts) -> Iterator[pl.DataFrame]:
    """What Γ chose, per case and per case and context, how surely, and the edges that end in each value."""
    sure = snapshot.edge_evidence.select("edge_id", "bootstrap_survival", "q_base")
    for case_id, context_id, asked in questions(snapshot):
        held = held_at(asked, settings)
        yield (
            chosen(asked, held.standing, settings)
            .join(row_survival(asked, held, settings, counts), on="value_id", how="left")
            .join(_edges_into(asked.edges.join(sure, on="edge_id", how="left")), on="value_id", how="left")
            .with_columns(case_id=pl.lit(case_id), context_id=pl.lit(context_id, dtype=pl.String))
        )


def _edges_into(edges: pl.DataFrame) -> pl.DataFrame:
    """The edges that end in each value, with the best evidence among them."""
    return edges.group_by(value_id="wiser_value_id").agg(
        edge_ids=pl.col("edge_id").sort(),
        edge_survival=pl.col("bootstrap_survival").max(),
        edge_q_base=pl.col("q_base").min(),
    )


def _identified(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds row_id and row_hash, the hash of all columns but itself, in the table's order."""
    meaning = ("prompt_id", "context_id", "value_id", "policy", "h")
    ids = [row_id(*row) for row in rows.select(meaning).iter_rows()]
    named = rows.with_columns(
        pl.col("edge_ids").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        row_id=pl.Series(ids, dtype=pl.String),
    )
    columns = [column for column in TABLES["reward_rows"].columns if column != "row_hash"]
    hashes = [_row_hash(row) for row in named.select(columns).iter_rows(named=True)]
    return named.with_columns(row_hash=pl.Series(hashes, dtype=pl.String))


def _row_hash(row: Mapping[str, object]) -> str:
    return hashlib.sha256(_json(row)).hexdigest()


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
