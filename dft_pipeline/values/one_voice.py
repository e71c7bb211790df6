"""One voice: a participant has one judgment per ordered pair, one vote and one showing per value and case.

The latest by `updatedAt` counts; ties go to the later `createdAt`, then to the higher original key.
Whatever does not count is set aside with its rule. Rows come with the app's column names, the
participant already under a pseudonym.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from dft_pipeline.raw.tables import RELATIONSHIPS, SOURCE_TABLES
from dft_pipeline.tables import TABLES

LATEST = ("updatedAt", "createdAt")
VALUE_LENGTH = 200  # characters of an offending value that are kept


class Voices(NamedTuple):
    """The rows that count, and the rows set aside (columns of table `quarantine`)."""

    kept: pl.DataFrame
    set_aside: pl.DataFrame


class AllVoices(NamedTuple):
    """The tables `judgments`, `votes` and `articulations`, and what was set aside (`quarantine`)."""

    judgments: pl.DataFrame
    votes: pl.DataFrame
    articulations: pl.DataFrame
    set_aside: pl.DataFrame


class Rule(NamedTuple):
    """A row for which `breaks` holds is set aside under `name`, for its `column`."""

    name: str
    column: str
    breaks: pl.Expr


def voices(raw: Mapping[str, pl.DataFrame], card_values: pl.DataFrame, links: pl.DataFrame) -> AllVoices:
    """What counts of everybody. `raw`: the app's tables by name; `links` has context_id and case_id."""
    judged = judgments(raw["edge"], card_values, links)
    voted = votes(raw["vote"], raw["impression"], card_values)
    cards = cards_without_value(raw["valuesCard"], card_values)
    return AllVoices(
        judged.kept,
        voted.kept,
        articulations(raw["valuesCard"], raw["chat"], card_values),
        pl.concat([judged.set_aside, voted.set_aside, cards]),
    )


def unaccounted(raw: Mapping[str, pl.DataFrame], found: AllVoices, card_values: pl.DataFrame) -> list[str]:
    """The raw tables whose rows are not all used or set aside, in words."""
    used = {
        "edge": len(found.judgments),
        "vote": found.votes["is_vote"].sum(),
        "impression": len(found.votes) - found.votes["is_vote"].sum(),
        "valuesCard": len(card_values.filter(pl.col("card_kind") == "card")),
    }
    aside = dict(found.set_aside["table"].value_counts().iter_rows())
    return [
        f"{name}: {len(raw[name])} read, {count} used, {aside.get(name, 0)} set aside"
        for name, count in used.items()
        if len(raw[name]) != count + aside.get(name, 0)
    ]


def judgments(edges: pl.DataFrame, card_values: pl.DataFrame, links: pl.DataFrame) -> Voices:
    """Table `judgments` of the app's `edge` rows, moved to the values that their cards became."""
    moved = _on_values(_on_values(edges, card_values, "fromId"), card_values, "toId")
    rules = (
        Rule("unknown_enum", "relationship", ~pl.col("relationship").is_in(RELATIONSHIPS)),
        Rule("unknown_value", "fromId", pl.col("fromId_value").is_null()),
        Rule("unknown_value", "toId", pl.col("toId_value").is_null()),
        Rule("merged_away", "toId", pl.col("fromId_value") == pl.col("toId_value")),
        _superseded("toId", ("participant_id", "fromId_value", "toId_value"), ("fromId", "toId")),
    )
    voices = _sort_out("edge", moved, rules)
    cases = links.group_by("context_id").agg(case_ids=pl.col("case_id").unique().sort())
    named = voices.kept.rename(
        {
            "fromId_value": "source_value_id",
            "toId_value": "wiser_value_id",
            "contextId": "context_id",
            "createdAt": "created_at",
            "updatedAt": "updated_at",
        }
    ).join(cases, on="context_id", how="left")
    no_cases = pl.col("case_ids").fill_null(pl.lit([], dtype=pl.List(pl.String)))
    return Voices(TABLES["judgments"].conform(named.with_columns(no_cases)), voices.set_aside)


