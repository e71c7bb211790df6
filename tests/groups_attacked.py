"""Every figure by group of a snapshot, read plainly from its tables, and two of them that tell of few people.

Who knows what everybody did, but not their groups, subtracts one figure from another.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from dft_pipeline.dataset import questions
from dft_pipeline.dataset.gradient import Gradient, gradients
from dft_pipeline.figures_by_group import People, figures_by_group
from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.disputes import erased_votes
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.graph.moral_graph import pair_tallies, wisdom_edges
from dft_pipeline.policies import DEFAULT, Aggregation
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.reports.participants import Doings, participant_behaviour
from dft_pipeline.tables import TABLES
from dft_pipeline.values import canonical, one_voice, reading
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.pseudonyms import pseudonymised
from dft_pipeline.values.reading import AFFILIATION
from resources.extraction import raw_schema

FEW = 5
ANSWERS = ("upgrade", "no_upgrade", "not_sure")
EVERYBODY = "all"
STEPS = {
    "chatted": "chats",
    "wrote_a_card": "cards",
    "was_shown_values": "shown",
    "voted": "votes",
    "judged": "judgments",
}
Parts = Mapping[str, int]  # what of a figure is each participant's
Tables = Mapping[str, pl.DataFrame]
Rows = Sequence[Mapping[str, Any]]


class Figure(NamedTuple):
    """A figure, and the groups of which it is shown."""

    table: str
    name: str
    parts: Parts
    shown: Mapping[str, float]


class Snapshot(NamedTuple):
    """The tables with figures by group and what they are made of; of each field participants' groups."""

    tables: Tables
    survey_answers: pl.DataFrame
    gradients: Sequence[Gradient]
    everybody: Sequence[str]
    groups: Mapping[str, Mapping[str, str]]


def figures(snapshot: Snapshot, field: str) -> list[Figure]:
    """Every figure of which at least one group is shown."""
    of_field = [_pairs, _values, _survey]
    of_groups = [_contested, _coverage, _behaviour] if field == AFFILIATION else []
    found = [one for of in (*of_groups, *of_field, _background) for one in of(snapshot, field)]
    return [one for one in found if one.shown]


def attacks(every: Sequence[Figure], groups: Mapping[str, str]) -> Iterator[tuple[Figure, Figure]]:
    """Two figures that differ in one to four people of a group that is shown, or of those left out.

    A group in which they do not differ rests on nobody, where they differ elsewhere.
    """
    people = sorted({person for one in every for person in one.parts})
    belongs = np.array([groups.get(person, "unknown") for person in people])
    held = np.array([[one.parts.get(person, 0) for person in people] for one in every])
    for one, other in combinations(range(len(every)), 2):
        differ = held[one] != held[other]
        if differ.any() and any(_few(differ, held[[one, other]], belongs, every[one], every[other])):
            yield every[one], every[other]


def _few(differ: Any, held: Any, belongs: Any, one: Figure, other: Figure) -> Iterator[bool]:
    if not (held != 0).all(axis=0).any():
        return  # nobody in common
    shown, both = set(one.shown) | set(other.shown), set(one.shown) & set(other.shown)
    for group in shown:
        yield int((differ & (belongs == group)).sum()) < FEW
    is_out = ~np.isin(belongs, sorted(both))
    yield bool((held[:, is_out] != 0).any()) and int((differ & is_out).sum()) < FEW


def untrue(every: Iterable[Figure], groups: Mapping[str, str]) -> list[Figure]:
    """Figures that are not what their people add up to: read wrongly here, or made wrongly there."""
    return [one for one in every for group, told in one.shown.items() if told != _sum(one, group, groups)]


def _sum(one: Figure, group: str, groups: Mapping[str, str]) -> int:
    return sum(much for person, much in one.parts.items() if groups.get(person, "unknown") == group)


def _shown(rows: Rows, column: str, by: str = "group") -> dict[str, float]:
    return {row[by]: row[column] for row in rows if row[by] != EVERYBODY and row[column] is not None}


