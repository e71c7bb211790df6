"""Deduplication against the app's own assignment of the real run's cards to canonical ones.

The app compared cards while people wrote them, with a language model; its canonical texts then took the
place of most cards' own, so that 625 cards hold 224 distinct texts and the same text alone finds much.
The hard part is the distinct texts.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
import wordllama
from numpy.typing import NDArray

from dft_pipeline.policies import OFFLINE_WORDLLAMA
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.reports.grouping_agreement import dedup_agreement, dedup_verdicts
from dft_pipeline.reports.groupings import Groupings, groupings
from dft_pipeline.values import canonical, one_voice
from dft_pipeline.values.calibration import from_assignment
from dft_pipeline.values.card_texts import all_cards, distinct_texts
from dft_pipeline.values.deduplication import offline, similar_texts
from dft_pipeline.values.evaluation import Agreement, agreement, best_threshold, by_grouping
from dft_pipeline.values.grouping import Grouped
from dft_pipeline.values.neighbours import Whole, neighbours, whole
from dft_pipeline.values.similarity import card_vectors
from resources.extraction import raw_schema

THRESHOLDS = [step / 100 for step in range(36, 61, 2)]
SPLITS = 20
WHO = ["card_kind", "card_id"]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]


class Cards(NamedTuple):
    """All cards, but for those that the app calls invalid; its assignment."""

    every: pl.DataFrame
    given: pl.DataFrame

    @property
    def of_participants(self) -> pl.DataFrame:
        return self.every.filter(card_kind="card")


class Texts(NamedTuple):
    """Distinct texts, their vectors, and whose canonical card each has."""

    texts: pl.DataFrame
    vectors: Whole
    labels: pl.DataFrame


@pytest.fixture(scope="module")
def embed() -> Embed:
    folder = Path(wordllama.__file__).parent
    model: Embed = wordllama.WordLlama.load(cache_dir=folder, disable_download=True).embed
    return model


@pytest.fixture(scope="module")
def run(real: Path) -> Cards:
    cards = _rows(real, "valuesCard").filter(pl.col("quality") != "invalid")
    every = all_cards(cards, _rows(real, "canonicalValuesCard"))
    return Cards(every, canonical.card_values(every))


def _rows(real: Path, name: str) -> pl.DataFrame:
    schema = raw_schema(SOURCE_TABLES[name].extracted)
    rows = json.loads((real / f"{name}.json").read_text())
    return pl.DataFrame([_typed(row, schema) for row in rows], schema=schema)


def _typed(row: dict[str, Any], schema: pl.Schema) -> dict[str, Any]:
    times = {name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)}
    return {name: datetime.fromisoformat(row[name]) if name in times else row[name] for name in schema}


@pytest.fixture(scope="module")
def found(run: Cards, embed: Embed) -> Grouped:
    return offline(run.every, embed, OFFLINE_WORDLLAMA)


@pytest.fixture(scope="module")
def distinct(run: Cards, embed: Embed) -> Texts:
    """Canonical cards are among the texts, for so they are in use, though only participants' are measured."""
    texts = distinct_texts(run.every)
    vectors = whole(card_vectors(texts, embed, OFFLINE_WORDLLAMA))
    theirs = _one_per_text(run).join(run.given, on=WHO).select("text_hash", "value_id")
    labels = texts.select(*WHO, "text_hash").join(theirs, on="text_hash")
    return Texts(texts, vectors, labels)


def _of_participants(card_values: pl.DataFrame) -> pl.DataFrame:
    return card_values.filter(card_kind="card")


def _one_per_text(run: Cards) -> pl.DataFrame:
    """The first participant's card with each text."""
    return distinct_texts(run.of_participants)


def _grouped(distinct: Texts, chosen: NDArray[np.bool_], threshold: float) -> pl.DataFrame:
    """Which texts are together where there are only the chosen ones."""
    texts = distinct.texts.filter(pl.Series(chosen))
    settings = OFFLINE_WORDLLAMA.model_copy(update={"threshold": threshold, "candidate_threshold": threshold})
    found, _ = similar_texts(texts, distinct.vectors[chosen], settings)
    return texts.select(*WHO, value_id=pl.Series(found.representative))


def test_every_card_has_one_value(run: Cards, found: Grouped) -> None:
    assert len(run.of_participants) == 625
    assert len(found.card_values) == 625 + 115
    assert found.canonical_values["card_count"].sum() == 625
    assert found.set_aside == {}


def test_over_all_cards(run: Cards, found: Grouped) -> None:
    score = agreement(found.card_values, _of_participants(run.given))
    assert score.cards == 625
    assert score.f1 == pytest.approx(0.892, abs=0.005), "at least 0.85 is wanted"
    assert score.adjusted_rand == pytest.approx(0.889, abs=0.005), "at least 0.85 is wanted"
    assert score.precision == pytest.approx(0.973, abs=0.005), "what is merged is mostly rightly so"