def votes(cast: pl.DataFrame, impressions: pl.DataFrame, card_values: pl.DataFrame) -> Voices:
    """Table `votes` of the app's `vote` and `impression` rows."""
    parts = [
        _vote_voices(name, rows, card_values, is_vote)
        for name, rows, is_vote in (("vote", cast, True), ("impression", impressions, False))
    ]
    kept = TABLES["votes"].conform(pl.concat(part.kept for part in parts))
    return Voices(kept, pl.concat(part.set_aside for part in parts))


def cards_without_value(cards: pl.DataFrame, card_values: pl.DataFrame) -> pl.DataFrame:
    """The participants' cards that became no value, as rows of `quarantine`.

    `unassigned`: the app gave them no canonical card; `unknown_value`: one that is not there.
    """
    theirs = card_values.filter(pl.col("card_kind") == "card").select(id="card_id")
    without = cards.join(theirs, on="id", how="anti")
    rules = (
        Rule("unassigned", "canonicalCardId", pl.col("canonicalCardId").is_null()),
        Rule("unknown_value", "canonicalCardId", pl.col("canonicalCardId").is_not_null()),
    )
    return _sort_out("valuesCard", without, rules).set_aside


def articulations(cards: pl.DataFrame, chats: pl.DataFrame, card_values: pl.DataFrame) -> pl.DataFrame:
    """Table `articulations`: a card's participant and case are its chat's; a copied chat never counts."""
    own = chats.filter(pl.col("copiedFromId").is_null()).select(
        "participant_id", chatId="id", case_id="caseId"
    )
    theirs = card_values.filter(pl.col("card_kind") == "card").select("value_id", id="card_id")
    table = TABLES["articulations"]
    return table.conform(cards.join(own, on="chatId").join(theirs, on="id").unique(table.key))


def _vote_voices(name: str, rows: pl.DataFrame, card_values: pl.DataFrame, is_vote: bool) -> Voices:
    moved = _on_values(rows, card_values, "valuesCardId")
    rules = (
        Rule("unknown_value", "valuesCardId", pl.col("valuesCardId_value").is_null()),
        _superseded("valuesCardId", ("participant_id", "valuesCardId_value", "caseId"), ("id",)),
    )
    voices = _sort_out(name, moved, rules)
    kept = voices.kept.select(
        "participant_id",
        value_id="valuesCardId_value",
        case_id="caseId",
        is_vote=pl.lit(is_vote),
        created_at="createdAt",
    )
    return Voices(kept, voices.set_aside)


def _on_values(rows: pl.DataFrame, card_values: pl.DataFrame, column: str) -> pl.DataFrame:
    """Adds `<column>_value`, the value that the canonical card in `column` became; null for none."""
    canonical = card_values.filter(pl.col("card_kind") == "canonical").select(
        pl.col("card_id").alias(column), pl.col("value_id").alias(f"{column}_value")
    )
    return rows.join(canonical, on=column, how="left")


def _superseded(column: str, voice: Sequence[str], original_key: Sequence[str]) -> Rule:
    order = pl.struct(*LATEST, *original_key)
    return Rule("superseded", column, order.rank("ordinal", descending=True).over(voice) > 1)


def _sort_out(name: str, rows: pl.DataFrame, rules: Sequence[Rule]) -> Voices:
    """Asks each rule, in order, of the rows that the ones before it left."""
    aside = []
    for rule in rules:
        marked = rows.with_columns(broken=rule.breaks.fill_null(False))
        aside.append(_quarantined(name, marked.filter("broken"), rule))
        rows = marked.filter(~pl.col("broken")).drop("broken")
    return Voices(rows, pl.concat(aside))


def _quarantined(name: str, rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    key = ["participant_id" if column == "userId" else column for column in SOURCE_TABLES[name].key]
    value = pl.col(rule.column).cast(pl.String).str.slice(0, VALUE_LENGTH)
    table = TABLES["quarantine"]
    return rows.select(
        table=pl.lit(name),
        key=pl.struct(key).struct.json_encode(),
        column=pl.lit(rule.column),
        rule=pl.lit(rule.name),
        value=value,
        source=pl.lit(f"raw/{name}"),
    ).select(table.columns.keys())
