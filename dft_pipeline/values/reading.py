"""Raw tables as the values stage reads them: participants under pseudonyms, the columns that it needs."""

from datetime import UTC, date, datetime, time

import polars as pl

# The answers that stand for "not known": what the recruiting platform wrote when it forgot.
REVOKED = "CONSENT_REVOKED"
NO_ANSWER = ("DATA_EXPIRED", REVOKED, "")
UNKNOWN = "unknown"  # the group of those whose background is not known
ALL = "all"  # everybody, beside the groups

AFFILIATION = "usPoliticalAffiliation"
FIELDS = (AFFILIATION, "sex", "age_band")  # of people's background, by which they are grouped


def before(rows: pl.DataFrame, day: date, created: str = "createdAt") -> pl.DataFrame:
    """The rows that were there when the day, in UTC, began."""
    return rows.filter(pl.col(created) < datetime.combine(day, time(), UTC))


def links(contexts_on_cases: pl.DataFrame) -> pl.DataFrame:
    """Which context belongs to which case: context_id, case_id; sorted."""
    return contexts_on_cases.select(context_id="contextId", case_id="caseId").sort(pl.all())


def background(demographics: pl.DataFrame) -> pl.DataFrame:
    """What a participant said of themselves: participant_id, usPoliticalAffiliation, sex, age_band.

    The latest counts; an answer that is not known is null.
    """
    latest = demographics.sort("id").unique("participant_id", keep="last").sort("participant_id")
    answers = pl.col("usPoliticalAffiliation", "sex")
    known = pl.when(~answers.is_in((*NO_ANSWER, UNKNOWN))).then(answers)
    return latest.select("participant_id", "usPoliticalAffiliation", "sex", age_band="age").with_columns(
        known
    )


def groups_by_field(demographics: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """By field of FIELDS the group of each participant of whom it is known: participant_id, group."""
    known = background(demographics)
    return {field: known.select("participant_id", group=field).drop_nulls("group") for field in FIELDS}


def groups(demographics: pl.DataFrame) -> pl.DataFrame:
    """A participant's self-reported political affiliation: participant_id, group; the latest counts."""
    said = background(demographics).select("participant_id", group="usPoliticalAffiliation")
    return said.drop_nulls("group")


def group_named(affiliation: pl.Expr) -> pl.Expr:
    """The group of an affiliation, or of none. Who answered `all` is a group, but not everybody."""
    return affiliation.fill_null(UNKNOWN).replace({ALL: f"{ALL} (an answer)"})