def test_more_than_the_same_text_finds(run: Cards) -> None:
    """The baseline: cards are one value where their criteria are the same."""
    same = run.every.select(*WHO, value_id=pl.col("text_hash").rank("dense"))
    score = agreement(same, _of_participants(run.given))
    assert (score.precision, score.recall, score.f1, score.adjusted_rand) == pytest.approx(
        (0.995, 0.623, 0.766, 0.761), abs=0.005
    )


def test_on_the_distinct_texts(run: Cards, found: Grouped) -> None:
    score = agreement(found.card_values.join(_one_per_text(run), on=WHO, how="semi"), run.given)
    assert score[:4] == pytest.approx((224, 0.828, 0.317, 0.459), abs=0.005)


def test_on_distinct_texts_that_the_threshold_was_not_chosen_on(distinct: Texts) -> None:
    """The median over splits of the canonical cards in two halves: one to choose on, one to measure on."""
    scores = [_held_out(distinct, seed) for seed in range(SPLITS)]
    f1 = [score.f1 or 0 for score in scores]
    assert np.median(f1) == pytest.approx(0.494, abs=0.02), "at least 0.40 is wanted"


def _held_out(distinct: Texts, seed: int) -> Agreement:
    """Canonical cards that nobody's card became are on neither side: there is nothing to measure on them."""
    labels = np.random.default_rng(seed).permutation(distinct.labels["value_id"].unique().sort().to_numpy())
    first, second = (_having(distinct, half) for half in np.array_split(labels, 2))
    chosen = best_threshold(by_grouping(partial(_grouped, distinct, first), distinct.labels, THRESHOLDS))
    return agreement(_grouped(distinct, second, chosen), distinct.labels)