def _added(rows: Rows) -> dict[str, int]:
    """How many of these rows are each participant's."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["participant_id"]] = found.get(row["participant_id"], 0) + 1
    return found


def _contested(snapshot: Snapshot, field: str) -> Iterator[Figure]:
    judged = snapshot.tables["judgments"].to_dicts()
    for place, record in enumerate(snapshot.tables["contested"].to_dicts()):
        pairs = {(edge["source_value_id"], edge["wiser_value_id"]) for edge in record["edges"]}
        rows = [row for row in judged if (row["source_value_id"], row["wiser_value_id"]) in pairs]
        told, name = record["answers_by_group"], f"record {place}"
        yield Figure("contested", name, dict.fromkeys(_added(rows), 1), _shown(told, "participant_count"))
        for answer in ANSWERS:
            said = _added([row for row in rows if row["relationship"] == answer])
            yield Figure("contested", f"{name} {answer}", said, _shown(told, answer))


def _pairs(snapshot: Snapshot, field: str) -> Iterator[Figure]:
    keys = ["source_value_id", "wiser_value_id"]
    judged = snapshot.tables["judgments"].partition_by(keys, as_dict=True)
    told = snapshot.tables["group_answers"].filter(field=field).partition_by(keys, as_dict=True)
    for pair, shown in told.items():
        rows = judged[pair].to_dicts()
        yield Figure("group_answers", f"{pair}", _added(rows), _shown(shown.to_dicts(), "judges"))
        for answer in ANSWERS:
            said = _added([row for row in rows if row["relationship"] == answer])
            yield Figure("group_answers", f"{pair} {answer}", said, _shown(shown.to_dicts(), answer))


def _values(snapshot: Snapshot, field: str) -> Iterator[Figure]:
    met = snapshot.tables["votes"].partition_by("value_id", as_dict=True)
    told = snapshot.tables["group_votes"].filter(field=field).partition_by("value_id", as_dict=True)
    for value, shown in told.items():
        for name, rows in (("met", met[value]), ("votes", met[value].filter("is_vote"))):
            parts = dict.fromkeys(rows["participant_id"].to_list(), 1)
            yield Figure("group_votes", f"{value} {name}", parts, _shown(shown.to_dicts(), name))


def _survey(snapshot: Snapshot, field: str) -> Iterator[Figure]:
    said = snapshot.survey_answers.drop_nulls("answer")
    told = snapshot.tables["survey_by_group"].filter(field=field)
    for (question,), shown in told.partition_by("question", as_dict=True).items():
        answers = dict(said.filter(question=question).select("participant_id", "answer").iter_rows())
        rows = shown.to_dicts()
        high = [
            row | {"high": _times(row["high_share"], row), "total": _times(row["mean"], row)} for row in rows
        ]
        ones = dict.fromkeys(answers, 1)
        agreed = {person: 1 for person, answer in answers.items() if answer >= 4}
        for name, parts in (("answered", ones), ("high", agreed), ("total", answers)):
            yield Figure("survey_by_group", f"{question} {name}", parts, _shown(high, name))


def _times(share: float | None, row: Mapping[str, Any]) -> int | None:
    return None if share is None else round(share * row["answered"])


def _coverage(snapshot: Snapshot, field: str) -> Iterator[Figure]:
    table = snapshot.tables["coverage_by_h"]
    for of in snapshot.gradients:
        for choice in of.choices:
            rows = table.filter(pl.col("h").eq_missing(choice.h), case_id=of.case_id).to_dicts()
            whose = {
                "participants": np.ones(len(of.people), dtype=bool),
                "supporters": choice.own,
                "carried_supporters": choice.carried,
            }
            for name, mask in whose.items():
                parts = {snapshot.everybody[int(number)]: 1 for number in of.people[mask]}
                yield Figure("coverage_by_h", f"{of.case_id} {choice.h} {name}", parts, _shown(rows, name))


def _behaviour(snapshot: Snapshot, field: str) -> Iterator[Figure]:
    people = snapshot.tables["participant_behaviour"].to_dicts()
    funnel = snapshot.tables["funnel"]
    for step in ("signed_up", *STEPS):
        took = {row["participant_id"]: 1 for row in people if step == "signed_up" or row[STEPS[step]]}
        yield Figure("funnel", step, took, _shown(funnel.filter(step=step).to_dicts(), "participants"))
    for measure in (*ANSWERS, "off_case", "straight_lining"):
        rows = snapshot.tables["behaviour_by_group"].filter(measure=measure).to_dicts()
        for column, parts in _measured(measure, people).items():
            yield Figure("behaviour_by_group", f"{measure} {column}", parts, _shown(rows, column))


def _measured(measure: str, people: Rows) -> dict[str, dict[str, int]]:
    counted, out_of = {
        "off_case": ("off_case_judgments", "case_judgments"),
        "straight_lining": ("is_straight_lining", "is_straight_lining"),
    }.get(measure, (measure, "judgments"))
    known = [row for row in people if row[counted] is not None]
    much = {row["participant_id"]: int(row[counted]) for row in known if row[counted]}
    whole = {row["participant_id"]: 1 if measure == "straight_lining" else row[out_of] for row in known}
    return {"counted": much, "out_of": whole, "participants": dict.fromkeys(much, 1)}


def _background(snapshot: Snapshot, field: str) -> Iterator[Figure]:
    rows = snapshot.tables["demographic_coverage"].filter(field=field)
    named = rows.with_columns(pl.col("answer").fill_null("unknown")).to_dicts()
    everybody = dict.fromkeys(snapshot.tables["participant_behaviour"]["participant_id"].to_list(), 1)
    yield Figure("demographic_coverage", field, everybody, _shown(named, "participants", by="answer"))


def snapshot_of(raw: Tables) -> Snapshot:
    """The tables of a snapshot of the app's tables, as far as they have figures by group."""
    every = all_cards(raw["valuesCard"], raw["canonicalValuesCard"])
    cards, links = canonical.card_values(every), reading.links(raw["contextsOnCases"])
    voices, values = one_voice.voices(raw, cards, links), canonical.canonical_values(every, cards)
    rows = (voices.judgments, voices.votes, voices.articulations)
    tallies = pair_tallies(voices.judgments, links, DEFAULT)
    edges, groups = wisdom_edges(tallies, DEFAULT), reading.groups_by_field(raw["demographic"])
    disputed = contested(tallies, voices.judgments, links, groups[AFFILIATION])
    nodes = graph_values(edges, values, voices.votes, links)
    erased = erased_votes(disputed, voices.judgments, links, DEFAULT)
    sure = TABLES["edge_evidence"].schema.to_frame()  # nothing of groups
    asked = questions.Snapshot(raw["case"], links, *rows, values, edges, nodes, disputed, erased, sure)
    doings = Doings(raw["chat"], voices.articulations, voices.votes, voices.judgments)
    people = People(
        demographics=raw["demographic"],
        survey_answers=raw["survey_answers"],
        participant_behaviour=participant_behaviour(raw["user"].select("participant_id"), doings),
        judgments=voices.judgments,
        votes=voices.votes,
        pair_tallies=tallies,
        contested=disputed,
        links=links,
        gradients=list(gradients(questions.numbered(asked), Aggregation())),
        everybody=questions.participants(asked),
    )
    return made_of(people)


