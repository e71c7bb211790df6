"""Thresholds from pairs of cards that are known to be the same value or not, for any embedding model.

What belongs here: which thresholds are tried, and which are chosen. How groups and thresholds are scored
stands in `evaluation`. Thresholds are hundredths.
"""

import json
import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.policies import Deduplication
from dft_pipeline.values import canonical
from dft_pipeline.values.card_texts import CANONICAL, CARD, distinct_texts
from dft_pipeline.values.deduplication import similar_texts
from dft_pipeline.values.evaluation import WHO, best_threshold, by_grouping, by_threshold
from dft_pipeline.values.neighbours import SCALE, Whole, cosines, whole
from dft_pipeline.values.similarity import Embed, card_vectors

ASKED_SHARE = 0.9  # of the pairs that are the same, wanted among those that a judge is asked about
ASKED_PER_TEXT = 5  # most pairs that a judge is asked about, per distinct text
GRACE = 10  # groups are not tried where more pairs agree than so many times those that are the same
NEARLY = 0.01  # an F1 that is lower by no more says little
ROWS = 256  # of a block of products

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_LOWEST, _HIGHEST = -100, 100  # hundredths of a cosine
_NO_PAIR = _LOWEST - 1
_NONE = np.empty((0, 2), np.int64)
_HUNDREDTH = SCALE**2 // 100  # of a similarity, in products of whole numbers


class Uncalibrated(ValueError):
    """Nothing says which cards are the same value; the message says what is missing."""


class Calibration(NamedTuple):
    """`scores`: threshold, precision, recall, f1; the pairs behind them, and how many are the same."""

    scores: pl.DataFrame
    chosen: Deduplication
    pairs: int
    same: int

    @property
    def nearly_best(self) -> tuple[float, float]:
        """The lowest and the highest threshold whose F1 is within NEARLY of the best."""
        near = self.scores.filter(pl.col("f1") >= pl.col("f1").max() - NEARLY)["threshold"]
        return near[0], near[-1]


class _Cards(NamedTuple):
    """The distinct texts of all cards with a vector each, and the settings that these were made with."""

    texts: pl.DataFrame
    vectors: Whole
    settings: Deduplication

    def rows(self, hashes: pl.Series) -> Integers:
        """Where the texts of these hashes stand."""
        return np.searchsorted(self.texts["text_hash"].to_numpy(), hashes.to_numpy())


def from_labels(
    every: pl.DataFrame, labels: pl.DataFrame, embed: Embed, settings: Deduplication, where: str
) -> Calibration:
    """Thresholds by labelled pairs (`labels.SCHEMA`) of the cards of `card_texts.all_cards`.

    Tried is every hundredth from the lowest to the highest similarity of two cards that are the same: below,
    nothing more is found; above, nothing at all. `where` says, for the settings' `source`, what the labels
    are. Raises Uncalibrated where none, or all, of the pairs are the same.
    """
    cards = _cards(every, embed, settings)
    first, other = cards.rows(labels["text_hash"]), cards.rows(labels["other_text_hash"])
    similarity, is_same = cosines(cards.vectors, first, other), labels["is_same"].to_numpy()
    _refuse_one_kind(len(labels), int(is_same.sum()))
    scores = by_threshold(similarity, is_same, _between(similarity[is_same].min(), similarity[is_same].max()))
    apart = _apart(cards, np.column_stack([first, other])[is_same])
    return _calibration(cards, scores, similarity[is_same], len(labels), apart, where)


def from_assignment(every: pl.DataFrame, embed: Embed, settings: Deduplication, where: str) -> Calibration:
    """The same by the app's own assignment of participants' cards to canonical ones, on distinct texts.

    Scored are the groups that come of a threshold, over the first participant's card with each text. Tried
    is every hundredth from the lowest similarity of two that are the same up to 1, since two may both be
    similar to a canonical card; but none at which GRACE times as many pairs agree as are the same.
    Raises Uncalibrated where the app has assigned nothing, or nothing that shows a difference.
    """
    cards = _cards(every, embed, settings)
    given = canonical.card_values(every)
    ours = distinct_texts(every.filter(card_kind=CARD)).select(*WHO, "text_hash")
    ours = ours.join(given, on=WHO).select(*WHO, "text_hash", "value_id").sort(WHO)
    if ours.is_empty():
        raise Uncalibrated(
            "the app has assigned no card to a canonical one, so nothing says which cards are the same; "
            "label pairs of cards and give them with --labels FILE"
        )
    similarity = _of_same_value(cards, ours)
    pairs = len(ours) * (len(ours) - 1) // 2
    _refuse_one_kind(pairs, len(similarity))
    apart = _apart(cards)
    grouping = partial(_grouped, cards, ours, apart)
    scores = by_grouping(grouping, given, _worth_grouping(cards, ours, similarity))
    return _calibration(cards, scores, similarity, pairs, apart, where)


def settings_file(chosen: Deduplication) -> str:
    """The settings as TOML, a line each with what it means, as DFT_DEDUPLICATION takes it."""
    lines = ["# When two cards are the same value. Thresholds belong to this embedding model alone."]
    for name, value in chosen.model_dump(mode="json").items():
        meaning = type(chosen).model_fields[name].description
        lines += [f"# {meaning}"] if meaning else []
        # A text is the same in JSON and TOML, but for one control character.
        lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f"))
    return "\n".join(lines) + "\n"


def _cards(every: pl.DataFrame, embed: Embed, settings: Deduplication) -> _Cards:
    texts = distinct_texts(every)
    return _Cards(texts, whole(card_vectors(texts, embed, settings)), settings)


