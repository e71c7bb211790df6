"""Whose input counts: who is left out of everything, and which of the others' rows are not counted."""

from collections.abc import Iterator, Mapping

import polars as pl

from dft_pipeline.policies import ParticipantPolicy
from dft_pipeline.raw.tables import EXPERT, SOURCE_TABLES
from dft_pipeline.values.reading import REVOKED, links
from dft_pipeline.values.setting_aside import NONE, Rule, quarantined, sort_out

Tables = Mapping[str, pl.DataFrame]

BACKGROUND = ("usPoliticalAffiliation", "sex")
INVALID = "invalid"
RATED = ("criterionRating", "completionRanking")
EXCLUSIONS = (
    "consent_revoked",
    "unknown_participant",
    "admin",
    "simulated",
    "test_user",
    "other_signup_type",
    "other_batch",
    "joined_too_early",
    "joined_too_late",
    "too_few_judgments",
    "copied_chat",
    "invalid_card",
    "off_case",
)


def left_out(tables: Tables, people: ParticipantPolicy) -> pl.DataFrame:
    """The participants none of whose rows take part: participant_id, rule (the first that applies)."""
    parts = [found.select("participant_id", rule=pl.lit(rule)) for rule, found in _reasons(tables, people)]
    everybody = pl.concat([_people(tables["user"]).clear().with_columns(rule=pl.lit("")), *parts])
    return (
        everybody.drop_nulls("participant_id")
        .unique("participant_id", keep="first", maintain_order=True)
        .sort("participant_id")
    )


def not_counted(name: str, tables: Tables, absent: pl.DataFrame, people: ParticipantPolicy) -> pl.DataFrame:
    """The rows of a table that are not counted, as rows of `quarantine`."""
    rules = _row_rules(name, people)
    if absent.is_empty() and not rules:
        return NONE
    rows = _attributed(name, tables, people)
    if "participant_id" not in rows.columns:
        return NONE
    marked = rows.join(absent, on="participant_id", how="left", maintain_order="left")
    column = SOURCE_TABLES[name].participant_column or "chatId"
    gone = marked.filter(pl.col("rule").is_not_null())
    parts = [
        quarantined(name, part, column, str(rule)).with_columns(value=pl.lit(None, dtype=pl.String))
        for (rule,), part in gone.group_by("rule", maintain_order=True)
    ]
    present = marked.filter(pl.col("rule").is_null())
    return pl.concat([NONE, *parts, sort_out(name, present, rules).set_aside])


def unregistered(tables: Tables) -> pl.DataFrame:
    """Who did something and is not in the user table, experts aside: participant_id."""
    known = tables["user"].select(pl.col("participant_id").unique())
    begins = pl.col("participant_id").ne_missing(pl.col("participant_id").shift())  # of a run of one's rows
    theirs = [
        _without_experts(name, rows.lazy())
        .select("participant_id")
        .filter(begins)
        .join(known.lazy(), on="participant_id", how="anti")
        for name, rows in tables.items()
        if "participant_id" in rows and name != "user"
    ]
    strangers = pl.concat(pl.collect_all(theirs))
    return strangers.drop_nulls().unique().sort("participant_id")


