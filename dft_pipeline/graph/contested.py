"""What the graph refuses to decide: pairs contested in direction, and loops."""

from collections.abc import Iterator

import polars as pl

from dft_pipeline.graph.answers_by_group import BESIDE, EITHER_WAY, JUDGED, grouped, people_behind
from dft_pipeline.graph.moral_graph import IN_CYCLE, loops
from dft_pipeline.graph.scopes import ALL, scopes_of_contexts
from dft_pipeline.graph.tally import ANSWERS, PAIR
from dft_pipeline.tables import PAIR_KEY, TABLES
from dft_pipeline.values.few_apart import Part
from dft_pipeline.values.small_cells import Known, each_by_group

FIGHT = "contested_direction"
EDGE = ("source_value_id", "wiser_value_id", "wiser_likelihood", "marked_wiser")
COLUMNS = ("record", "scope", "kind", "component_id", "is_removed", *EDGE)


def contested(
    pair_tallies: pl.DataFrame, judgments: pl.DataFrame, links: pl.DataFrame, groups: pl.DataFrame
) -> pl.DataFrame:
    """Table `contested`. `groups` has participant_id and group, one row per participant that has one."""
    pairs = pl.concat([_fights(pair_tallies), *_loops(pair_tallies)]).sort(PAIR_KEY)
    answers = answers_behind(pairs, judgments, links)
    people = answers.group_by("record").agg(participant_count=pl.col("participant_id").n_unique())
    table = (
        _records(pairs)
        .join(people, on="record")
        .join(_by_group(pairs, judgments, groups), on="record", how="left")
    )
    return TABLES["contested"].conform(
        table.with_columns(
            pl.col("answers_by_group").fill_null([]), is_dispute=pl.col("kind") != "across_contexts"
        )
    )


def _records(pairs: pl.DataFrame) -> pl.DataFrame:
    """The contested pairs and components, each with its values, its edges and those that were removed."""
    return pairs.group_by("record", "scope", "kind", "component_id", maintain_order=True).agg(
        value_ids=pl.col("source_value_id").append("wiser_value_id").unique().sort(),
        edges=pl.struct(EDGE),
        unwound_edges=pl.struct(EDGE).filter("is_removed"),
    )


def _fights(pair_tallies: pl.DataFrame) -> pl.DataFrame:
    """Both directions of each pair with two upgrades each way, at least one of them rejected for it."""
    smaller, larger = (
        end("source_value_id", "wiser_value_id") for end in (pl.min_horizontal, pl.max_horizontal)
    )
    pairs = pair_tallies.with_columns(
        record=pl.format("{}|{}|{}", "scope", smaller, larger),
        kind=pl.lit(FIGHT),
        component_id=smaller,
        is_removed=(pl.col("rejection_reason") == FIGHT).fill_null(False),
    )
    is_fight = pl.col("is_removed") & (pl.min_horizontal("marked_wiser", "marked_less_wise") >= 2)
    return pairs.join(pairs.filter(is_fight), on="record", how="semi").select(COLUMNS)


def _loops(pair_tallies: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The edges of each strongly connected component, as they were before it was unwound."""
    removed = (pl.col("rejection_reason") == IN_CYCLE).fill_null(False)
    for component in loops(pair_tallies.filter(pl.col("is_edge") | removed)):
        smallest = min(component.edges["source_value_id"].to_list())
        one_context = component.edges["contexts"].explode().n_unique() == 1
        yield component.edges.with_columns(
            record=pl.lit(f"{component.scope}|loop|{smallest}"),
            kind=pl.lit("within_context" if one_context else "across_contexts"),
            component_id=pl.lit(smallest, dtype=pl.Int64),
            is_removed=removed,
        ).select(COLUMNS)


def answers_behind(pairs: pl.DataFrame, judgments: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The judgments of each record's directed pairs: record, scope, participant_id, relationship.

    `pairs` has record and PAIR_KEY, a row per directed pair of a record.
    """
    answers = judgments.select(
        "source_value_id", "wiser_value_id", "context_id", "participant_id", "relationship"
    )
    scoped = answers.join(scopes_of_contexts(judgments["context_id"], links), on="context_id")
    return pairs.join(scoped, on=PAIR_KEY).select("record", "scope", "participant_id", "relationship")


def _by_group(pairs: pl.DataFrame, judgments: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The answers by group, per record of the scope `all`: fights before loops, as far as all may be seen.

    Elsewhere they are left out: figures of scopes that overlap could be subtracted from each other.
    """
    behind = judgments.join(pairs.filter(scope=ALL).select("record", "kind", *PAIR), on=PAIR)
    people = grouped(people_behind(behind, ("record", "kind")), groups)
    is_fight = pl.col("kind") == FIGHT
    # Of a fight `group_answers` tells each way too: both are weighed together, there and here.
    fights = each_by_group(people.filter(is_fight), ("record",), BESIDE)
    loops = each_by_group(people.filter(~is_fight), ("record",), EITHER_WAY)
    told = [_told(part) for part in (*fights.parts, *loops.parts)]
    kept = Known().admit(told)
    seen = pl.concat(
        each.only(own).select("record", "group", *EITHER_WAY)
        for each, own in ((fights, kept[: len(fights.parts)]), (loops, kept[len(fights.parts) :]))
    )
    return (
        seen.sort("record", "group")
        .group_by("record", maintain_order=True)
        .agg(answers_by_group=pl.struct("group", pl.col(JUDGED).alias("participant_count"), *ANSWERS))
    )


def _told(part: Part) -> Part:
    return part._replace(figures=[figure for figure in part.figures if figure in EITHER_WAY])
