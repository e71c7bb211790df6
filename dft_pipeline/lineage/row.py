"""What an audit says of a training row: Γ's question, its reasoning with numbers, and everybody behind it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import polars as pl

from dft_pipeline.dataset.gamma import Question, considered, standing
from dft_pipeline.dataset.questions import JUDGED
from dft_pipeline.graph.disputes import counted_votes
from dft_pipeline.lineage.carried import HELD, STEP, carried, leading_to
from dft_pipeline.lineage.reading import Found, Rows, Unknown, titles
from dft_pipeline.lineage.value_support import PAIR, VOTED, counts_in
from dft_pipeline.policies import Aggregation

REASON = ("participant_id", "how", "case_id", "context_id")
ONE = pl.lit(0).alias("question")


def row_audit(rows: Rows, row_id: str, settings: Aggregation) -> Found:
    """A row of `reward_rows`. Raises Unknown where there is none.

    `row`, `lineage`: its rows of `reward_rows` and `row_lineage`; `settings`: what Γ was asked with;
    `considered`: what became of every value there; `edges`: those that end in the value, rows of
    `wisdom_edges`; `support`: the rows of `value_support` that count; `carried`: everybody else who supports
    it, with a shortest way along the edges; `exposed`: who met it themselves; `exposed_along`: everybody else
    who is exposed to it, with the way; `active`: who did anything there; `erased`: votes that do not count.
    """
    found = rows("row_lineage", pl.col("row_id") == row_id).to_dicts()
    if not found:
        raise Unknown(f"no training row has the id {row_id}")
    lineage = found[0]
    people, reasons, asked = _numbered(_reasons(rows, lineage), _question(rows, lineage))
    counting = reasons.filter(counts_in(lineage["case_id"], lineage["context_ids"], lineage["scope"]))
    erased = _erased(reasons, lineage)
    asked = asked._replace(votes=counted_votes(asked.votes, erased))
    weighed = considered(asked, standing(asked, settings), settings)
    it = pl.col("value_id") == lineage["value_id"]
    shown = asked.votes.filter(~pl.col("is_vote")).select(PAIR)
    judged = asked.judgments.select("participant_id", value_id="wiser_value_id")
    held = counting.select(PAIR)
    met = pl.concat([held, shown, judged])
    named = partial(_named, people)
    return {
        "row": rows("reward_rows", pl.col("row_id") == row_id).to_dicts()[0],
        "lineage": lineage,
        "settings": settings.model_dump(),
        "considered": weighed.to_dicts(),
        "values": titles(rows, weighed["value_id"]),
        "edges": asked.edges.filter(wiser_value_id=lineage["value_id"]).sort("source_value_id").to_dicts(),
        "support": named(counting.filter(it).select(REASON)).to_dicts(),
        "carried": named(_onto(lineage["value_id"], held, asked, settings)).to_dicts(),
        "exposed": named(met.filter(it).select("participant_id").unique())
        .sort(pl.all())
        .to_series()
        .to_list(),
        "exposed_along": named(_onto(lineage["value_id"], met, asked, settings)).to_dicts(),
        "active": named(_active(asked)).to_series().to_list(),
        "erased": named(erased.filter(it).select(*PAIR, "case_id")).to_dicts(),
    }


def _reasons(rows: Rows, lineage: Mapping[str, Any]) -> pl.DataFrame:
    """The rows of `value_support` of the case and the contexts, those that are erased there among them."""
    there = pl.col("context_id").is_in(lineage["context_ids"]) | (pl.col("case_id") == lineage["case_id"])
    return rows("value_support", there)


def _question(rows: Rows, lineage: Mapping[str, Any]) -> Question:
    """What Γ was asked of, read by case, contexts and scope; erased votes are there still."""
    of_case, of_scope = pl.col("case_id") == lineage["case_id"], pl.col("scope") == lineage["scope"]
    of_contexts = pl.col("context_id").is_in(lineage["context_ids"])
    return Question(
        votes=rows("votes", of_case, (*PAIR, "is_vote")),
        articulations=rows("articulations", of_case, PAIR),
        judgments=rows("judgments", of_contexts, JUDGED),
        edges=rows("wisdom_edges", of_scope),
        nodes=rows("graph_values", of_scope, ("value_id", "title", "pagerank")),
        in_context=lineage["context_id"] is not None,
    )


def _erased(reasons: pl.DataFrame, lineage: Mapping[str, Any]) -> pl.DataFrame:
    erased = pl.col("erased_in").list.contains(lineage["scope"])
    return reasons.filter(erased, how=VOTED)


def _onto(target: int, held: pl.DataFrame, asked: Question, settings: Aggregation) -> pl.DataFrame:
    """Who comes to hold a value along the edges and does not hold it by themselves: participant_id, path."""
    edges = leading_to(target, asked.edges, settings.h).select(ONE, "source_value_id", "wiser_value_id")
    refusals = asked.judgments.filter(pl.col("relationship") != "upgrade").select(ONE, *STEP[1:])
    ends = pl.concat([edges["source_value_id"], edges["wiser_value_id"]]).unique()
    themselves = held.filter(value_id=target).select("participant_id").unique()
    near = held.filter(pl.col("value_id").is_in(ends.implode())).join(
        themselves, on="participant_id", how="anti"
    )
    found = carried(near.select(ONE, *HELD[1:]), edges, refusals, settings.h)
    return found.filter(value_id=target).select("participant_id", "path").sort("participant_id")


def _active(asked: Question) -> pl.DataFrame:
    frames = (asked.votes, asked.articulations, asked.judgments)
    return pl.concat(frame.select("participant_id") for frame in frames).unique().sort(pl.all())


def _numbered(reasons: pl.DataFrame, asked: Question) -> tuple[pl.Series, pl.DataFrame, Question]:
    """Everybody, sorted, and the rows with each participant's place there: numbers are quick to compare."""
    frames = (reasons, asked.votes, asked.articulations, asked.judgments)
    people = pl.concat(frame["participant_id"] for frame in frames).unique().sort()
    place = pl.col("participant_id").cast(pl.Enum(people)).to_physical()
    reasons, votes, articulations, judgments = (frame.with_columns(place) for frame in frames)
    return people, reasons, asked._replace(votes=votes, articulations=articulations, judgments=judgments)


def _named(people: pl.Series, numbered: pl.DataFrame) -> pl.DataFrame:
    return numbered.with_columns(participant_id=people.gather(numbered["participant_id"]))