def _refuse_one_kind(pairs: int, same: int) -> None:
    if not 0 < same < pairs:
        raise Uncalibrated(
            f"{same:,} of {pairs:,} pairs of cards with different texts are the same value; a threshold is "
            "found between some that are the same and some that are not. Label further pairs: --labels FILE"
        )


def _of_same_value(cards: _Cards, ours: pl.DataFrame) -> Floats:
    """The similarity of each two texts that the app has put into one value."""
    rows = ours.select("value_id", row=pl.Series(cards.rows(ours["text_hash"])))
    both = rows.join(rows, on="value_id", suffix="_other").filter(pl.col("row") < pl.col("row_other"))
    both = both.sort("row", "row_other")
    return cosines(cards.vectors, both["row"].to_numpy(), both["row_other"].to_numpy())


def _worth_grouping(cards: _Cards, ours: pl.DataFrame, same: Floats) -> list[float]:
    """The thresholds that are tried; the highest of all where at each too many agree."""
    agreeing = _agreeing(cards.vectors[cards.rows(ours["text_hash"])])
    tried = _between(same.min(), 1)
    return [one for one in tried if agreeing[_hundredth(one) - _LOWEST] <= GRACE * len(same)] or tried[-1:]


def _grouped(cards: _Cards, ours: pl.DataFrame, apart: float, threshold: float) -> pl.DataFrame:
    """What each of our texts becomes at a threshold; canonical cards are among the cards, as in use."""
    settings = _with(cards.settings, threshold, apart, threshold)
    found, _ = similar_texts(cards.texts, cards.vectors, settings)
    groups = cards.texts.select("text_hash", value_id=pl.Series(found.representative))
    return ours.select(*WHO, "text_hash").join(groups, on="text_hash")


def _calibration(
    cards: _Cards, scores: pl.DataFrame, same: Floats, pairs: int, apart: float, where: str
) -> Calibration:
    threshold = best_threshold(scores)
    chosen = _with(cards.settings, threshold, apart, _asked(cards, same, threshold))
    f1 = scores.filter(pl.col("threshold") == threshold)["f1"].item()
    source = f"{where}: {pairs:,} pairs of texts, {len(same):,} of them the same, best F1 {f1:.3f}"
    return Calibration(scores, chosen.model_copy(update={"source": source}), pairs, len(same))


def _with(settings: Deduplication, threshold: float, apart: float, asked: float) -> Deduplication:
    return settings.model_copy(
        update={
            "threshold": threshold,
            "canonical_threshold": max(threshold, apart),
            "candidate_threshold": asked,
        }
    )


def _apart(cards: _Cards, same: Integers = _NONE) -> float:
    """The lowest threshold that no two canonical cards reach, 1 where two are as similar as can be.

    The app holds them apart. Two that are labelled as the same (rows of `same`) are not asked: that they are
    similar is no sign that a threshold is too low, and they become one if they reach it all the same.
    """
    theirs = np.flatnonzero((cards.texts["card_kind"] == CANONICAL).to_numpy())
    same = np.sort(same[np.isin(same, theirs).all(axis=1)], axis=1)
    same = np.searchsorted(theirs, same)
    most = _NO_PAIR
    for top, hundredths in _blocks(cards.vectors[theirs]):
        here = same[(same[:, 0] >= top) & (same[:, 0] < top + len(hundredths))] - top
        hundredths[here[:, 0], here[:, 1]] = _NO_PAIR
        most = max(most, int(hundredths.max()))
    return min(most + 1, _HIGHEST) / 100


def _asked(cards: _Cards, same: Floats, threshold: float) -> float:
    """The lowest similarity of pairs that a judge is asked about, at most the threshold.

    So low that ASKED_SHARE of the pairs that are the same are among them, but no lower than where they are
    ASKED_PER_TEXT times as many as the texts.
    """
    wanted = _hundredth(np.sort(same)[len(same) - math.ceil(ASKED_SHARE * len(same))])
    is_few = _agreeing(cards.vectors) <= ASKED_PER_TEXT * len(cards.texts)
    fewest = int(is_few.argmax()) + _LOWEST if is_few.any() else _HIGHEST
    return min(_hundredth(threshold), max(wanted, fewest)) / 100


def _between(lowest: float, highest: float) -> list[float]:
    """The thresholds, hundredths, that the one similarity or the other, or one between them, reaches last."""
    return [step / 100 for step in range(_hundredth(lowest), _hundredth(highest) + 1)]


def _hundredth(similarity: float) -> int:
    """The highest threshold that a similarity reaches, in hundredths."""
    return round(float(similarity) * SCALE**2) // _HUNDREDTH


def _agreeing(vectors: Whole) -> Integers:
    """How many pairs of rows reach each threshold, from _LOWEST to _HIGHEST."""
    counts = np.zeros(_HIGHEST - _LOWEST + 1, np.int64)
    for _, hundredths in _blocks(vectors):
        reached = hundredths[hundredths >= _LOWEST] - _LOWEST
        counts += np.bincount(reached, minlength=len(counts))
    return counts[::-1].cumsum()[::-1]


def _blocks(vectors: Whole) -> Iterator[tuple[int, Integers]]:
    """The similarities of all pairs, first < second, in hundredths, some rows at a time.

    Given with the first of these rows, which is that of the first column too.
    """
    exact = vectors.astype(np.float64)
    for top in range(0, len(exact), ROWS):
        products = (exact[top : top + ROWS] @ exact[top:].T).clip(-(SCALE**2), SCALE**2)
        hundredths = products.astype(np.int64) // _HUNDREDTH
        yield top, np.where(np.triu(np.ones_like(hundredths, np.bool_), 1), hundredths, _NO_PAIR)
