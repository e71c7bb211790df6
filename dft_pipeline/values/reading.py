"""Raw tables as the values stage reads them: participants under pseudonyms, the columns that it needs."""

import polars as pl

# The political affiliations that stand for "not known": what the recruiting platform wrote when it forgot.
REVOKED = "CONSENT_REVOKED"
NO_ANSWER = ("DATA_EXPIRED", REVOKED, "")


def links(contexts_on_cases: pl.DataFrame) -> pl.DataFrame:
    """Which context belongs to which case: context_id, case_id; sorted."""
    return contexts_on_cases.select(context_id="contextId", case_id="caseId").sort(pl.all())


def groups(demographics: pl.DataFrame) -> pl.DataFrame:
    """A participant's self-reported political affiliation: participant_id, group; the latest counts."""
    latest = demographics.sort("id").unique("participant_id", keep="last")
    known = latest.filter(
        pl.col("usPoliticalAffiliation").is_not_null(), ~pl.col("usPoliticalAffiliation").is_in(NO_ANSWER)
    )
    return known.select("participant_id", group="usPoliticalAffiliation").sort("participant_id")
