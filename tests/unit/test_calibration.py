"""Thresholds from labelled pairs, against counting the pairs one by one.

A card's only criterion is an angle in degrees, and so is its vector.
"""

import tomllib
from collections.abc import Sequence
from itertools import combinations
from math import cos, radians

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dft_pipeline.policies import Deduplication
from dft_pipeline.values import calibration, canonical
from dft_pipeline.values.calibration import (
    Calibration,
    Uncalibrated,
    from_assignment,
    from_labels,
)
from dft_pipeline.values.card_texts import all_cards, distinct_texts
from dft_pipeline.values.deduplication import offline
from dft_pipeline.values.evaluation import WHO, agreement
from dft_pipeline.values.labels import SCHEMA
from tests.unit.small_world import CARD, ROWS, Row, world

some = settings(max_examples=10)
EVERY_HUNDREDTH = [step / 100 for step in range(-100, 101)]
START = Deduplication(
    name="ours",
    embed_model="angle",
    word_weight=0,
    threshold=0,
    canonical_threshold=0,
    candidate_threshold=0,
    source="nowhere yet",
)
angles = st.lists(st.integers(0, 180), min_size=2, max_size=7, unique=True)
Labelled = dict[tuple[int, int], bool]  # by the two angles


def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    turned = np.radians([float(text) for text in texts])
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def _similarity(pair: tuple[int, int]) -> float:
    return round(cos(radians(pair[0] - pair[1])), 6)


def _every(
    cards: Sequence[int], apps: Sequence[int] = (), given: Sequence[int | None] | None = None
) -> pl.DataFrame:
    """Cards and canonical cards of these angles, from 100 and 500 on; `given`: whose canonical card."""
    rows: list[Row] = [
        {
            **ROWS["valuesCard"][0],
            "id": 100 + number,
            "evaluationCriteria": [str(angle)],
            "canonicalCardId": None if given is None or given[number] is None else 500 + given[number],
        }
        for number, angle in enumerate(cards)
    ]
    theirs = [
        {**CARD, "id": 500 + number, "evaluationCriteria": [str(angle)]} for number, angle in enumerate(apps)
    ]
    frames = {"valuesCard": rows, "canonicalValuesCard": theirs}
    return all_cards(*(pl.DataFrame(rows, schema=world()[name].schema) for name, rows in frames.items()))


