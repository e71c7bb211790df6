"""What the tables of the stage values must be like."""

from collections.abc import Mapping, Sequence

import polars as pl

from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.raw.tables import FEWEST_CRITERIA, MOST_CRITERIA
from dft_pipeline.table_gates import examples
from dft_pipeline.values.card_texts import CARD, WRITTEN
from dft_pipeline.values.guidelines import CAPITALISED, ONE_PERSON

ROUNDED = 12  # digits of a difference of shares

ONE_VALUE = Gate(
    "cards_have_a_value",
    "card_values",
    "every card that the app stored has a value; cards that a model wrote have one where cards are compared",
    high=0,
    blocks=False,
    unit="cards",
)
CRITERIA = Gate(
    "criteria_2_to_10", "canonical_values", "a value has 2 to 10 criteria, none empty", high=0, unit="values"
)
PHRASES = Gate(
    "criteria_begin_capitalised",
    "canonical_values",
    "a criterion begins with a capitalised phrase",
    high=0,
    blocks=False,
    unit="criteria",
)
IMPERSONAL = Gate(
    "criteria_are_impersonal",
    "canonical_values",
    "no criterion has words that point at one person",
    high=0,
    blocks=False,
    unit="criteria",
)
LARGEST = Gate(
    "no_value_takes_all",
    "canonical_values",
    "no value holds more than half of the cards",
    high=0.5,
    blocks=False,
    unit="share",
)
SINGLETONS = Gate(
    "singletons_steady",
    "canonical_values",
    "the share of values with one card moved by no more than 0.1 since the last snapshot",
    high=0.1,
    blocks=False,
    unit="share",
)
TRUSTED = Gate(
    "answers_are_possible",
    "merge_decisions",
    "the judge answered each pair that it was asked about, once, and no other",
    high=0,
    blocks=False,
    unit="answers",
)
TOTALS = Gate(
    "totals_add_up",
    "quarantine",
    "rows read = rows used + rows set aside, table by table",
    high=0,
    unit="tables",
    mend=DEFECT,
)
READABLE = Gate(
    "transcripts_readable",
    "articulated_cards",
    "all of a chat's transcript can be read",
    high=0,
    blocks=False,
    unit="chats",
)

VALUE_GATES = (ONE_VALUE, CRITERIA, PHRASES, IMPERSONAL, LARGEST, SINGLETONS)


def measured_values(
    every: pl.DataFrame, card_values: pl.DataFrame, values: pl.DataFrame, before: pl.DataFrame | None
) -> list[Measured]:
    """What the gates see; `every` are the cards of `card_texts.all_cards`, `before` the last snapshot's
    values, if any."""
    count = pl.col("criteria").list.len()
    blank = pl.col("criteria").list.eval(pl.element().str.strip_chars() == "").list.any()
    odd = values.filter(~count.is_between(FEWEST_CRITERIA, MOST_CRITERIA) | blank)["value_id"]
    criteria = values.select("value_id", "criteria").explode("criteria")
    return [
        _without_value(every, card_values),
        Measured(CRITERIA, len(odd), examples(odd)),
        _said(PHRASES, criteria, ~pl.col("criteria").str.contains(CAPITALISED)),
        _said(IMPERSONAL, criteria, pl.col("criteria").str.contains(ONE_PERSON)),
        _largest(values),
        _singletons(values, before),
    ]


def measured_articulation(articulated: pl.DataFrame) -> Measured:
    """What the gate sees in the table `articulated_cards`."""
    broken = articulated.filter(pl.col("transcript_problem").is_not_null())
    kinds = broken["transcript_problem"].value_counts().sort("transcript_problem")
    seen = ", ".join(f"{kind} {count:,}" for kind, count in kinds.iter_rows())
    return Measured(READABLE, len(broken), examples(broken["chat_id"].sort()), seen)


def measured_answers(set_aside: Mapping[str, int]) -> Measured:
    """What the gate sees, of a judge's answers that are not believed, by reason."""
    seen = ", ".join(f"{reason} {count}" for reason, count in set_aside.items())
    return Measured(TRUSTED, sum(set_aside.values()), seen=seen)


def measured_totals(unaccounted: Sequence[str]) -> Measured:
    """What the gate sees, of tables whose rows are not all accounted for, in words."""
    return Measured(TOTALS, len(unaccounted), seen="; ".join(unaccounted))


def _without_value(every: pl.DataFrame, card_values: pl.DataFrame) -> Measured:
    without = every.join(card_values, on=("card_kind", "card_id"), how="anti").sort("card_id")
    stored, written = (without.filter(card_kind=kind)["card_id"] for kind in (CARD, WRITTEN))
    # Nobody assigns them: where only the app's assignment counts, nothing can be mended.
    more = f"and {len(written):,} that a model wrote, which the app does not assign" if len(written) else ""
    return Measured(ONE_VALUE, len(stored), examples(stored), more)


def _said(gate: Gate, criteria: pl.DataFrame, offends: pl.Expr) -> Measured:
    found = criteria.filter(offends)["value_id"]
    return Measured(gate, len(found), examples(f"value {value}" for value in found.unique().sort()))


def _largest(values: pl.DataFrame) -> Measured:
    cards = values["card_count"].sum()
    if not cards:
        return Measured(LARGEST, None)
    largest = values.sort("card_count", "value_id", descending=[True, False]).row(0, named=True)
    return Measured(LARGEST, largest["card_count"] / cards, (f"value {largest['value_id']}",))


def _singletons(values: pl.DataFrame, before: pl.DataFrame | None) -> Measured:
    if before is None or values.is_empty() or before.is_empty():
        return Measured(SINGLETONS, None)
    now, then = (float((frame["card_count"] == 1).sum() / len(frame)) for frame in (values, before))
    moved = round(abs(now - then), ROUNDED)  # 0.4 - 0.3 is a little more than 0.1
    return Measured(SINGLETONS, moved, seen=f"{then:.3f} before, {now:.3f} now")
