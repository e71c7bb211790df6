"""Every table with figures by group but `contested`, made together: what one shows, the next one weighs.

What belongs here: the order in which they are asked. What is shown earlier is never withheld for what comes
later, so the order says which tables matter most.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from dft_pipeline.dataset.coverage_by_h import coverage_by_h
from dft_pipeline.dataset.gradient import Gradient
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.reports import group_answers
from dft_pipeline.reports.behaviour import taking_part
from dft_pipeline.reports.survey import survey_by_group
from dft_pipeline.values.reading import AFFILIATION, FIELDS, groups_by_field
from dft_pipeline.values.small_cells import Known


class People(NamedTuple):
    """Who did what: the app's `demographic` and `survey_answers` rows, and tables of the snapshot.

    `gradients` are the cases at every h, `everybody` their participants by number.
    """

    demographics: pl.DataFrame
    survey_answers: pl.DataFrame
    participant_behaviour: pl.DataFrame
    judgments: pl.DataFrame
    votes: pl.DataFrame
    pair_tallies: pl.DataFrame
    contested: pl.DataFrame
    links: pl.DataFrame
    gradients: Sequence[Gradient]
    everybody: pl.Series


def figures_by_group(people: People, policy: ConsensusPolicy) -> Mapping[str, pl.DataFrame]:
    """The tables by name, in the order in which their figures are asked."""
    groups = groups_by_field(people.demographics)
    asked = group_answers.Answers(
        people.judgments, people.votes, people.pair_tallies, people.contested, groups
    )
    known = {field: Known() for field in FIELDS}
    # Shown already, by a stage before.
    known[AFFILIATION].parts.extend(group_answers.told_by_contested(asked))
    coverage = coverage_by_h(people.gradients, people.everybody, groups[AFFILIATION], known[AFFILIATION])
    seen = group_answers.seen_by_group(asked, known)
    return {
        "coverage_by_h": coverage,
        "group_answers": seen.answers,
        "group_votes": seen.votes,
        "group_consensus": group_answers.group_consensus(seen, asked.pair_tallies),
        "group_directions": group_answers.group_directions(asked, people.links, seen, policy),
        "survey_by_group": survey_by_group(people.survey_answers, groups, known),
        **taking_part(people.participant_behaviour, people.demographics, known),
    }
