"""The real run's behaviour reports: what is known of it, counted from its rows."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dft_pipeline.raw.tables import SOURCE_TABLES, SourceTable
from dft_pipeline.reports.behaviour import taking_part
from dft_pipeline.reports.exposure import exposure
from dft_pipeline.reports.participants import Doings, participant_behaviour
from dft_pipeline.values import canonical, one_voice, reading
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.pseudonyms import pseudonym, pseudonymised
from dft_pipeline.values.small_cells import Known
from resources.extraction import raw_schema

END = datetime(2023, 10, 18, tzinfo=UTC)  # of 2023-10-17
KEY = b"a key for tests"
NOT_REGISTERED = (1, 2)
Tables = Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def raw(real: Path) -> Tables:
    """The app's tables as a snapshot of the day sees them."""
    return {table.name: _raw(real / f"{table.name}.json", table) for table in SOURCE_TABLES.values()}


def _raw(path: Path, table: SourceTable) -> pl.DataFrame:
    schema = raw_schema(table.extracted)
    found = json.loads(path.read_text()) if path.exists() else []
    rows = pl.DataFrame([_typed(row, schema) for row in found], schema=schema)
    rows = rows.filter(pl.col("createdAt") < END) if table.evidence else rows
    whose = table.participant_column
    return rows if whose is None else pseudonymised(rows, whose, KEY)


def _typed(row: dict[str, Any], schema: pl.Schema) -> dict[str, Any]:
    times = {name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)}
    return {name: datetime.fromisoformat(row[name]) if name in times else row[name] for name in schema}


@pytest.fixture(scope="module")
def reports(raw: Tables) -> Tables:
    every = all_cards(raw["valuesCard"], raw["canonicalValuesCard"])
    cards = canonical.card_values(every)
    voices = one_voice.voices(raw, cards, reading.links(raw["contextsOnCases"]))
    doings = Doings(raw["chat"], voices.articulations, voices.votes, voices.judgments)
    behaviour = participant_behaviour(raw["user"].select("participant_id"), doings)
    values = canonical.canonical_values(every, cards)
    return {
        "participant_behaviour": behaviour,
        "exposure": exposure(values, voices.votes, voices.judgments),
        **taking_part(behaviour, raw["demographic"], {field: Known() for field in reading.FIELDS}),
    }


def test_the_base_rate_of_upgrades(reports: Tables) -> None:
    of_all = reports["behaviour_by_group"].filter(group="all")
    shares = {row["measure"]: row["share"] for row in of_all.to_dicts()}
    assert shares["upgrade"] == 1046 / 1540 == pytest.approx(0.6792, abs=5e-5)
    assert (shares["no_upgrade"], shares["not_sure"]) == (168 / 1540, 326 / 1540)


def test_two_who_judged_are_not_in_the_user_table(raw: Tables, reports: Tables) -> None:
    unknown = reports["participant_behaviour"].filter(~pl.col("is_registered"))
    assert set(unknown["participant_id"]) == {pseudonym(user, KEY) for user in NOT_REGISTERED}
    # Raw rows up to the day; one voice leaves these as they are.
    rows = {name: raw[name].join(unknown, on="participant_id", how="semi") for name in ("edge", "vote")}
    assert (len(rows["edge"]), len(rows["vote"])) == (41, 12)
    assert (unknown["judgments"].sum(), unknown["votes"].sum()) == (41, 12)


def test_the_whole_export_has_more_of_the_two(real: Path) -> None:
    """Raw rows, days after the snapshot's among them."""
    rows = {name: json.loads((real / f"{name}.json").read_text()) for name in ("edge", "vote")}
    counts = {name: sum(row["userId"] in NOT_REGISTERED for row in found) for name, found in rows.items()}
    assert counts == {"edge": 45, "vote": 19}


def test_two_affiliations_expired(raw: Tables, reports: Tables) -> None:
    assert Counter(raw["demographic"]["usPoliticalAffiliation"])["DATA_EXPIRED"] == 2
    coverage = reports["demographic_coverage"].filter(field="usPoliticalAffiliation")
    answers = dict(coverage.select("answer", "participants").iter_rows())
    # 488 of the 832 have no background on file; 2 are not in the user table.
    assert answers == {"Democrat": 111, "Independent": 146, "Republican": 85, None: 488 + 2 + 2}


def test_ten_contexts_have_no_case(raw: Tables) -> None:
    linked = set(raw["contextsOnCases"]["contextId"])
    assert len(set(raw["context"]["id"]) - linked) == 10


def test_steps_without_any_chat(reports: Tables) -> None:
    funnel = reports["funnel"].filter(group="all")
    assert dict(funnel.select("step", "participants").iter_rows()) == {
        "signed_up": 834,
        "chatted": 0,
        "wrote_a_card": 0,
        "was_shown_values": 514,
        "voted": 514,
        "judged": 506,
    }
    assert funnel["median_turns"].to_list() == [None] * 6


def test_the_steps_of_a_group_are_withheld_where_few_people_follow(reports: Tables) -> None:
    """80 Republicans voted and 79 judged: both together would tell of one person."""
    steps = reports["funnel"].filter(group="Republican").select("step", "participants")
    told = dict(steps.iter_rows())
    assert told["signed_up"] == 85
    assert None in (told["voted"], told["judged"])
    upgrades = reports["behaviour_by_group"].filter(measure="upgrade").select("group", "counted", "out_of")
    assert set(upgrades.rows()) >= {("Republican", 186, 238), ("Democrat", 178, 264)}


def test_values_that_nobody_met(raw: Tables, reports: Tables) -> None:
    shown = set(raw["impression"]["valuesCardId"])
    never = reports["exposure"].filter("is_never_shown")
    assert set(never["value_id"]) == set(raw["canonicalValuesCard"]["id"]) - shown
    assert len(never) == 35, "of 115 values, 80 were shown"