def _without_experts(name: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows but for those of raters whom the team asked: they need not be users of the app."""
    return rows.filter(pl.col("role") != EXPERT) if name in RATED else rows


def outside_own_cases(judged: pl.DataFrame, own_cases: pl.DataFrame) -> pl.Series:
    """Whether each judgment (participant_id, case_ids of its context) is outside the participant's own cases.

    `own_cases` (participant_id, case_id) are those of chats, votes and showings. Null where none is known,
    or where the context belongs to no case.
    """
    own = own_cases.group_by("participant_id").agg(own=pl.col("case_id").unique())
    joined = judged.join(own, on="participant_id", how="left", maintain_order="left")
    elsewhere = pl.col("own").list.set_intersection("case_ids").list.len() == 0
    return joined.select(off=pl.when(pl.col("case_ids").list.len() > 0).then(elsewhere))["off"]


def _reasons(tables: Tables, people: ParticipantPolicy) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rules that leave participants out, in their order, with whom each finds."""
    user = tables["user"]
    revoked = pl.any_horizontal(pl.col(BACKGROUND) == REVOKED)
    yield "consent_revoked", tables["demographic"].filter(revoked)
    if people.exclude_unknown:
        yield "unknown_participant", unregistered(tables)
    if people.exclude_admins:
        yield "admin", user.filter(pl.col("isAdmin") | pl.col("role").list.contains("ADMIN"))
    if people.exclude_simulated:
        simulated = pl.col("role").list.contains("SIMULATED") | (pl.col("signupType") == "SIMULATED")
        yield "simulated", user.filter(simulated)
    if people.excluded:
        yield "test_user", _everybody(tables).filter(pl.col("participant_id").is_in(people.excluded))
    if people.test_comment is not None:
        yield "test_user", tables["edge"].filter(pl.col("comment").str.contains(people.test_comment))
    yield from _recruitment(user, people)
    if people.min_judgments:
        judged = tables["edge"].group_by("participant_id").len("judgments")
        yield "too_few_judgments", judged.filter(pl.col("judgments") < people.min_judgments)


def _recruitment(user: pl.DataFrame, people: ParticipantPolicy) -> Iterator[tuple[str, pl.DataFrame]]:
    if people.signup_types is not None:
        yield "other_signup_type", user.filter(_is_not_in("signupType", people.signup_types))
    if people.batches is not None:
        yield "other_batch", user.filter(_is_not_in("batch", people.batches))
    joined = pl.col("createdAt").dt.date()
    if people.joined_from is not None:
        yield "joined_too_early", user.filter(joined < people.joined_from)
    if people.joined_to is not None:
        yield "joined_too_late", user.filter(joined > people.joined_to)


def _is_not_in(column: str, wanted: tuple[str, ...] | tuple[int, ...]) -> pl.Expr:
    return ~pl.col(column).is_in(wanted).fill_null(False)


def _row_rules(name: str, people: ParticipantPolicy) -> list[Rule]:
    """What is not counted of participants who are not left out."""
    rules = []
    if people.exclude_copied_chats and name in ("chat", "valuesCard"):
        column = "copiedFromId" if name == "chat" else "chatId"
        rules.append(Rule("copied_chat", column, pl.col("copiedFromId").is_not_null()))
    if people.exclude_invalid_cards and name == "valuesCard":
        rules.append(Rule("invalid_card", "quality", pl.col("quality") == INVALID))
    if people.exclude_off_case and name == "edge":
        rules.append(Rule("off_case", "contextId", pl.col("is_off_case")))
    return rules


def _attributed(name: str, tables: Tables, people: ParticipantPolicy) -> pl.DataFrame:
    """A table's rows with what the rules ask for: a card has its chat's participant, a judgment its case."""
    rows = tables[name]
    if name == "valuesCard":
        theirs = tables["chat"].select("participant_id", "copiedFromId", chatId="id")
        return rows.join(theirs, on="chatId", how="left", maintain_order="left")
    if name == "edge" and people.exclude_off_case:
        cases = links(tables["contextsOnCases"]).group_by(contextId="context_id").agg(case_ids="case_id")
        judged = rows.select("participant_id", "contextId").join(
            cases, on="contextId", how="left", maintain_order="left"
        )
        own = (tables[of].select("participant_id", case_id="caseId") for of in ("chat", "vote", "impression"))
        return rows.with_columns(is_off_case=outside_own_cases(judged, pl.concat(own)))
    return rows


def _everybody(tables: Tables) -> pl.DataFrame:
    return pl.concat([_people(tables["user"]), unregistered(tables)])


def _people(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col("participant_id").unique().sort())
