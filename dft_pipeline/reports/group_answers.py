"""How groups of people answered, where that may be seen, and what they agree and differ on.

What belongs here: which figures there are of a pair and of a value, and what is made of those that are seen.
What is seen of one pair or value is asked in `small_cells`, and so is what would follow from two of them.
Everything is of the scope `all`: figures of scopes that overlap could be subtracted from each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.graph.tally import ANSWERS, PAIR
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import TABLES
from dft_pipeline.values import reading
from dft_pipeline.values.small_cells import Part, apart_enough, each_by_group

ENDS = ("low", "high")  # of a pair in any order, its smaller value first
WAYS = ("upward", "downward")  # asked low → high, asked high → low
JUDGED = "judged"  # either way: by how many a group is large enough, as in `contested`
# In the order in which they are wanted most.
FIGURES = (JUDGED, *WAYS, *(f"{way}_{answer}" for answer in ANSWERS for way in WAYS))
MET, VOTED = "met", "voted"
FIGHT = "contested_direction"


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


def seen_by_group(asked: Answers) -> Seen:
    """What may be seen of each group, pairs before values."""
    found = [_of_field(asked, field, groups) for field, groups in asked.groups.items()]
    answers, votes = (pl.concat(tables) for tables in zip(*found, strict=True))
    return Seen(TABLES["group_answers"].conform(answers), TABLES["group_votes"].conform(votes))


def _of_field(asked: Answers, field: str, groups: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    told = _told(asked) if field == reading.AFFILIATION else asked.contested.clear()
    records = list(_records(asked, told, groups))
    pairs = list(_of_pairs(_grouped(_pair_people(asked), groups), told))
    values = list(each_by_group(_grouped(_value_people(asked.votes), groups), ("value_id",), (MET, VOTED)))
    kept = apart_enough(records, [part for _, part in (*pairs, *values)])
    seen_pairs = [sums for (sums, _), keep in zip(pairs, kept, strict=False) if keep]
    seen_values = [sums for (sums, _), keep in zip(values, kept[len(pairs) :], strict=True) if keep]
    return _directed(seen_pairs, field), _votes(seen_values, field)


def _told(asked: Answers) -> pl.DataFrame:
    """The records of `contested` that show figures by group, numbered."""
    told = asked.contested.filter(pl.col("scope") == ALL, pl.col("answers_by_group").list.len() > 0)
    return told.with_row_index("record")


def _records(asked: Answers, told: pl.DataFrame, groups: pl.DataFrame) -> Iterator[Part]:
    """What `contested` shows already."""
    for row in told.iter_rows(named=True):
        edges = pl.DataFrame(row["edges"]).select(PAIR)
        answers = asked.judgments.join(edges, on=PAIR, how="semi")
        people = answers.group_by("participant_id").agg(**{JUDGED: pl.lit(1, pl.Int64)}, **_said())
        figures = (JUDGED, *(ANSWERS if row["answers_by_group"][0]["upgrade"] is not None else ()))
        yield Part(_grouped(people, groups), figures, [shown["group"] for shown in row["answers_by_group"]])


def _of_pairs(people: pl.DataFrame, told: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, Part]]:
    """What may be seen of each pair; where `contested` tells of both ways together, beside that."""
    fights = told.filter(
        pl.col("kind") == FIGHT,
        pl.col("answers_by_group").list.first().struct.field("upgrade").is_not_null(),
    ).select(low=pl.col("value_ids").list.first(), high=pl.col("value_ids").list.last())
    yield from each_by_group(people.join(fights, on=ENDS, how="anti"), ENDS, FIGURES)
    beside = (JUDGED, *ANSWERS, *FIGURES[1:])
    for sums, part in each_by_group(people.join(fights, on=ENDS, how="semi"), ENDS, beside):
        if set(ANSWERS) <= set(part.figures):  # else what is told already was not weighed
            yield sums, part


def _grouped(people: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    known = people.join(groups, on="participant_id", how="left")
    return known.with_columns(pl.col("group").fill_null(reading.UNKNOWN))


def _pair_people(asked: Answers) -> pl.DataFrame:
    """ENDS, participant_id and the participant's part in FIGURES, of the pairs that are asked about."""
    judged = asked.judgments.with_columns(*_ends()).join(_wanted(asked), on=ENDS, how="semi")
    upward = pl.col("source_value_id") == pl.col("low")
    asked_so = dict(zip(WAYS, (upward, ~upward), strict=True))
    each = {
        f"{way}_{answer}": _whole(is_way & (pl.col("relationship") == answer))
        for way, is_way in asked_so.items()
        for answer in ANSWERS
    }
    ways = {way: _whole(is_way) for way, is_way in asked_so.items()}
    return judged.group_by(*ENDS, "participant_id").agg(
        **{JUDGED: pl.lit(1, pl.Int64)}, **ways, **_said(), **each
    )


