"""Admission: each planted violation is set aside by table, key and rule, and nothing else is."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from small_world import ANN, BOB, CAT, NAMED, NOON, ROWS, Row, another, key_of, world

from dft_pipeline.policies import ParticipantPolicy, participant_policy
from dft_pipeline.raw.tables import OUT_OF_BANDS, SOURCE_TABLES, SourceColumn, SourceTable
from dft_pipeline.values.admission import UNKNOWN, set_aside
from dft_pipeline.values.participants import EXCLUSIONS, outside_own_cases
from dft_pipeline.values.pseudonyms import pseudonym
from dft_pipeline.values.setting_aside import without

EVERYBODY = ParticipantPolicy()
ABSENT: Mapping[str, object] = {"integer": 99, "text": "nowhere"}


Plant = tuple[str, str, object, str]  # table, column, a value that breaks a promise about it, the rule


def of_column(name: str, column: SourceColumn) -> Iterator[Plant]:
    told = column.pseudonymous
    if not column.nullable:
        yield name, told, None, "missing_value"
    if column.bands is not None:
        yield name, told, OUT_OF_BANDS, "unknown_enum"
    elif column.low is not None and column.high is not None:
        yield name, told, column.low - 1, "out_of_range"
        yield name, told, column.high + 1, "out_of_range"
    if column.allowed:
        yield name, told, "maybe", "unknown_enum"
    # The table `deduplication` has no days: it may name cards of later ones.
    if column.references in UNKNOWN and (name, column.name) != ("deduplication", "valuesCardId"):
        yield name, told, ABSENT[column.type], UNKNOWN[column.references]
    if column.type == "time":
        when = datetime(1970 if column.name == "createdAt" else 2200, 1, 1, tzinfo=UTC)
        yield name, told, when, "out_of_range"


def of_row(name: str, table: SourceTable) -> Iterator[Plant]:
    if table.is_dated and table.is_versioned:
        yield name, "updatedAt", NOON - timedelta(seconds=1), "times_out_of_order"
    if "evaluationCriteria" in table.by_name:
        for criteria, rule in (
            (["CARE"], "criteria_count"),
            (["CARE"] * 11, "criteria_count"),
            (["CARE", " \n"], "blank_criterion"),
            (["CARE", None], "missing_value"),
        ):
            yield name, "evaluationCriteria", criteria, rule


def plants(name: str) -> list[Plant]:
    table = SOURCE_TABLES[name]
    return [*(plant for column in table.checked for plant in of_column(name, column)), *of_row(name, table)]


def test_a_sound_world_is_admitted_whole() -> None:
    assert set_aside(world(), EVERYBODY).is_empty()
    more = {name: [another(name)] for name in SOURCE_TABLES}
    assert set_aside(world(**more), EVERYBODY).is_empty(), (
        "what is planted below is broken by its change alone"
    )


@pytest.mark.parametrize("name", SOURCE_TABLES)
def test_every_planted_violation_is_named_and_the_rest_is_untouched(name: str) -> None:
    planted = {
        number: (another(name, number, **{column: value}), column, rule)
        for number, (_, column, value, rule) in enumerate(plants(name), start=NAMED.start)
    }
    raw = world(**{name: [row for row, _, _ in planted.values()]})
    found = set_aside(raw, EVERYBODY)
    assert set(found.select("table", "source").rows()) == {(name, f"raw/{name}")}
    expected = sorted((json.dumps(key_of(name, row)), column, rule) for row, column, rule in planted.values())
    source = SOURCE_TABLES[name].by_name
    assert expected == sorted(
        (json.dumps(json.loads(row["key"])), source[row["column"]].pseudonymous, row["rule"])
        for row in found.iter_rows(named=True)
    )
    assert without(name, raw[name], found).equals(world(**{name: []})[name])


def test_what_names_a_row_that_was_set_aside_goes_with_it() -> None:
    blank = another("canonicalValuesCard", evaluationCriteria=[])
    votes = [another("vote", valuesCardId=100)]
    found = set_aside(world(canonicalValuesCard=[blank], vote=votes), EVERYBODY)
    assert set(found.select("table", "rule").rows()) == {
        ("canonicalValuesCard", "criteria_count"),
        ("vote", "unknown_value"),
    }


def test_nothing_is_looked_up_in_a_table_that_the_source_does_not_have() -> None:
    raw = world()
    raw["chat"] = raw["chat"].clear()
    assert set_aside(raw, EVERYBODY).is_empty(), "the first run has no chats, and its cards take part"
    raw["case"] = raw["case"].clear()
    assert set(set_aside(raw, EVERYBODY)["rule"]) >= {"unknown_case"}, "cases are not optional"


def test_a_value_is_shown_but_for_who_somebody_is() -> None:
    found = set_aside(world(edge=[another("edge", relationship="x" * 900)]), EVERYBODY)
    assert found["value"].to_list() == ["x" * 200]
    revoked = another("demographic", participant_id=BOB, sex="CONSENT_REVOKED")
    assert set(set_aside(world(demographic=[revoked]), EVERYBODY)["value"]) == {None}


def tables_of(found: pl.DataFrame, rule: str) -> set[str]:
    return set(found.filter(rule=rule)["table"])


THEIRS = {name for name, table in SOURCE_TABLES.items() if table.participant_column is not None} | {
    "valuesCard"
}


def bobs() -> dict[str, list[Row]]:
    """A row of Bob's in every table that people have rows in, his values card among them."""
    own = {name: [another(name, participant_id=BOB)] for name in THEIRS - {"user", "valuesCard"}}
    return own | {"valuesCard": [another("valuesCard", chatId="When 100")]}


