"""Of whom the background is known: whether those who took part resemble the public they stand for."""

from collections.abc import Sequence

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.reading import AFFILIATION, FIELDS, group_named
from dft_pipeline.values.small_cells import large_enough


def demographic_coverage(
    behaviour: pl.DataFrame, background: pl.DataFrame, groups_seen: Sequence[str]
) -> pl.DataFrame:
    """Table `demographic_coverage` of the people in `participant_behaviour`.

    `background` as `reading.background` gives it. Of affiliations, those are seen that the tables by group
    show too (`groups_seen`): what one of them left out would else follow from another.
    """
    people = behaviour.select("participant_id").join(background, on="participant_id", how="left")
    answers = people.select(FIELDS).unpivot(variable_name="field")
    counts = answers.group_by("field", answer="value").agg(participants=pl.len())
    ranked = counts.rename({"participants": "participant_count"}).with_columns(
        record="field", group=group_named(pl.col("answer"))
    )
    of_groups = pl.col("field") == AFFILIATION
    seen = pl.concat(
        [
            ranked.filter(of_groups, pl.col("group").is_in(groups_seen)),
            large_enough(ranked.filter(~of_groups)),
        ]
    )
    shares = seen.rename({"participant_count": "participants"}).with_columns(
        share=pl.col("participants") / len(people)
    )
    return TABLES["demographic_coverage"].conform(shares)
