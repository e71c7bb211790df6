"""What Γ is asked of a snapshot: every case, and every case with each of its contexts."""

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from dft_pipeline.dataset.gamma import Question
from dft_pipeline.graph.disputes import counted_votes
from dft_pipeline.graph.scopes import case_scope, context_scope, scopes_of_contexts

OF_PEOPLE = ("judgments", "votes", "articulations", "erased_votes")
JUDGED = ("participant_id", "source_value_id", "wiser_value_id", "relationship")


class Snapshot(NamedTuple):
    """The tables that rows are made from, as in `tables`; `cases` and `links` as the app has them.

    `erased_votes` are those that do not count in a scope, as `disputes.erased_votes` gives them.
    """

    cases: pl.DataFrame
    links: pl.DataFrame
    judgments: pl.DataFrame
    votes: pl.DataFrame
    articulations: pl.DataFrame
    canonical_values: pl.DataFrame
    wisdom_edges: pl.DataFrame
    graph_values: pl.DataFrame
    contested: pl.DataFrame
    erased_votes: pl.DataFrame
    edge_evidence: pl.DataFrame


def numbered(snapshot: Snapshot) -> Snapshot:
    """The snapshot with participants as numbers: Γ only asks who is who, and numbers are quick to compare."""
    number = pl.col("participant_id").cast(pl.Enum(participants(snapshot))).to_physical()
    frames = {name: getattr(snapshot, name).with_columns(number) for name in OF_PEOPLE}
    return snapshot._replace(**frames)


def participants(snapshot: Snapshot) -> pl.Series:
    """Everybody who did anything, sorted: a participant's number is their place here."""
    frames = (snapshot.judgments, snapshot.votes, snapshot.articulations)
    return pl.concat(frame["participant_id"] for frame in frames).unique().sort()


def questions(snapshot: Snapshot, in_contexts: bool = True) -> Iterator[tuple[str, str | None, Question]]:
    """A case, one of its contexts or none, and what Γ is asked of there; `in_contexts`: not only of none."""
    tables = _Tables(snapshot)
    for case_id in sorted(snapshot.cases["id"]):
        yield case_id, None, tables.question(case_id, case_scope(case_id), in_context=False)
        if in_contexts:
            for context_id in sorted(snapshot.links.filter(pl.col("case_id") == case_id)["context_id"]):
                yield (
                    case_id,
                    context_id,
                    tables.question(case_id, context_scope(context_id), in_context=True),
                )


class _Tables:
    """The tables of a snapshot, taken apart once by case, context and scope."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.votes = _Parted(snapshot.votes, "case_id")
        self.erased_votes = _Parted(snapshot.erased_votes, "scope")
        self.articulations = _Parted(snapshot.articulations, "case_id")
        self.judgments = _Parted(snapshot.judgments.select(*JUDGED, "context_id"), "context_id")
        self.edges = _Parted(snapshot.wisdom_edges, "scope")
        self.nodes = _Parted(snapshot.graph_values, "scope")
        scopes = scopes_of_contexts(snapshot.judgments["context_id"].unique(), snapshot.links)
        self.contexts = dict(scopes.group_by("scope").agg(pl.col("context_id").sort()).iter_rows())

    def question(self, case_id: str, scope: str, in_context: bool) -> Question:
        return Question(
            votes=counted_votes(self.votes.of(case_id), self.erased_votes.of(scope)),
            articulations=self.articulations.of(case_id),
            judgments=self.judgments.of(*self.contexts.get(scope, ())),
            edges=self.edges.of(scope),
            nodes=self.nodes.of(scope),
            in_context=in_context,
        )


class _Parted:
    """A frame taken apart by a column of texts."""

    def __init__(self, frame: pl.DataFrame, column: str) -> None:
        self.none = frame.clear()
        parts = frame.partition_by(column, as_dict=True)
        self.parts = {str(name): part for (name,), part in parts.items()}

    def of(self, *names: str) -> pl.DataFrame:
        """The rows of those names."""
        return pl.concat([self.none, *(self.parts[name] for name in names if name in self.parts)])