EARLIER, LATER = NOON - timedelta(days=1), NOON + timedelta(days=1)
PEOPLE: list[tuple[str, dict[str, Any], Mapping[str, Row]]] = [
    ("consent_revoked", {}, {"demographic": {"usPoliticalAffiliation": "CONSENT_REVOKED"}}),
    ("consent_revoked", {}, {"demographic": {"sex": "CONSENT_REVOKED"}}),
    ("admin", {"exclude_admins": True}, {"user": {"isAdmin": True}}),
    ("admin", {"exclude_admins": True}, {"user": {"role": ["USER", "ADMIN"]}}),
    ("simulated", {"exclude_simulated": True}, {"user": {"signupType": "SIMULATED"}}),
    ("simulated", {"exclude_simulated": True}, {"user": {"role": ["SIMULATED"]}}),
    ("test_user", {"excluded": (BOB,)}, {}),
    ("test_user", {"test_comment": "(?i)^test(ing)?$"}, {"edge": {"comment": "Testing"}}),
    ("other_signup_type", {"signup_types": ("EMAIL",)}, {"user": {"signupType": "PROLIFIC"}}),
    ("other_signup_type", {"signup_types": ("EMAIL",)}, {"user": {"signupType": None}}),
    ("other_batch", {"batches": (1,)}, {"user": {"batch": 2}}),
    ("other_batch", {"batches": (1,)}, {"user": {"batch": None}}),
    ("joined_too_early", {"joined_from": date(2024, 1, 10)}, {"user": {"createdAt": EARLIER}}),
    ("joined_too_late", {"joined_to": date(2024, 1, 10)}, {"user": {"createdAt": LATER, "updatedAt": LATER}}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "policy", "changes"), PEOPLE)
def test_who_is_left_out_is_left_out_of_everything(
    rule: str, policy: dict[str, Any], changes: Mapping[str, Row]
) -> None:
    raw = world(**bobs())
    for name, change in changes.items():
        is_bobs = pl.col("participant_id") == BOB
        raw[name] = raw[name].with_columns(
            pl.when(is_bobs)
            .then(pl.lit(value, dtype=raw[name].schema[column]))
            .otherwise(column)
            .alias(column)
            for column, value in change.items()
        )
    found = set_aside(raw, ParticipantPolicy(**policy))
    assert set(found["rule"]) == {rule} <= set(EXCLUSIONS), "or its effect on the graph would not be asked"
    assert tables_of(found, rule) == THEIRS
    for name in THEIRS - {"user"}:
        assert without(name, raw[name], found).equals(world()[name]), "Ann's rows stay"
    assert without("user", raw["user"], found)["participant_id"].to_list() == [ANN]
    if changes or policy.get("excluded"):
        kept = ParticipantPolicy() if rule != "consent_revoked" else None
        assert kept is None or set_aside(raw, kept).is_empty(), "only on request"


def test_a_participant_missing_from_the_user_table_stays_unless_asked() -> None:
    raw = world(edge=[another("edge", participant_id=CAT)], vote=[another("vote", participant_id=CAT)])
    assert set_aside(raw, EVERYBODY).is_empty()
    found = set_aside(raw, ParticipantPolicy(exclude_unknown=True))
    assert found.select("table", "rule").rows() == [
        ("edge", "unknown_participant"),
        ("vote", "unknown_participant"),
    ]


