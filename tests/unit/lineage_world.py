"""The lineage of a small random public: its tables, and the way that audits read them."""

from collections.abc import Mapping, Sequence

import polars as pl
import strategies as some

from dft_pipeline.dataset.rows import reward_rows
from dft_pipeline.graph.moral_graph import edge_judgments, pair_tallies
from dft_pipeline.lineage.reading import Rows
from dft_pipeline.lineage.row_lineage import row_lineage
from dft_pipeline.lineage.value_support import value_support
from dft_pipeline.policies import Aggregation, ConsensusPolicy
from dft_pipeline.tables import TABLES

Tables = Mapping[str, pl.DataFrame]


def lineage_of(public: some.Public, policy: ConsensusPolicy, using: Aggregation) -> Tables:
    """All tables that audits read; those of cards and evidence are empty."""
    cases = public.links.group_by("context_id").agg(case_ids=pl.col("case_id").sort())
    judgments = public.judgments.drop("case_ids").join(cases, on="context_id", how="left")
    no_cases = pl.col("case_ids").fill_null(pl.lit([], pl.List(pl.String)))
    public = public._replace(judgments=TABLES["judgments"].conform(judgments.with_columns(no_cases)))
    made = some.snapshot(public, policy)
    voices = made.votes, made.articulations, made.judgments
    tallies = pair_tallies(public.judgments, public.links, policy)
    reward = reward_rows(made, policy.name, using)
    support = value_support(*voices, made.erased_votes, public.links, using)
    people = [{"participant_id": person} for person in some.PEOPLE]
    return {
        **{name: table.schema.to_frame() for name, table in TABLES.items()},
        **{name: frame for name, frame in made._asdict().items() if name in TABLES},
        "pair_tallies": tallies,
        "edge_judgments": edge_judgments(public.judgments, public.links, tallies),
        "reward_rows": reward,
        "value_support": support,
        "row_lineage": row_lineage(reward, made.judgments, support),
        "participant_behaviour": some.frame("participant_behaviour", people),
    }


def reader(tables: Tables) -> Rows:
    """Reads them as a lake would."""

    def rows(table: str, where: pl.Expr | None = None, columns: Sequence[str] | None = None) -> pl.DataFrame:
        found = tables[table] if where is None else tables[table].filter(where)
        return found if columns is None else found.select(columns)

    return rows
