"""Of whom the background is known: whether those who took part resemble the public they stand for."""

from collections.abc import Mapping, Sequence

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.few_apart import Part
from dft_pipeline.values.reading import AFFILIATION, FIELDS, group_named
from dft_pipeline.values.small_cells import Known, large_enough


def demographic_coverage(
    behaviour: pl.DataFrame,
    background: pl.DataFrame,
    groups_seen: Sequence[str],
    known: Mapping[str, Known],
) -> pl.DataFrame:
    """Table `demographic_coverage` of the people in `participant_behaviour`.

    `background` as `reading.background` gives it. Of affiliations, those are seen that the tables by group
    show too (`groups_seen`): what one of them left out would else follow from another. Of other fields what
    may be seen beside what is `known`.
    """
    people = behaviour.select("participant_id").join(background, on="participant_id", how="left")
    answers = people.unpivot(FIELDS, index="participant_id", variable_name="field", value_name="answer")
    named = answers.with_columns(group=group_named(pl.col("answer")))
    seen = {field: _seen(named.filter(field=field), known[field]) for field in FIELDS if field != AFFILIATION}
    keys = [
        (field, group) for field, groups in {**seen, AFFILIATION: groups_seen}.items() for group in groups
    ]
    told = pl.DataFrame(keys, schema={"field": pl.String, "group": pl.String}, orient="row")
    counts = named.join(told, on=["field", "group"]).group_by("field", "answer").agg(participants=pl.len())
    return TABLES["demographic_coverage"].conform(
        counts.with_columns(share=pl.col("participants") / len(people))
    )


def _seen(answers: pl.DataFrame, known: Known) -> Sequence[str]:
    """The groups of a field that may be seen, or none."""
    counts = answers.group_by("group", record="field").agg(participant_count=pl.len())
    groups = large_enough(counts)["group"].to_list()
    people = answers.select("participant_id", "group", signed_up=pl.lit(1, pl.Int64))
    return groups if all(known.admit([Part(people, ("signed_up",), groups)])) else []