def _having(distinct: Texts, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    theirs = distinct.labels.filter(pl.col("value_id").is_in(labels.tolist()))["text_hash"]
    having: NDArray[np.bool_] = distinct.texts["text_hash"].is_in(theirs.implode()).to_numpy()
    return having


def test_the_threshold_is_the_one_that_the_run_gives(run: Cards, distinct: Texts) -> None:
    everything = np.ones(len(distinct.texts), np.bool_)
    calibration = by_grouping(partial(_grouped, distinct, everything), distinct.labels, THRESHOLDS)
    assert best_threshold(calibration) == OFFLINE_WORDLLAMA.threshold


def test_no_two_canonical_cards_become_one(run: Cards, found: Grouped, distinct: Texts) -> None:
    """Votes name canonical cards: where two became one, votes would move to what the app held apart."""
    given = canonical.canonical_values(run.every, run.given)
    assert set(given["value_id"]) <= set(found.canonical_values["value_id"])
    apps = neighbours(distinct.vectors[(distinct.texts["card_kind"] == "canonical").to_numpy()], 0.4)
    assert apps.similarity.max() == pytest.approx(0.548, abs=0.005), "their threshold is well above"


def test_without_the_apps_canonical_cards(run: Cards, embed: Embed) -> None:
    """Cards alone, as where the app deduplicates nothing: more is merged that its judge held apart."""
    alone = offline(run.of_participants, embed, OFFLINE_WORDLLAMA)
    score = agreement(alone.card_values, run.given)
    assert (score.f1, score.adjusted_rand) == pytest.approx((0.84, 0.83), abs=0.02)


# The app deduplicated the cards three more times in the background, months later; the first time only some.
# Cards, pairs together in the grouping, in the reference and in both; over all cards, over distinct texts.
Counts = tuple[int, int, int, int]
WITHOUT_VECTORS: dict[tuple[str, str], tuple[Counts, Counts]] = {
    ("exact", "generation:1"): ((70, 33, 168, 22), (53, 0, 87, 0)),
    ("exact", "generation:2"): ((596, 3110, 3825, 3035), (197, 0, 74, 0)),
    ("exact", "generation:3"): ((596, 3110, 3929, 2955), (197, 0, 80, 0)),
    ("exact", "given"): ((625, 3119, 4984, 3104), (224, 0, 350, 0)),
    ("generation:1", "generation:2"): ((70, 168, 53, 37), (53, 87, 8, 6)),
    ("generation:1", "generation:3"): ((70, 168, 61, 40), (53, 87, 14, 8)),
    ("generation:1", "given"): ((70, 168, 100, 52), (53, 87, 42, 20)),
    ("generation:2", "generation:3"): ((596, 3825, 3929, 3664), (197, 74, 80, 68)),
    ("generation:2", "given"): ((596, 3825, 4965, 3507), (197, 74, 348, 55)),
    ("generation:3", "given"): ((596, 3929, 4965, 3411), (197, 80, 348, 53)),
}
# Precision, recall, f1, adjusted Rand.
Rates = tuple[float | None, float, float, float]
RATES: dict[tuple[str, str], tuple[Rates, Rates]] = {
    ("exact", "offline"): ((1.000, 0.740, 0.851, 0.848), (None, 0, 0, 0)),
    ("exact", "given"): ((0.995, 0.623, 0.766, 0.761), (None, 0, 0, 0)),
    ("offline", "generation:1"): ((0.519, 0.244, 0.332, 0.301), (0.391, 0.103, 0.164, 0.141)),
    ("offline", "generation:2"): ((0.854, 0.936, 0.893, 0.891), (0.477, 0.824, 0.604, 0.602)),
    ("offline", "generation:3"): ((0.831, 0.887, 0.858, 0.855), (0.461, 0.738, 0.567, 0.565)),
    ("offline", "given"): ((0.973, 0.823, 0.892, 0.889), (0.828, 0.317, 0.459, 0.454)),
    ("generation:1", "given"): ((0.310, 0.520, 0.388, 0.355), (0.230, 0.476, 0.310, 0.280)),
    ("generation:2", "given"): ((0.917, 0.706, 0.798, 0.793), (0.743, 0.158, 0.261, 0.256)),
    ("generation:3", "given"): ((0.868, 0.687, 0.767, 0.761), (0.663, 0.152, 0.248, 0.243)),
    ("generation:2", "generation:3"): ((0.958, 0.933, 0.945, 0.944), (0.919, 0.850, 0.883, 0.883)),
}
POPULATIONS = ("all_cards", "distinct_texts")
Row = dict[str, Any]


@pytest.fixture(scope="module")
def compared(real: Path, run: Cards, found: Grouped) -> Groupings:
    """The snapshot is the app's own assignment, as it is by default."""
    return groupings(run.every, run.given, found.card_values, _rows(real, "deduplication"))


@pytest.fixture(scope="module")
def agreements(run: Cards, compared: Groupings) -> dict[tuple[str, str, str], Row]:
    rows = dedup_agreement(run.every, compared).to_dicts()
    return {(row["population"], row["grouping"], row["reference"]): row for row in rows}


def test_every_two_groupings_of_the_run_are_compared(
    compared: Groupings, agreements: dict[tuple[str, str, str], Row]
) -> None:
    generations = [f"generation:{number}" for number in (1, 2, 3)]
    assert list(compared) == ["exact", "offline", "snapshot", *generations, "given"]
    assert len(agreements) == 2 * 7 * 6 / 2
    for population in POPULATIONS:
        assert agreements[population, "snapshot", "given"]["f1"] == 1


@pytest.mark.parametrize("names", WITHOUT_VECTORS, ids=" and ".join)
def test_pairs_of_the_apps_groupings(
    agreements: dict[tuple[str, str, str], Row], names: tuple[str, str]
) -> None:
    columns = ("cards", "pairs_in_grouping", "pairs_in_reference", "pairs_in_both")
    for population, expected in zip(POPULATIONS, WITHOUT_VECTORS[names], strict=True):
        row = agreements[population, *names]
        assert tuple(row[name] for name in columns) == expected, population


@pytest.mark.parametrize("names", RATES, ids=" and ".join)
def test_rates_of_the_runs_groupings(
    agreements: dict[tuple[str, str, str], Row], names: tuple[str, str]
) -> None:
    for population, expected in zip(POPULATIONS, RATES[names], strict=True):
        row = agreements[population, *names]
        rates = [row[name] for name in ("precision", "recall", "f1", "adjusted_rand")]
        for rate, known in zip(rates, expected, strict=True):
            assert rate == (known if known is None else pytest.approx(known, abs=0.005)), population


def test_the_app_agrees_with_itself_less_than_offline_does(
    agreements: dict[tuple[str, str, str], Row],
) -> None:
    """Its assignment is one language model's reading; the same cards read again come out further from it."""
    for population in POPULATIONS:
        ours = agreements[population, "offline", "given"]["f1"]
        for number in (1, 2, 3):
            assert agreements[population, f"generation:{number}", "given"]["f1"] < ours


def test_the_run_has_no_verdicts(real: Path, compared: Groupings) -> None:
    assert not (real / "deduplicationVerification.json").exists()
    schema = raw_schema(SOURCE_TABLES["deduplicationVerification"].extracted)
    none = schema.to_frame().rename({"userId": "participant_id"})
    assert dedup_verdicts(one_voice.verdicts(none).kept, compared).is_empty()


def test_calibrating_on_the_run_gives_the_thresholds_in_use(run: Cards, embed: Embed) -> None:
    found = from_assignment(run.every, embed, OFFLINE_WORDLLAMA, "the app's own assignment")
    assert found.chosen.threshold == OFFLINE_WORDLLAMA.threshold
    assert found.scores.filter(threshold=found.chosen.threshold)["f1"].item() == pytest.approx(
        0.459, abs=0.005
    )
    assert (found.pairs, found.same) == (224 * 223 // 2, 350)
    assert found.chosen.canonical_threshold == 0.55, "in use is 0.6: as low as may be, and some more"
    assert found.chosen.candidate_threshold == 0.33, (
        "in use is 0.4: as many pairs as a judge may be asked about"
    )
    assert found.nearly_best[0] < 0.4 < found.nearly_best[1], "the curve is flat there"
