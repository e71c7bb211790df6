"""What each h costs in legitimacy: how many participants, by group, support what Γ chooses there.

At every h those count who support a chosen value themselves: what is carried along edges is assumed of
people, and grows with h by itself; it stands beside.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from dft_pipeline.dataset.gradient import Choice, Gradient, People
from dft_pipeline.tables import TABLES
from dft_pipeline.values.reading import ALL, group_named
from dft_pipeline.values.small_cells import Known, sums_by_group

ENOUGH = 0.5  # of every group, who support a value that is chosen
MOST_FIGURES = 30  # by group; what they tell together is found from all triples of them
COUNTS = ("participants", "supporters", "carried_supporters")


class _Wanted(NamedTuple):
    """A count of a row, or of several rows where the same participants are behind it."""

    figure: str
    case_id: str
    h: int | None
    people: People


def coverage_by_h(
    gradients: Sequence[Gradient], everybody: pl.Series, groups: pl.DataFrame, known: Known
) -> pl.DataFrame:
    """Table `coverage_by_h`, beside what is `known` of groups.

    `everybody` are the participants by number; `groups` as in `reading`.
    """
    if not gradients:
        return TABLES["coverage_by_h"].schema.to_frame()
    named = everybody.to_frame("participant_id").join(
        groups, on="participant_id", how="left", maintain_order="left"
    )
    people = named.with_columns(group=group_named(pl.col("group")))
    sums = _sums(_wanted(gradients, len(everybody)), people, known)
    rows = pl.DataFrame(
        [_row(of, choice) for of in gradients for choice in of.choices],
        orient="row",
        schema={
            name: TABLES["coverage_by_h"].schema[name] for name in ("case_id", "h", "value_ids", "wisdom")
        },
    )
    counted = rows.join(sums, on=["case_id", "h"], nulls_equal=True)
    shares = counted.with_columns(
        coverage=_share("supporters"), carried_coverage=_share("carried_supporters")
    )
    return TABLES["coverage_by_h"].conform(_recommending(shares))


def advice(coverage_by_h: pl.DataFrame) -> str:
    """The recommended h of each case in words, as Markdown, and which groups had no say there."""
    cases = coverage_by_h["case_id"].unique().sort()
    return "\n".join(_advice(case, coverage_by_h.filter(case_id=case)) for case in cases)


def _advice(case_id: str, rows: pl.DataFrame) -> str:
    there = rows.filter("is_recommended")
    if there.is_empty():
        return f"- `{case_id}`: no h; nowhere does every group that is not withheld reach {ENOUGH:.0%}"
    share = there.filter(group=ALL)["coverage"].item()
    silent = there.filter(pl.col("coverage").is_null())["group"].to_list()
    said = f"; without a say, being withheld: {', '.join(silent)}" if silent else ""
    return f"- `{case_id}`: h {there['h'][0]}, where {share:.0%} of everybody support a chosen value{said}"


def _wanted(gradients: Sequence[Gradient], size: int) -> Iterator[_Wanted]:
    """All counts, those that matter most first: who is active, then their own support, low h before high."""
    each = [(of, choice) for of in gradients for choice in of.choices]
    each.sort(key=lambda one: np.inf if one[1].h is None else one[1].h)
    for count in COUNTS:
        for of, choice in each:
            yield _Wanted(count, of.case_id, choice.h, _among_all(of, _behind(count, choice), size))


def _behind(count: str, choice: Choice) -> People:
    match count:
        case "participants":
            return np.ones(len(choice.own), dtype=np.bool_)
        case "supporters":
            return choice.own
        case _:
            return choice.carried


def _among_all(of: Gradient, people: People, size: int) -> People:
    found = np.zeros(size, dtype=np.bool_)
    found[of.people] = people
    return found


def _sums(wanted: Iterable[_Wanted], named: pl.DataFrame, known: Known) -> pl.DataFrame:
    """case_id, h, group and COUNTS, of everybody and of the groups that may be seen; null where withheld."""
    names: dict[bytes, str] = {}
    rows = [
        (names.setdefault(one.people.tobytes(), f"figure {len(names)}"), one.figure, one.case_id, one.h)
        for one in wanted
    ]
    parts = {name: np.frombuffer(people, dtype=np.bool_).astype(np.int64) for people, name in names.items()}
    people = named.with_columns(pl.Series(name, part) for name, part in parts.items())
    everybody = people.select(pl.lit(ALL).alias("group"), pl.col(parts.keys()).sum())
    sums = pl.concat([everybody, _of_groups(people, list(parts), known)])
    columns = {"figure": pl.String, "count": pl.String, "case_id": pl.String, "h": pl.Int64}
    asked = pl.DataFrame(rows, schema=columns, orient="row")
    found = asked.join(sums.unpivot(index="group", variable_name="figure", value_name="people"), on="figure")
    return found.pivot("count", index=["case_id", "h", "group"], values="people")


def _of_groups(people: pl.DataFrame, figures: Sequence[str], known: Known) -> pl.DataFrame:
    """The figures of groups that may be seen; those past MOST_FIGURES are not weighed, and so withheld."""
    active = pl.any_horizontal(pl.col(figures) > 0) if figures else pl.lit(False)
    weighed = sums_by_group(
        people.with_columns(active=active.cast(pl.Int64)), figures[:MOST_FIGURES], "active", known
    )
    return weighed.with_columns(pl.lit(None, pl.Int64).alias(name) for name in figures[MOST_FIGURES:])


def _row(of: Gradient, choice: Choice) -> tuple[str, int | None, list[int], float | None]:
    """case_id, h, the chosen values and their mean wisdom."""
    values = choice.chosen["value_id"].to_list()
    wisdom = dict(of.asked.nodes.select("value_id", "wisdom").iter_rows())
    mean = sum(wisdom.get(value, 0.0) for value in values) / len(values) if values else None
    return of.case_id, choice.h, values, mean


def _share(count: str) -> pl.Expr:
    return pl.when(pl.col("participants") > 0).then(pl.col(count) / pl.col("participants"))


def _recommending(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds is_recommended; groups whose coverage is withheld have no say."""
    of_everybody = pl.col("coverage").filter(pl.col("group") == ALL)
    is_enough = (pl.col("coverage") >= ENOUGH).all() & of_everybody.is_not_null().all()
    judged = rows.drop_nulls("h").group_by("case_id", "h").agg(is_enough=is_enough)
    largest = judged.filter("is_enough").group_by("case_id").agg(largest=pl.col("h").max())
    with_largest = rows.join(largest, on="case_id", how="left")
    return with_largest.with_columns(is_recommended=pl.col("h").eq(pl.col("largest")).fill_null(False))
