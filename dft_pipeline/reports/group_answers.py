"""How groups of people answered, where that may be seen, and what they agree and differ on.

What belongs here: which figures there are of a pair and of a value, and what is made of those that are seen.
What is seen of one pair or value is asked in `small_cells`, and so is what would follow from two of them.
Everything is of the scope `all`: figures of scopes that overlap could be subtracted from each other.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from dft_pipeline.graph.answers_by_group import (
    BESIDE,
    ENDS,
    FIGURES,
    JUDGED,
    WAYS,
    ends,
    grouped,
    people_behind,
)
from dft_pipeline.graph.contested import FIGHT
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.graph.tally import ANSWERS, PAIR
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import TABLES
from dft_pipeline.values.few_apart import Part
from dft_pipeline.values.reading import AFFILIATION
from dft_pipeline.values.small_cells import Known, each_by_group

MET, VOTED = "met", "voted"


class Answers(NamedTuple):
    """What groups are asked about: tables of the snapshot, and by field participant_id and group."""

    judgments: pl.DataFrame
    votes: pl.DataFrame
    pair_tallies: pl.DataFrame
    contested: pl.DataFrame
    groups: Mapping[str, pl.DataFrame]


class Seen(NamedTuple):
    """Tables `group_answers` and `group_votes`."""

    answers: pl.DataFrame
    votes: pl.DataFrame


def seen_by_group(asked: Answers, known: Mapping[str, Known]) -> Seen:
    """What may be seen of each group beside what is `known` by field, pairs before values."""
    found = [_of_field(asked, field, groups, known[field]) for field, groups in asked.groups.items()]
    answers, votes = (pl.concat(tables) for tables in zip(*found, strict=True))
    return Seen(TABLES["group_answers"].conform(answers), TABLES["group_votes"].conform(votes))


def _of_field(
    asked: Answers, field: str, groups: pl.DataFrame, known: Known
) -> tuple[pl.DataFrame, pl.DataFrame]:
    pairs = grouped(_pair_people(asked), groups)
    told = _fights(asked) if field == AFFILIATION else _fights(asked).clear()
    alone = each_by_group(pairs.join(told, on=ENDS, how="anti"), ENDS, FIGURES)
    beside = each_by_group(pairs.join(told, on=ENDS, how="semi"), ENDS, BESIDE)
    values = each_by_group(grouped(_value_people(asked.votes), groups), ("value_id",), (MET, VOTED))
    seen = [each.only(known.admit(each.parts)) for each in (beside, alone, values)]
    directed = pl.concat(sums.select(*ENDS, "group", *FIGURES) for sums in seen[:2])
    return _directed(directed, field), _votes(seen[2], field)


def told_by_contested(asked: Answers) -> Iterator[Part]:
    """What `contested` shows of affiliations."""
    groups = asked.groups[AFFILIATION]
    for row in _told(asked).iter_rows(named=True):
        edges = pl.DataFrame(row["edges"]).select(PAIR)
        answers = asked.judgments.join(edges, on=PAIR, how="semi").with_columns(record=pl.lit(0))
        first = row["answers_by_group"][0]
        figures = (JUDGED, *(answer for answer in ANSWERS if first[answer] is not None))
        people = grouped(people_behind(answers, ("record",)), groups)
        yield Part(people.drop("record"), figures, [shown["group"] for shown in row["answers_by_group"]])


def _told(asked: Answers) -> pl.DataFrame:
    """The records of `contested` that show figures by group."""
    return asked.contested.filter(pl.col("scope") == ALL, pl.col("answers_by_group").list.len() > 0)


def _fights(asked: Answers) -> pl.DataFrame:
    """The pairs of which `contested` tells both ways together."""
    values = pl.col("value_ids").list
    return _told(asked).filter(kind=FIGHT).select(low=values.first(), high=values.last())


def _pair_people(asked: Answers) -> pl.DataFrame:
    """Who judged the pairs that are asked about, as in `people_behind`."""
    judged = asked.judgments.with_columns(*ends()).join(_wanted(asked), on=ENDS, how="semi")
    return people_behind(judged, ENDS)


def _wanted(asked: Answers) -> pl.DataFrame:
    """The pairs, in any order, that are edges or contested in direction; not those of a loop.

    Of a loop's pairs `contested` shows the answers together, and one would follow from the others.
    """
    edges = asked.pair_tallies.filter("is_edge", scope=ALL).select(*ends())
    records = asked.contested.filter(pl.col("scope") == ALL).with_row_index("record")
    pairs = records.explode("edges").unnest("edges").select("record", "kind", *ends()).unique()
    is_fight = pl.col("kind") == FIGHT
    fights, loops = pairs.filter(is_fight), pairs.filter(~is_fight)
    return pl.concat([edges, fights.select(ENDS)]).unique().join(loops, on=ENDS, how="anti")


def _value_people(votes: pl.DataFrame) -> pl.DataFrame:
    """value_id, participant_id, and whether they met it (were shown it or voted for it) and voted for it."""
    return votes.group_by("value_id", "participant_id").agg(
        **{MET: pl.lit(1, pl.Int64), VOTED: pl.col("is_vote").any().cast(pl.Int64)}
    )


def _directed(sums: pl.DataFrame, field: str) -> pl.DataFrame:
    """Table `group_answers`, a row per direction that anybody was asked."""
    found = []
    for way, (source, wiser) in zip(WAYS, (ENDS, ENDS[::-1]), strict=True):
        answers = {answer: f"{way}_{answer}" for answer in ANSWERS}
        pair = (pl.col(source).alias(PAIR[0]), pl.col(wiser).alias(PAIR[1]))
        found.append(sums.select(pl.lit(field).alias("field"), *pair, "group", judges=way, **answers))
    return pl.concat(found).filter(pl.col("judges") > 0)


def _votes(sums: pl.DataFrame, field: str) -> pl.DataFrame:
    named = sums.select(pl.lit(field).alias("field"), "value_id", "group", met=MET, votes=VOTED)
    return named.drop_nulls("met")


def group_consensus(seen: Seen, pair_tallies: pl.DataFrame) -> pl.DataFrame:
    """Table `group_consensus`: of figures that are seen, so that nothing else follows from it."""
    edges = pair_tallies.filter("is_edge", scope=ALL).select(PAIR)
    of_edges = seen.answers.join(edges, on=PAIR, how="semi").select(
        "field", *PAIR, agreed="upgrade", asked="judges"
    )
    of_values = seen.votes.select(
        "field",
        pl.lit(None, pl.Int64).alias(PAIR[0]),
        pl.col("value_id").alias(PAIR[1]),
        agreed="votes",
        asked="met",
    )
    every = pl.concat([of_edges, of_values]).drop_nulls("agreed")
    # Laplace's rule of succession: one more person each way.
    smoothed = (pl.col("agreed") + 1) / (pl.col("asked") + 2)
    found = every.group_by("field", *PAIR).agg(
        groups=pl.len(), consensus=smoothed.sort().log().mean().exp(), lowest_agreement=smoothed.min()
    )
    kind = pl.when(pl.col(PAIR[0]).is_null()).then(pl.lit("value")).otherwise(pl.lit("edge"))
    return TABLES["group_consensus"].conform(found.filter(pl.col("groups") >= 2).with_columns(kind=kind))


def group_directions(
    asked: Answers, links: pl.DataFrame, seen: Seen, policy: ConsensusPolicy
) -> pl.DataFrame:
    """Table `group_directions`: pairs whose direction differs between groups' own graphs.

    Only where the judges and upgrades of both groups are seen, both ways: who cannot be seen to disagree is
    not said to.
    """
    own = [_own_edges(asked, field, groups, links, policy) for field, groups in asked.groups.items()]
    edges = pl.concat(own).join(_plain(seen), on=["field", "group", *PAIR], how="semi")
    reverse = edges.select(
        "field", pl.col(PAIR[1]).alias(PAIR[0]), pl.col(PAIR[0]).alias(PAIR[1]), other_group="group"
    )
    both = edges.join(reverse, on=["field", *PAIR])
    return TABLES["group_directions"].conform(both.filter(pl.col(PAIR[0]) < pl.col(PAIR[1])))


def _plain(seen: Seen) -> pl.DataFrame:
    """Pairs of which a group's upgrades are seen, both ways: field, group, PAIR."""
    keyed = seen.answers.drop_nulls("upgrade").select("field", "group", *PAIR)
    turned = keyed.select("field", "group", pl.col(PAIR[1]).alias(PAIR[0]), pl.col(PAIR[0]).alias(PAIR[1]))
    return keyed.join(turned, on=keyed.columns, how="semi")


def _own_edges(
    asked: Answers, field: str, groups: pl.DataFrame, links: pl.DataFrame, policy: ConsensusPolicy
) -> pl.DataFrame:
    """The edges that the policy makes of each group's judgments alone: field, group, PAIR."""
    known = grouped(asked.judgments, groups)
    schema = pl.Schema({"field": pl.String, "group": pl.String, **dict.fromkeys(PAIR, pl.Int64)})
    found = [schema.to_frame()]
    for (group,), rows in known.sort("group").group_by("group", maintain_order=True):
        own = pair_tallies(rows.drop("group"), links.clear(), policy).filter("is_edge", scope=ALL)
        found.append(own.select(pl.lit(field).alias("field"), pl.lit(group).alias("group"), *PAIR))
    return pl.concat(found)
