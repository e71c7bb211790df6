"""What an audit says of a participant: what they did, what it went into, the graph around their values."""

import polars as pl

from dft_pipeline.graph.scopes import ALL, case_scope
from dft_pipeline.lineage.carried import carried
from dft_pipeline.lineage.reading import ROW, Found, Rows, Unknown, cards_of, titles
from dft_pipeline.lineage.value_support import ARTICULATED, VOTED
from dft_pipeline.policies import Aggregation, SnapshotSettings

CHAT = ("chat_id", "case_id", "status", "card_id", "title", "turns", "quality")
QUESTION = ("case_id", "scope")


def participant_audit(rows: Rows, participant_id: str, made: SnapshotSettings) -> Found:
    """A participant by pseudonym. Raises Unknown where the snapshot has nobody of that name.

    `chats`, `cards`, `votes`, `judgments`: what they did; `support`: their rows of `value_support`;
    `edges`: the judgments of theirs that are behind an edge, or a rejected pair, of the scope `all`;
    `rows`: the training rows that they support, with the way of what is carried; `sections`: see
    `participant_sections`.
    """
    they = pl.col("participant_id") == participant_id
    if rows("participant_behaviour", they, ("participant_id",)).is_empty():
        raise Unknown(f"nobody has the pseudonym {participant_id}")
    judgments, support = rows("judgments", they), rows("value_support", they)
    tallied = _behind(rows, judgments)
    backed, sections = _rows(rows, support, judgments, made.aggregation), participant_sections(rows, support)
    named = [*judgments["source_value_id"], *judgments["wiser_value_id"], *support["value_id"]]
    named += [row["value_id"] for row in backed]
    named += [edge[end] for own in sections for edge in own["wiser"] + own["less_wise"]
              for end in ("source_value_id", "wiser_value_id")]  # fmt: skip
    return {
        "participant_id": participant_id,
        "chats": rows("articulated_cards", they, CHAT).sort("chat_id").to_dicts(),
        "cards": cards_of(rows, they),
        "votes": (votes := rows("votes", they)).to_dicts(),
        "judgments": judgments.to_dicts(),
        "support": support.to_dicts(),
        "edges": tallied.to_dicts(),
        "rows": backed,
        "sections": sections,
        "values": titles(rows, [*named, *votes["value_id"]]),
    }


def participant_sections(rows: Rows, support: pl.DataFrame) -> list[Found]:
    """The part of the graph around a participant's values, as the app shows it to them at the end.

    One per value and case that they articulated or voted for: `wiser`, the edges of the case that lead on
    from it, and `less_wise`, those that lead to it; both rows of `wisdom_edges`, most judges first.
    """
    own = support.filter(pl.col("how").is_in([ARTICULATED, VOTED]))
    sections = (
        own.group_by("case_id", "value_id").agg(pl.col("how").unique().sort()).sort("case_id", "value_id")
    )
    scopes = [case_scope(case_id) for case_id in sections["case_id"].unique()]
    edges = rows("wisdom_edges", pl.col("scope").is_in(scopes))
    edges = edges.sort("marked_wiser", "edge_id", descending=[True, False])
    return [
        section
        | {
            "wiser": edges.filter(scope=scope, source_value_id=section["value_id"]).to_dicts(),
            "less_wise": edges.filter(scope=scope, wiser_value_id=section["value_id"]).to_dicts(),
        }
        for section in sections.to_dicts()
        for scope in [case_scope(section["case_id"])]
    ]


def _behind(rows: Rows, judgments: pl.DataFrame) -> pl.DataFrame:
    """Their judgments of pairs with an `upgrade`, with the pair's verdict in the scope `all`."""
    pair = ("source_value_id", "wiser_value_id")
    sources = pl.col("source_value_id").is_in(judgments["source_value_id"].unique().to_list())
    judged = rows("pair_tallies", sources & (pl.col("scope") == ALL) & (pl.col("marked_wiser") > 0))
    verdicts = judged.select(*pair, "is_edge", "rejection_reason", "marked_wiser", "judgments_both_ways")
    theirs = judgments.select(*pair, "relationship", "context_id").join(verdicts, on=pair)
    return theirs.sort("is_edge", *pair, descending=[True, False, False])


def _rows(rows: Rows, support: pl.DataFrame, judgments: pl.DataFrame, settings: Aggregation) -> list[Found]:
    """The training rows that they support: columns ROW, `how` (`direct` or `carried`) and `path`."""
    lineage = rows("row_lineage")
    questions = (
        lineage.select(*QUESTION, "context_ids").unique(QUESTION).sort(QUESTION).with_row_index("question")
    )
    asked = questions.explode("context_ids").rename({"context_ids": "context_id"})
    parts = (
        support.join(questions.select("question", *QUESTION), on="case_id"),
        support.join(asked.select("question", "scope", "context_id"), on="context_id"),
    )
    held = pl.concat(
        part.filter(~pl.col("erased_in").list.contains(pl.col("scope")))
        .select("question", "participant_id", "value_id")
        .unique()
        for part in parts
    ).unique()
    edges = rows("wisdom_edges", pl.col("scope").is_in(questions["scope"].unique().to_list()))
    edges = edges.join(questions, on="scope").select("question", "source_value_id", "wiser_value_id")
    refusals = judgments.filter(pl.col("relationship") != "upgrade").join(asked, on="context_id")
    onto = carried(held, edges, refusals, settings.h)
    themselves = held.with_columns(how=pl.lit("direct"), path=pl.concat_list("value_id"))
    every = pl.concat([themselves, onto.with_columns(how=pl.lit("carried")).select(themselves.columns)])
    named = lineage.join(questions.select("question", *QUESTION), on=QUESTION)
    backed = named.join(every, on=("question", "value_id"))
    return backed.select(*ROW, "how", "path").sort("scope", "value_id", "row_id").to_dicts()
