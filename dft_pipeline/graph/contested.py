"""What the graph refuses to decide: pairs contested in direction, and loops."""

from collections.abc import Iterator

import polars as pl

from dft_pipeline.graph.moral_graph import IN_CYCLE, loops
from dft_pipeline.graph.scopes import ALL, scopes_of_contexts
from dft_pipeline.graph.tally import ANSWERS
from dft_pipeline.tables import PAIR_KEY, TABLES

FEWEST_PEOPLE = 5  # a figure about a group that rests on fewer people is withheld
EDGE = ("source_value_id", "wiser_value_id", "wiser_likelihood", "marked_wiser")
RECORD = ("scope", "component_id", "kind", "value_ids")


def contested(
    pair_tallies: pl.DataFrame, judgments: pl.DataFrame, links: pl.DataFrame, groups: pl.DataFrame
) -> pl.DataFrame:
    """Table `contested`. `groups` has participant_id and group, one row per participant that has one."""
    pairs = pl.concat([_fights(pair_tallies), *_loops(pair_tallies)]).sort(PAIR_KEY)
    records = pairs.group_by(RECORD, maintain_order=True).agg(
        edges=pl.struct(EDGE), unwound_edges=pl.struct(EDGE).filter("is_removed")
    )
    answers = _answers(pairs, judgments, links)
    people = answers.group_by(RECORD).agg(participant_count=pl.col("participant_id").n_unique())
    table = records.join(people, on=RECORD).join(_by_group(answers, groups), on=RECORD, how="left")
    return TABLES["contested"].conform(
        table.with_columns(
            pl.col("answers_by_group").fill_null([]), is_dispute=pl.col("kind") != "across_contexts"
        )
    )


def _fights(pair_tallies: pl.DataFrame) -> pl.DataFrame:
    """Both directions of each pair with two upgrades each way, at least one of them rejected for it."""
    ends = pl.concat_list("source_value_id", "wiser_value_id").list.sort()
    pairs = pair_tallies.with_columns(
        value_ids=ends,
        component_id=pl.min_horizontal("source_value_id", "wiser_value_id"),
        kind=pl.lit("contested_direction"),
        is_removed=(pl.col("rejection_reason") == "contested_direction").fill_null(False),
    )
    is_fight = pl.col("is_removed") & (pl.min_horizontal("marked_wiser", "marked_less_wise") >= 2)
    fights = pairs.filter(is_fight).select("scope", "value_ids").unique()
    return pairs.join(fights, on=["scope", "value_ids"], how="semi").select(*RECORD, *EDGE, "is_removed")


def _loops(pair_tallies: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The edges of each strongly connected component, as they were before it was unwound."""
    removed = (pl.col("rejection_reason") == IN_CYCLE).fill_null(False)
    for component in loops(pair_tallies.filter(pl.col("is_edge") | removed)):
        value_ids = sorted(set(component.edges["source_value_id"]))
        one_context = component.edges["contexts"].explode().n_unique() == 1
        yield component.edges.with_columns(
            value_ids=pl.lit(value_ids, dtype=pl.List(pl.Int64)),
            component_id=pl.lit(value_ids[0], dtype=pl.Int64),
            kind=pl.lit("within_context" if one_context else "across_contexts"),
            is_removed=removed,
        ).select(*RECORD, *EDGE, "is_removed")


def _answers(pairs: pl.DataFrame, judgments: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The judgments of each record's directed pairs: RECORD, participant_id, relationship."""
    scoped = judgments.join(scopes_of_contexts(judgments["context_id"], links), on="context_id")
    return pairs.join(scoped, on=PAIR_KEY).select(*RECORD, "participant_id", "relationship")


def _by_group(answers: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The answers by group, per record of the scope `all`.

    Elsewhere they are left out: figures of scopes that overlap could be subtracted from each other.
    """
    grouped = answers.filter(pl.col("scope") == ALL).join(groups, on="participant_id", how="left")
    figures = grouped.group_by(*RECORD, group=pl.col("group").fill_null("unknown")).agg(
        pl.col("participant_id").n_unique().alias("participant_count"),
        *((pl.col("relationship") == answer).sum().alias(answer) for answer in ANSWERS),
    )
    names = ("participant_count", *ANSWERS)
    shown = _withhold(figures, names).sort("group")
    return shown.group_by(RECORD, maintain_order=True).agg(answers_by_group=pl.struct("group", *names))


def _withhold(figures: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Nulls the figures of a group of fewer than FEWEST_PEOPLE, and of as many more as it takes.

    Smallest first, until those withheld together are enough people: else the figure of the one that
    is left out would follow from the total and the others.
    """
    people = pl.col("participant_count")
    ranked = figures.sort("participant_count", "group").with_columns(
        smaller=people.cum_sum().over(RECORD) - people
    )
    needed = (people < FEWEST_PEOPLE) | pl.col("smaller").is_between(1, FEWEST_PEOPLE - 1)
    return ranked.with_columns(pl.when(~needed).then(pl.col(name)).alias(name) for name in names)
