"""How far people came and how they answered, by group.

What belongs here: which figures there are. What may be seen of them is asked once, of all of them
together, in `small_cells`: figures that are harmless alone may be subtracted from each other.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from dft_pipeline.raw.tables import RELATIONSHIPS
from dft_pipeline.tables import TABLES
from dft_pipeline.values.reading import ALL, group_named
from dft_pipeline.values.small_cells import Known, sums_by_group

STEPS = ("signed_up", "chatted", "wrote_a_card", "was_shown_values", "voted", "judged")
MEDIANS = ("median_turns", "median_minutes")


class Measure(NamedTuple):
    """A share by its figures: what is counted, out of what, and the people behind what is counted."""

    name: str
    unit: str
    counted: str
    out_of: str
    participants: str


MEASURES = (
    *(Measure(answer, "judgments", answer, "judgments", f"{answer}_people") for answer in RELATIONSHIPS),
    Measure("off_case", "judgments", "off_case", "placed", "off_case_people"),
    Measure("straight_lining", "participants", "straight_lining", "often_judged", "straight_lining"),
)

# Each participant's part in every figure, in the order in which figures by group are wanted most.
FIGURES: Mapping[str, pl.Expr] = {
    "signed_up": pl.lit(1),
    "judgments": pl.col("judgments"),
    **{answer: pl.col(answer) for answer in RELATIONSHIPS},
    "placed": pl.when(pl.col("off_case_judgments").is_not_null()).then("case_judgments").otherwise(0),
    "off_case": pl.col("off_case_judgments").fill_null(0),
    "often_judged": pl.col("is_straight_lining").is_not_null(),
    "straight_lining": pl.col("is_straight_lining").fill_null(False),
    "judged": pl.col("judgments") > 0,
    "voted": pl.col("votes") > 0,
    "was_shown_values": pl.col("shown") > 0,
    "wrote_a_card": pl.col("cards") > 0,
    "chatted": pl.col("chats") > 0,
    **{f"{answer}_people": pl.col(answer) > 0 for answer in RELATIONSHIPS},
    "off_case_people": pl.col("off_case_judgments").fill_null(0) > 0,
}


def parts(behaviour: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """A participant, their group, their part in every figure, and turns and minutes where they have chats.

    `behaviour` is table `participant_behaviour`; `groups` has participant_id and group.
    """
    part = {name: figure.cast(pl.Int64) for name, figure in FIGURES.items()}
    talked = pl.when(pl.col("chats") > 0)
    medians = {name: talked.then(name.removeprefix("median_")) for name in MEDIANS}
    people = behaviour.join(groups, on="participant_id", how="left")
    return people.select("participant_id", group=group_named(pl.col("group")), **part, **medians)


def figures(parts: pl.DataFrame, known: Known) -> pl.DataFrame:
    """The sums of all figures, of everybody (`all`) and of the groups that may be seen: group, figures.

    Of groups what may be seen beside what is `known` of them.
    """
    # Where nobody has judged yet, a group is large enough by those who signed up.
    base = "judged" if parts["judged"].sum() else "signed_up"
    everybody = parts.select(pl.lit(ALL).alias("group"), pl.col(FIGURES.keys()).sum())
    return pl.concat([everybody, sums_by_group(parts, tuple(FIGURES), base, known)])


def funnel(parts: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """Table `funnel`, of what `parts` and `figures` give."""
    steps = pl.concat(
        figures.select(
            "group",
            step=pl.lit(step),
            step_index=pl.lit(place),
            participants=step,
            share=_share(pl.col(step), pl.col("signed_up")),
        )
        for place, step in enumerate(STEPS)
    )
    return TABLES["funnel"].conform(steps.join(_medians(parts), on=["group", "step"], how="left"))


def behaviour_by_group(figures: pl.DataFrame) -> pl.DataFrame:
    """Table `behaviour_by_group`, of what `figures` gives."""
    rows = [_measured(figures, measure) for measure in MEASURES]
    return TABLES["behaviour_by_group"].conform(pl.concat(rows))


def _measured(figures: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    return figures.select(
        "group",
        measure=pl.lit(measure.name),
        unit=pl.lit(measure.unit),
        counted=measure.counted,
        out_of=measure.out_of,
        share=_share(pl.col(measure.counted), pl.col(measure.out_of)),
        participants=measure.participants,
    )


def _medians(parts: pl.DataFrame) -> pl.DataFrame:
    """group, step and MEDIANS of those who took the step and have a chat; of everybody only.

    A median is one person's own number or two people's: of a group it would tell who is in it.
    """
    talked = parts.drop_nulls(MEDIANS)
    each = (talked.filter(pl.col(step) == 1).select(pl.col(MEDIANS).median()) for step in STEPS)
    found = pl.concat(each).with_columns(pl.Series("step", STEPS))
    return found.select(pl.lit(ALL).alias("group"), "step", *MEDIANS)


def _share(counted: pl.Expr, out_of: pl.Expr) -> pl.Expr:
    """Null where there is nothing to divide by."""
    return pl.when(out_of > 0).then(counted / out_of)


def groups_seen(figures: pl.DataFrame) -> Sequence[str]:
    """The groups that may be seen, everybody not among them."""
    return figures.filter(pl.col("group") != ALL).drop_nulls("signed_up")["group"].to_list()
