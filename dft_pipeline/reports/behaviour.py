"""All behaviour reports of a day, in one call."""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.reports import by_group
from dft_pipeline.reports.coverage import demographic_coverage
from dft_pipeline.reports.exposure import exposure
from dft_pipeline.reports.participants import Doings, participant_behaviour
from dft_pipeline.values import reading


def behaviour_reports(
    registered: pl.DataFrame, demographics: pl.DataFrame, canonical_values: pl.DataFrame, doings: Doings
) -> Mapping[str, pl.DataFrame]:
    """The tables of the stage by name.

    `registered` has the participant_id of each row of the app's user table, `demographics` are its
    `demographic` rows.
    """
    behaviour = participant_behaviour(registered, doings)
    parts = by_group.parts(behaviour, reading.groups(demographics))
    figures = by_group.figures(parts)
    return {
        "participant_behaviour": behaviour,
        "funnel": by_group.funnel(parts, figures),
        "behaviour_by_group": by_group.behaviour_by_group(figures),
        "exposure": exposure(canonical_values, doings.votes, doings.judgments),
        "demographic_coverage": demographic_coverage(
            behaviour, reading.background(demographics), by_group.groups_seen(figures)
        ),
    }