def _said() -> dict[str, pl.Expr]:
    return {answer: _whole(pl.col("relationship") == answer) for answer in ANSWERS}


def _whole(holds: pl.Expr) -> pl.Expr:
    return holds.sum().cast(pl.Int64)


def _wanted(asked: Answers) -> pl.DataFrame:
    """The pairs, in any order, that are edges or contested in direction; not those of a loop.

    Of a loop's pairs `contested` shows the answers together, and one would follow from the others.
    """
    edges = asked.pair_tallies.filter("is_edge", scope=ALL).select(*_ends())
    records = asked.contested.filter(pl.col("scope") == ALL).with_row_index("record")
    pairs = records.explode("edges").unnest("edges").select("record", "kind", *_ends()).unique()
    is_fight = pl.col("kind") == FIGHT
    fights, loops = pairs.filter(is_fight), pairs.filter(~is_fight)
    return pl.concat([edges, fights.select(ENDS)]).unique().join(loops, on=ENDS, how="anti")


def _ends() -> list[pl.Expr]:
    return [pl.min_horizontal(PAIR).alias("low"), pl.max_horizontal(PAIR).alias("high")]


def _value_people(votes: pl.DataFrame) -> pl.DataFrame:
    """value_id, participant_id, and whether they met it (were shown it or voted for it) and voted for it."""
    return votes.group_by("value_id", "participant_id").agg(
        **{MET: pl.lit(1, pl.Int64), VOTED: pl.col("is_vote").any().cast(pl.Int64)}
    )


def _directed(sums: Sequence[pl.DataFrame], field: str) -> pl.DataFrame:
    """Table `group_answers`, a row per direction that anybody was asked."""
    table = TABLES["group_answers"]
    if not sums:
        return table.schema.to_frame()
    every, found = pl.concat(one.select(*ENDS, "group", *FIGURES) for one in sums), []
    for way, (source, wiser) in zip(WAYS, (ENDS, ENDS[::-1]), strict=True):
        answers = {answer: f"{way}_{answer}" for answer in ANSWERS}
        pair = (pl.col(source).alias(PAIR[0]), pl.col(wiser).alias(PAIR[1]))
        found.append(every.select(pl.lit(field).alias("field"), *pair, "group", judges=way, **answers))
    return pl.concat(found).filter(pl.col("judges") > 0)


def _votes(sums: Sequence[pl.DataFrame], field: str) -> pl.DataFrame:
    if not sums:
        return TABLES["group_votes"].schema.to_frame()
    named = pl.concat(sums).select(pl.lit(field).alias("field"), "value_id", "group", met=MET, votes=VOTED)
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
    known = _grouped(asked.judgments, groups)
    schema = pl.Schema({"field": pl.String, "group": pl.String, **dict.fromkeys(PAIR, pl.Int64)})
    found = [schema.to_frame()]
    for (group,), rows in known.sort("group").group_by("group", maintain_order=True):
        own = pair_tallies(rows.drop("group"), links.clear(), policy).filter("is_edge", scope=ALL)
        found.append(own.select(pl.lit(field).alias("field"), pl.lit(group).alias("group"), *PAIR))
    return pl.concat(found)
