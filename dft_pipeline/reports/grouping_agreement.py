"""How well groupings of cards agree with each other, and with what participants said of pairs of cards."""

from itertools import combinations

import polars as pl

from dft_pipeline.reports.groupings import Groupings
from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import distinct_texts
from dft_pipeline.values.evaluation import WHO, agreement, rates

PAIR = ("card_id", "other_card_id")


def dedup_agreement(every: pl.DataFrame, groupings: Groupings) -> pl.DataFrame:
    """Table `dedup_agreement` of the cards of `card_texts.all_cards`."""
    table = TABLES["dedup_agreement"]
    rows = [
        (population, grouping, reference, *_measured(found, truth))
        for (grouping, all_found), (reference, truth) in combinations(groupings.items(), 2)
        for population, found in _populations(every, all_found, truth).items()
    ]
    return table.conform(pl.DataFrame(rows, table.schema, orient="row"))


def dedup_verdicts(verdicts: pl.DataFrame, groupings: Groupings) -> pl.DataFrame:
    """Table `dedup_verdicts` of what `one_voice.verdicts` keeps; without any there is no row."""
    table = TABLES["dedup_verdicts"]
    said = majority(verdicts)
    rows = [(name, *_beside(said, grouping)) for name, grouping in groupings.items() if len(said)]
    return table.conform(pl.DataFrame(rows, table.schema, orient="row"))


def majority(verdicts: pl.DataFrame) -> pl.DataFrame:
    """What most people said of two cards: PAIR, verdict; `unsure` where two answers share the most."""
    same, different, unsure = (
        (pl.col("verdict") == answer).sum() for answer in ("same", "different", "unsure")
    )
    verdict = (
        pl.when(same > pl.max_horizontal(different, unsure))
        .then(pl.lit("same"))
        .when(different > pl.max_horizontal(same, unsure))
        .then(pl.lit("different"))
        .otherwise(pl.lit("unsure"))
    )
    return verdicts.group_by(PAIR).agg(verdict=verdict).sort(PAIR)


def _populations(every: pl.DataFrame, found: pl.DataFrame, truth: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The cards of `found` that count, by population: those that both have, and the first with each text."""
    both = found.join(truth, on=WHO, how="semi")
    firsts = distinct_texts(every.join(both, on=WHO, how="semi", maintain_order="left"))
    return {"all_cards": both, "distinct_texts": both.join(firsts, on=WHO, how="semi")}


def _measured(found: pl.DataFrame, truth: pl.DataFrame) -> tuple[float | None, ...]:
    """The table's figures, from `cards` on."""
    score = agreement(found, truth)
    counts = (score.cards, score.in_found, score.in_truth, score.in_both)
    return (*counts, score.precision, score.recall, score.f1, score.adjusted_rand)


def _beside(said: pl.DataFrame, grouping: pl.DataFrame) -> tuple[float | None, ...]:
    """The table's figures, from `pairs` on."""
    others = grouping.select(other_card_id="card_id", other_value_id="value_id")
    placed = said.join(grouping, on="card_id").join(others, on="other_card_id")
    found = placed.group_by("verdict", together=pl.col("value_id") == pl.col("other_value_id")).len()
    counts = {(verdict, together): count for verdict, together, count in found.iter_rows()}
    same, apart = counts.get(("same", True), 0), counts.get(("same", False), 0)
    different, right = counts.get(("different", True), 0), counts.get(("different", False), 0)
    unsure = len(placed) - same - apart - different - right
    told = (len(said), same, apart, different, right, unsure, len(said) - len(placed))
    return (*told, *rates(same, same + different, same + apart))
