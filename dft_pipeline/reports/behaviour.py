"""Reports of how people took part: what each did, and of groups as much as may be seen."""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.reports import by_group
from dft_pipeline.reports.coverage import demographic_coverage
from dft_pipeline.values import reading
from dft_pipeline.values.small_cells import Known


def taking_part(
    behaviour: pl.DataFrame, demographics: pl.DataFrame, known: Mapping[str, Known]
) -> Mapping[str, pl.DataFrame]:
    """The tables on how groups took part, by name, beside what is `known` of groups by field.

    `behaviour` is table `participant_behaviour`, `demographics` are the app's `demographic` rows.
    """
    parts = by_group.parts(behaviour, reading.groups(demographics))
    figures = by_group.figures(parts, known[reading.AFFILIATION])
    background = reading.background(demographics)
    return {
        "funnel": by_group.funnel(parts, figures),
        "behaviour_by_group": by_group.behaviour_by_group(figures),
        "demographic_coverage": demographic_coverage(
            behaviour, background, by_group.groups_seen(figures), known
        ),
    }
