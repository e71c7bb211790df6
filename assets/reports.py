"""Stage reports: how people took part and how well cards were grouped; nothing is decided by them."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.reports import group_answers
from dft_pipeline.reports.behaviour import behaviour_reports
from dft_pipeline.reports.grouping_agreement import dedup_agreement, dedup_verdicts
from dft_pipeline.reports.groupings import groupings, offline_beside
from dft_pipeline.reports.participants import Doings
from dft_pipeline.reports.survey import survey_by_group
from dft_pipeline.values import one_voice, reading
from resources.build import BuildSettings, Workplace

BEHAVIOUR, DEMOGRAPHIC = "participant_behaviour", raw_key("demographic")
TABLES = (BEHAVIOUR, "funnel", "behaviour_by_group", "exposure", "demographic_coverage")
VERDICTS = "deduplicationVerification"
GROUPED = (
    raw_key("valuesCard"),
    raw_key("canonicalValuesCard"),
    raw_key("deduplication"),
    raw_key("chat"),
    "articulated_cards",
    "card_embeddings",
    "set_aside",
    "card_values",
)


@dg.multi_asset(
    name="behaviour_reports",
    specs=[
        table_spec(BEHAVIOUR, "1", (raw_key("user"), raw_key("chat"), "articulations", "votes", "judgments")),
        table_spec("funnel", "1", (BEHAVIOUR, DEMOGRAPHIC)),
        table_spec("behaviour_by_group", "1", (BEHAVIOUR, DEMOGRAPHIC)),
        table_spec("exposure", "1", ("canonical_values", "votes", "judgments")),
        table_spec("demographic_coverage", "1", (BEHAVIOUR, DEMOGRAPHIC)),
    ],
    check_specs=check_specs(TABLES, ()),
)
def reports(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a participant, a step or a measure in a group, a value in a case, or an answer."""
    day = date.fromisoformat(context.partition_key)
    raw = {name: workplace.admitted(name, day) for name in ("user", "demographic", "chat")}
    made = behaviour_reports(
        raw["user"],
        raw["demographic"],
        workplace.table("canonical_values", day),
        Doings(
            raw["chat"], *(workplace.table(name, day) for name in ("articulations", "votes", "judgments"))
        ),
    )
    yield from finished(workplace, "reports", day, made)


@dg.multi_asset(
    name="evaluation",
    specs=[
        table_spec("dedup_agreement", "1", GROUPED),
        table_spec("dedup_verdicts", "1", (*GROUPED, raw_key(VERDICTS))),
    ],
    check_specs=check_specs(("dedup_agreement", "dedup_verdicts"), ()),
)
def evaluation(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is two groupings of cards, or one beside participants' verdicts (`dedup_verdicts`)."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    every = workplace.cards(day)
    background, verifications = (workplace.admitted(name, day) for name in ("deduplication", VERDICTS))
    offline = offline_beside(settings, every, workplace.table("card_embeddings", day))
    found = groupings(every, workplace.table("card_values", day), offline, background)
    tables = {
        "dedup_agreement": dedup_agreement(every, found),
        "dedup_verdicts": dedup_verdicts(one_voice.verdicts(verifications).kept, found),
    }
    yield from finished(workplace, "reports_evaluation", day, tables)


GROUP_TABLES = ("group_answers", "group_votes", "group_consensus", "group_directions", "survey_by_group")
OF_GROUPS = ("judgments", "votes", "pair_tallies", "contested", DEMOGRAPHIC)


@dg.multi_asset(
    name="group_reports",
    specs=[
        table_spec("group_answers", "1", OF_GROUPS),
        table_spec("group_votes", "1", OF_GROUPS),
        table_spec("group_consensus", "1", ("group_answers", "group_votes", "pair_tallies")),
        table_spec("group_directions", "1", ("group_answers", *OF_GROUPS, raw_key("contextsOnCases"))),
        table_spec("survey_by_group", "1", (raw_key("survey_answers"), DEMOGRAPHIC)),
    ],
    check_specs=check_specs(GROUP_TABLES, ()),
)
def group_reports(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a pair, a value or a question as a group answered it, or what groups agree or differ on."""
    day, policy = date.fromisoformat(context.partition_key), build_settings.snapshot.policy
    asked = group_answers.Answers(
        groups=reading.groups_by_field(workplace.admitted("demographic", day)),
        **{name: workplace.table(name, day) for name in ("judgments", "votes", "pair_tallies", "contested")},
    )
    seen = group_answers.seen_by_group(asked)
    links = reading.links(workplace.admitted("contextsOnCases", day))
    made = (
        seen.answers,
        seen.votes,
        group_answers.group_consensus(seen, asked.pair_tallies),
        group_answers.group_directions(asked, links, seen, policy),
        survey_by_group(workplace.admitted("survey_answers", day), asked.groups),
    )
    yield from finished(workplace, "reports_groups", day, dict(zip(GROUP_TABLES, made, strict=True)))