def made_of(people: People) -> Snapshot:
    """Everything that is shown of groups of people."""
    groups = reading.groups_by_field(people.demographics)
    tables = {
        name: getattr(people, name) for name in ("participant_behaviour", "judgments", "votes", "contested")
    }
    return Snapshot(
        {**tables, **figures_by_group(people, DEFAULT)},
        people.survey_answers,
        people.gradients,
        people.everybody.to_list(),
        {field: dict(known.iter_rows()) for field, known in groups.items()},
    )


def raw_tables(folder: Path, broken: Mapping[str, int] = MappingProxyType({})) -> Tables:
    """The app's tables from their files; so many rows at a table's end are left out."""
    found = {}
    for name, table in SOURCE_TABLES.items():
        schema = raw_schema(table.extracted)
        file = folder / f"{name}.json"
        rows = json.loads(file.read_text()) if file.exists() else []
        rows = [_typed(row, schema) for row in rows[: len(rows) - broken.get(name, 0)]]
        frame = pl.DataFrame(rows, schema=schema)
        whose = table.participant_column
        found[name] = frame if whose is None else pseudonymised(frame, whose, b"a key for tests")
    return found


def _typed(row: Mapping[str, Any], schema: Mapping[str, pl.DataType]) -> dict[str, Any]:
    return {name: _cell(row.get(name), dtype) for name, dtype in schema.items()}


def _cell(told: Any, dtype: pl.DataType) -> Any:
    if isinstance(dtype, pl.Datetime) and told:
        return datetime.fromisoformat(told)
    return json.dumps(told) if dtype == pl.String and isinstance(told, (list, dict)) else told