def _labels(every: pl.DataFrame, labelled: Labelled) -> pl.DataFrame:
    hashes = dict(every.select(pl.col("criteria").list.first(), "text_hash").iter_rows())
    rows = [
        (number, hashes[str(a)], hashes[str(b)], same)
        for number, ((a, b), same) in enumerate(labelled.items())
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def _from_labels(every: pl.DataFrame, labelled: Labelled) -> Calibration:
    return from_labels(every, _labels(every, labelled), _embed, START, "ours")


@st.composite
def labelled_angles(draw: st.DrawFn) -> tuple[list[int], Labelled]:
    of_cards = draw(angles.filter(lambda some: len(some) > 2))
    pairs = draw(st.lists(st.sampled_from(list(combinations(of_cards, 2))), min_size=2, unique=True))
    labelled = {pair: draw(st.booleans()) for pair in pairs}
    assume(0 < sum(labelled.values()) < len(labelled))
    return of_cards, labelled


def _counted(labelled: Labelled, threshold: float) -> tuple[float | None, float | None, float | None]:
    right = wrong = missed = 0
    for pair, same in labelled.items():
        found = _similarity(pair) >= threshold
        right, wrong, missed = (
            right + (found and same),
            wrong + (found and not same),
            missed + (same and not found),
        )
    return (
        right / (right + wrong) if right + wrong else None,
        right / (right + missed) if right + missed else None,
        2 * right / (2 * right + wrong + missed) if right + wrong + missed else None,
    )


@some
@given(labelled_angles())
def test_scores_are_those_of_counting_pairs(drawn: tuple[list[int], Labelled]) -> None:
    of_cards, labelled = drawn
    found = _from_labels(_every(of_cards), labelled)
    for threshold, *rates in found.scores.iter_rows():
        assert rates == pytest.approx(_counted(labelled, threshold))
    assert (found.pairs, found.same) == (len(labelled), sum(labelled.values()))


@some
@given(labelled_angles())
def test_no_threshold_at_all_has_a_better_f1(drawn: tuple[list[int], Labelled]) -> None:
    of_cards, labelled = drawn
    chosen = _from_labels(_every(of_cards), labelled).chosen.threshold
    best = max(_counted(labelled, threshold)[2] or 0 for threshold in EVERY_HUNDREDTH)
    assert _counted(labelled, chosen)[2] == pytest.approx(best)
    higher = [one for one in EVERY_HUNDREDTH if one > chosen]
    assert all((_counted(labelled, one)[2] or 0) < best - 1e-12 for one in higher), (
        "of equal ones the highest"
    )


@some
@given(labelled_angles(), angles)
def test_canonical_cards_are_held_apart(drawn: tuple[list[int], Labelled], apps: list[int]) -> None:
    of_cards, labelled = drawn
    every = _every(of_cards, apps)
    chosen = _from_labels(every, labelled).chosen
    same = {frozenset(pair) for pair, is_same in labelled.items() if is_same}
    apart = [_similarity(pair) for pair in combinations(apps, 2) if frozenset(pair) not in same]
    reached = [one for one in EVERY_HUNDREDTH if any(similarity >= one for similarity in apart)]
    lowest = min((one for one in EVERY_HUNDREDTH if one not in reached), default=1)
    assert chosen.canonical_threshold == max(chosen.threshold, lowest)


def test_two_canonical_cards_that_are_labelled_the_same_are_no_reason() -> None:
    every = _every([90, 180], [0, 30, 90])
    apart = _from_labels(every, {(90, 0): True, (180, 0): False}).chosen
    assert apart.canonical_threshold == 0.87, "30 degrees are 0.866"
    merged = _from_labels(every, {(90, 0): True, (0, 30): True, (180, 0): False}).chosen
    assert merged.canonical_threshold == 0.51, "60 degrees are 0.5"
    other_way = _from_labels(every, {(90, 0): True, (30, 0): True, (180, 0): False}).chosen
    assert other_way.canonical_threshold == 0.51


@some
@given(labelled_angles())
def test_a_judge_is_asked_about_nine_in_ten_but_not_about_all(drawn: tuple[list[int], Labelled]) -> None:
    of_cards, labelled = drawn
    chosen = _from_labels(_every(of_cards), labelled).chosen
    same = [_similarity(pair) for pair, is_same in labelled.items() if is_same]
    wanted = max(one for one in EVERY_HUNDREDTH if sum(found >= one for found in same) >= 0.9 * len(same))
    assert len(of_cards) <= 11, "so few cards have no more pairs than a judge may be asked about"
    assert chosen.candidate_threshold == min(wanted, chosen.threshold)


def test_one_in_ten_of_the_same_may_be_missing_from_what_a_judge_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibration, "ASKED_PER_TEXT", 100)
    same = {(0, angle): True for angle in range(10, 101, 10)}
    labelled = same | {(angle, angle + 88): False for angle in range(1, 10)}
    chosen = _from_labels(
        _every([0, *range(10, 101, 10), *range(1, 10), *(one for one in range(89, 98) if one != 90)]),
        labelled,
    ).chosen
    assert (chosen.threshold, chosen.candidate_threshold) == (0.17, 0.0), "80 degrees are 0.174, and 90 are 0"


def test_the_pairs_that_a_judge_is_asked_about_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    of_cards = [0, 1, 40, 80]
    labelled = {(0, 1): True, (40, 80): True, (1, 40): False, (0, 40): False}
    chosen = _from_labels(_every(of_cards), labelled).chosen
    assert (chosen.threshold, chosen.candidate_threshold) == (0.99, 0.76), "40 degrees are 0.766"
    monkeypatch.setattr(calibration, "ASKED_PER_TEXT", 0.5)
    chosen = _from_labels(_every(of_cards), labelled).chosen
    assert chosen.candidate_threshold == 0.77, "39 degrees are 0.777: two pairs, half as many as the texts"


