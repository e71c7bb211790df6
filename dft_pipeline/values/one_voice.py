"""One voice: a participant has one judgment per ordered pair, one vote and one showing per value and case.

Likewise one verdict on whether two cards are the same.
The latest by `updatedAt` counts; ties go to the later `createdAt`, then to the higher original key.
Whatever does not count is set aside with its rule. Rows come with the app's column names, the
participant already under a pseudonym.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import CARD, WRITTEN
from dft_pipeline.values.participants import EXCLUSIONS
from dft_pipeline.values.setting_aside import Rule, Sorted, quarantined, sort_out, without

LATEST = ("updatedAt", "createdAt")


class AllVoices(NamedTuple):
    """The tables `judgments`, `votes` and `articulations`; `verdicts`; what was set aside (`quarantine`)."""

    judgments: pl.DataFrame
    votes: pl.DataFrame
    articulations: pl.DataFrame
    verdicts: pl.DataFrame
    set_aside: pl.DataFrame


def voices(
    raw: Mapping[str, pl.DataFrame],
    card_values: pl.DataFrame,
    links: pl.DataFrame,
    written: pl.DataFrame | None = None,
) -> AllVoices:
    """What counts of everybody. `raw`: the app's tables by name; `links` has context_id and case_id;
    `written`: the cards of `writing.written_cards`, if any."""
    judged = judgments(raw["edge"], card_values, links)
    voted = votes(raw["vote"], raw["impression"], card_values)
    compared = verdicts(raw["deduplicationVerification"])
    cards = cards_without_value(raw["valuesCard"], card_values)
    return AllVoices(
        judged.kept,
        voted.kept,
        articulations(raw["valuesCard"], raw["chat"], card_values, written),
        compared.kept,
        pl.concat([judged.set_aside, voted.set_aside, compared.set_aside, cards]),
    )


def judgments(edges: pl.DataFrame, card_values: pl.DataFrame, links: pl.DataFrame) -> Sorted:
    """Table `judgments` of the app's `edge` rows, moved to the values that their cards became."""
    moved = _on_values(_on_values(edges, card_values, "fromId"), card_values, "toId")
    rules = (
        Rule("merged_away", "toId", pl.col("fromId_value") == pl.col("toId_value")),
        _superseded("toId", ("participant_id", "fromId_value", "toId_value"), ("fromId", "toId")),
    )
    voices = sort_out("edge", moved, rules)
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
    return Sorted(TABLES["judgments"].conform(named.with_columns(no_cases)), voices.set_aside)


def judgments_without_rule(
    edges: pl.DataFrame, set_aside: pl.DataFrame, card_values: pl.DataFrame, links: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The table `judgments` as it would be without each rule that leaves participants' input out, by rule.

    `edges` are all rows of the app's `edge`; only rules that left any of them out are asked about.
    """
    gone = set_aside.filter(pl.col("table") == "edge")
    rules = gone.filter(pl.col("rule").is_in(EXCLUSIONS))["rule"].unique().sort()
    return {
        rule: judgments(without("edge", edges, gone.filter(pl.col("rule") != rule)), card_values, links).kept
        for rule in rules
    }


def votes(cast: pl.DataFrame, impressions: pl.DataFrame, card_values: pl.DataFrame) -> Sorted:
    """Table `votes` of the app's `vote` and `impression` rows."""
    parts = [
        _vote_voices(name, rows, card_values, is_vote)
        for name, rows, is_vote in (("vote", cast, True), ("impression", impressions, False))
    ]
    kept = TABLES["votes"].conform(pl.concat(part.kept for part in parts))
    return Sorted(kept, pl.concat(part.set_aside for part in parts))


def verdicts(verifications: pl.DataFrame) -> Sorted:
    """What counts of the app's `deduplicationVerification` rows, whichever card was named first.

    Columns: participant_id, card_id < other_card_id (both are participants' cards), verdict.
    """
    one, other = "valuesCardId", "otherValuesCardId"
    in_order = verifications.with_columns(
        card_id=pl.min_horizontal(one, other), other_card_id=pl.max_horizontal(one, other)
    )
    rules = (
        Rule("same_card_twice", other, pl.col(one) == pl.col(other)),
        _superseded(other, ("participant_id", "card_id", "other_card_id"), ("id",)),
    )
    voices = sort_out("deduplicationVerification", in_order, rules)
    kept = voices.kept.select("participant_id", "card_id", "other_card_id", "verdict")
    return Sorted(kept.sort("card_id", "other_card_id", "participant_id"), voices.set_aside)


def cards_without_value(cards: pl.DataFrame, card_values: pl.DataFrame) -> pl.DataFrame:
    """The participants' cards that became no value (`unassigned`), as rows of `quarantine`."""
    theirs = card_values.filter(card_kind=CARD).select(id="card_id")
    without = cards.join(theirs, on="id", how="anti")
    return quarantined("valuesCard", without, "canonicalCardId", "unassigned")


def articulations(
    cards: pl.DataFrame, chats: pl.DataFrame, card_values: pl.DataFrame, written: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Table `articulations`: a card's participant and case are its chat's."""
    own = chats.select("participant_id", chatId="id", case_id="caseId")
    kinds = [(CARD, cards.join(own, on="chatId").rename({"id": "card_id"}))]
    if written is not None:
        kinds.append((WRITTEN, written))
    columns = ("participant_id", "case_id", "card_id")
    theirs = pl.concat([frame.select(*columns, card_kind=pl.lit(kind)) for kind, frame in kinds])
    table = TABLES["articulations"]
    return table.conform(theirs.join(card_values, on=("card_kind", "card_id")).unique(table.key))


def _vote_voices(name: str, rows: pl.DataFrame, card_values: pl.DataFrame, is_vote: bool) -> Sorted:
    moved = _on_values(rows, card_values, "valuesCardId")
    once = _superseded("valuesCardId", ("participant_id", "valuesCardId_value", "caseId"), ("id",))
    voices = sort_out(name, moved, (once,))
    kept = voices.kept.select(
        "participant_id",
        value_id="valuesCardId_value",
        case_id="caseId",
        is_vote=pl.lit(is_vote),
        created_at="createdAt",
    )
    return Sorted(kept, voices.set_aside)


def _on_values(rows: pl.DataFrame, card_values: pl.DataFrame, column: str) -> pl.DataFrame:
    """Adds `<column>_value`, the value that the canonical card in `column` became; null for none."""
    canonical = card_values.filter(pl.col("card_kind") == "canonical").select(
        pl.col("card_id").alias(column), pl.col("value_id").alias(f"{column}_value")
    )
    return rows.join(canonical, on=column, how="left")


def _superseded(column: str, voice: Sequence[str], original_key: Sequence[str]) -> Rule:
    order = pl.struct(*LATEST, *original_key)
    return Rule("superseded", column, order.rank("ordinal", descending=True).over(voice) > 1)
