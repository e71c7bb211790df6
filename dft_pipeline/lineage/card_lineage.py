"""From a chat to its card to the value that it became, and what was decided on the way."""

import polars as pl

from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import CARD, WRITTEN
from dft_pipeline.values.grouping import EXACT
from dft_pipeline.values.judging import SAME

ONE, OTHER = ("card_kind", "card_id"), ("other_card_kind", "other_card_id")
KEY = (*ONE, *OTHER)


def card_lineage(
    card_values: pl.DataFrame,
    canonical_values: pl.DataFrame,
    merge_decisions: pl.DataFrame,
    articulated_cards: pl.DataFrame,
    cards: pl.DataFrame,
    chats: pl.DataFrame,
) -> pl.DataFrame:
    """Table `card_lineage` of the tables of these names; `cards` and `chats` are the app's that take part."""
    ends = canonical_values.select(
        "value_id", to_kind="representative_card_kind", to_id="representative_card_id"
    )
    members = card_values.join(ends, on="value_id")
    known = members.join(_origins(cards, chats, articulated_cards), on=ONE, how="left")
    led = known.join(_decisions(members, merge_decisions), on=ONE, how="left")
    return TABLES["card_lineage"].conform(led.with_columns(pl.col("decisions").fill_null([])))


def _origins(cards: pl.DataFrame, chats: pl.DataFrame, articulated: pl.DataFrame) -> pl.DataFrame:
    """ONE, chat_id, participant_id, case_id, criterion_turns of the cards that came from a chat."""
    own = chats.select("participant_id", chat_id="id", case_id="caseId")
    stored = cards.select(card_kind=pl.lit(CARD), card_id="id", chat_id="chatId")
    written = articulated.filter(status=WRITTEN).select(
        "chat_id",
        "participant_id",
        "case_id",
        "criterion_turns",
        card_kind=pl.lit(WRITTEN),
        card_id="written_card_id",
    )
    return pl.concat([stored.join(own, on="chat_id", how="left"), written], how="diagonal")


def _decisions(members: pl.DataFrame, merge_decisions: pl.DataFrame) -> pl.DataFrame:
    """ONE, decisions: the one with the representative, or by way of the first card with the same text."""
    said = merge_decisions.filter(verdict=SAME)
    key = pl.struct(KEY)
    turned = {**dict(zip(ONE, OTHER, strict=True)), **dict(zip(OTHER, ONE, strict=True))}
    forth = said.select(*KEY, "judge", key=key)
    both = pl.concat([forth, forth.rename(turned).select(forth.columns)])
    to = both.select(*ONE, to_kind="other_card_kind", to_id="other_card_id", last="key")
    direct = members.join(to, on=[*ONE, "to_kind", "to_id"]).select(*ONE, decisions=pl.concat_list("last"))
    copies = forth.filter(pl.col("judge") == EXACT)
    firsts = copies.select(
        first_kind="card_kind",
        first_id="card_id",
        card_kind="other_card_kind",
        card_id="other_card_id",
        way="key",
    )
    led = members.join(firsts, on=ONE).join(
        to, left_on=["first_kind", "first_id", "to_kind", "to_id"], right_on=[*ONE, "to_kind", "to_id"]
    )
    by_way = led.select(*ONE, decisions=pl.concat_list("way", "last"))
    return pl.concat([direct, by_way]).unique(ONE, keep="first", maintain_order=True)