def _assigned(of_cards: list[int], apps: list[int], given: list[int | None]) -> Calibration:
    return from_assignment(_every(of_cards, apps, given), _embed, START, "the app")


@settings(max_examples=5)  # an example goes the whole way, some times
@given(st.lists(st.integers(0, 40), min_size=3, max_size=7, unique=True), st.data())
def test_the_settings_in_force_give_the_f1_that_they_promise(
    of_cards: list[int], data: st.DataObject
) -> None:
    apps = data.draw(st.lists(st.integers(0, 40), min_size=2, max_size=3, unique=True))
    whose = st.lists(
        st.none() | st.integers(0, len(apps) - 1), min_size=len(of_cards), max_size=len(of_cards)
    )
    every = _every(of_cards, apps, data.draw(whose))
    try:
        found = from_assignment(every, _embed, START, "the app")
    except Uncalibrated:
        assume(False)
    ours = distinct_texts(every.filter(card_kind="card"))
    grouped = offline(every, _embed, found.chosen).card_values.join(ours, on=WHO, how="semi")
    # What is below the threshold may be asked about, but nothing below it agrees.
    score = agreement(grouped, canonical.card_values(every))
    best = found.scores.filter(threshold=found.chosen.threshold).row(0)
    assert (score.precision, score.recall, score.f1) == best[1:]
    assert (score.f1 or 0) == found.scores["f1"].max()


def test_the_apps_assignment_of_distinct_texts_is_the_label() -> None:
    found = _assigned([0, 10, 5, 5, 60, 70], [5, 65], [0, 0, 0, 0, 1, 1])
    assert (found.pairs, found.same) == (10, 4), (
        "of five texts; the card that says the same twice counts once"
    )
    assert found.chosen.threshold == 0.99, "all are within 5 degrees of their canonical card"
    assert found.scores["threshold"].to_list() == [0.98, 0.99, 1.0]
    assert found.scores["f1"].to_list() == [1, 1, 0]
    assert found.chosen.source == "the app: 10 pairs of texts, 4 of them the same, best F1 1.000"


def test_thresholds_at_which_nearly_everything_agrees_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    # 36, 24 and 12 degrees are 0.809, 0.914 and 0.978; one, two and three pairs are, two are the same.
    for grace, lowest in ((10, 0.8), (2, 0.92), (1, 0.98), (-1, 1.0)):
        monkeypatch.setattr(calibration, "GRACE", grace)
        found = _assigned([0, 36, 12, 24], [0, 24], [0, 0, 1, 1])
        assert (found.scores["threshold"][0], found.scores["threshold"][-1]) == (lowest, 1)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([None, None], "the app has assigned no card to a canonical one.*--labels FILE"),
        ([0, 1], "0 of 1 pairs"),
        ([0, 0], "1 of 1 pairs"),
    ],
)
def test_where_nothing_says_what_is_the_same_nothing_is_chosen(given: list[int | None], why: str) -> None:
    with pytest.raises(Uncalibrated, match=why):
        _assigned([0, 10], [0, 10], given)


def test_labels_of_one_kind_choose_nothing() -> None:
    with pytest.raises(Uncalibrated, match="0 of 0 pairs"):
        _from_labels(_every([0, 10]), {})
    with pytest.raises(Uncalibrated, match=r"1 of 1 pairs .* Label further pairs"):
        _from_labels(_every([0, 10]), {(0, 10): True})


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from([0.0, 1.0, -0.07, 0.35]))
def test_the_file_is_read_as_it_was_written(source: str, threshold: float) -> None:
    chosen = START.model_copy(
        update={"source": source, "canonical_threshold": max(threshold, 0), "candidate_threshold": threshold}
    )
    chosen = chosen.model_copy(update={"threshold": threshold})
    assert Deduplication.model_validate(tomllib.loads(calibration.settings_file(chosen))) == chosen


def test_what_says_little_is_near_the_best() -> None:
    scores = {"threshold": [0.1, 0.2, 0.3, 0.4], "f1": [0.5, 0.595, 0.6, None]}
    assert Calibration(pl.DataFrame(scores), START, 9, 3).nearly_best == (0.2, 0.3)