def test_a_fewest_number_of_judgments() -> None:
    raw = world(
        edge=[another("edge", participant_id=ANN, toId=3), another("edge", participant_id=BOB)],
        vote=[another("vote", participant_id=BOB)],
    )
    assert set_aside(raw, ParticipantPolicy(min_judgments=1)).is_empty()
    found = set_aside(raw, ParticipantPolicy(min_judgments=2))
    assert set(found["rule"]) == {"too_few_judgments"}
    assert {"edge", "vote"} <= tables_of(found, "too_few_judgments")
    assert len(without("edge", raw["edge"], found)) == 2, "Ann made two"


def test_copies_and_invalid_cards_do_not_count_unless_asked() -> None:
    copy = another("chat", copiedFromId="c1")
    cards = [another("valuesCard", chatId="When 100"), another("valuesCard", 101, quality="invalid")]
    raw = world(chat=[copy], valuesCard=cards)
    found = set_aside(raw, EVERYBODY)
    assert set(found.select("table", "rule", "column").rows()) == {
        ("chat", "copied_chat", "copiedFromId"),
        ("valuesCard", "copied_chat", "chatId"),
        ("valuesCard", "invalid_card", "quality"),
    }
    everything = ParticipantPolicy(exclude_copied_chats=False, exclude_invalid_cards=False)
    assert set_aside(raw, everything).is_empty()


def test_judgments_outside_ones_own_cases() -> None:
    links = [{"contextId": "When high", "caseId": "weed", "createdAt": NOON, "updatedAt": NOON}]
    contexts = [{"id": "When high"}, {"id": "When nowhere"}]
    edges = [
        another("edge", participant_id=ANN, toId=3, contextId="When high"),
        another("edge", participant_id=ANN, toId=1, contextId="When nowhere"),
        another("edge", participant_id=BOB, contextId="When high"),
    ]
    raw = world(context=contexts, contextsOnCases=links, edge=edges)
    judged = pl.DataFrame(
        [
            (ANN, ["abortion"]),
            (ANN, ["weed"]),
            (ANN, ["weed", "abortion"]),
            (ANN, []),
            (ANN, None),
            (BOB, ["weed"]),
        ],
        schema={"participant_id": pl.String, "case_ids": pl.List(pl.String)},
        orient="row",
    )
    own = pl.DataFrame({"participant_id": [ANN, ANN], "case_id": ["abortion", "abortion"]})
    off = outside_own_cases(judged, own)
    assert off.to_list() == [False, True, False, None, None, None], "no case, or no own case: nobody knows"
    assert set_aside(raw, EVERYBODY).is_empty()
    found = set_aside(raw, ParticipantPolicy(exclude_off_case=True))
    assert found.select("table", "rule", "column", "value").rows() == [
        ("edge", "off_case", "contextId", "When high")
    ]
    assert json.loads(found["key"][0]) == {"participant_id": ANN, "fromId": 1, "toId": 3}


def test_a_policy_from_a_file_has_no_ids() -> None:
    policy = participant_policy({"name": "ours", "excluded": [2, 1, ANN, 1]}, b"key")
    assert policy.excluded == tuple(sorted({pseudonym(1, b"key"), pseudonym(2, b"key"), ANN}))
    assert policy.name == "ours"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"excluded": ["bob@example.invalid"]}, "excluded"),
        ({"excluded": [True, "a", [1]]}, "excluded"),
        ({"excluded": 5}, "excluded"),
        ({"exclude_admin": True}, "exclude_admin"),
        ({"min_judgments": -1}, "min_judgments"),
        ({"test_comment": "("}, "test_comment"),
        ({"joined_from": "yesterday"}, "joined_from"),
    ],
)
def test_a_policy_that_is_not_understood_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        participant_policy(settings, b"key")


def test_rules_that_leave_somebody_out_come_in_their_order() -> None:
    raw = world(**bobs())
    raw["user"] = raw["user"].with_columns(isAdmin=pl.col("participant_id") == BOB)
    found = set_aside(raw, ParticipantPolicy(exclude_admins=True, excluded=(BOB,)))
    assert set(found["rule"]) == {"admin"}, "one row, one reason"
    assert len(ROWS) == len(SOURCE_TABLES)
