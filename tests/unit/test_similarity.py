"""The similarity of two cards: a blend that depends on nothing but the two."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from dft_pipeline.policies import OFFLINE_WORDLLAMA, Deduplication
from dft_pipeline.values.similarity import card_vectors, word_vectors

TEXTS = pl.DataFrame(
    {
        "title": ["Calm", "Calm", "Truth"],
        "instructions_short": ["Be calm.", "Slow down.", "Say it."],
        "instructions_detailed": ["Be calm, then speak.", "Slow down.", "Say what is true."],
        "criteria": [["MOMENTS of calm"], ["MOMENTS of rest"], ["FACTS that matter"]],
    }
)


def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Of any length, as models give them."""
    return np.array([[len(text), text.count("M"), 1] for text in texts], np.float32)


def _cosines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1)
    cosines: NDArray[np.float32] = vectors @ vectors.T / np.outer(lengths, lengths)
    return cosines


def _settings(**changes: object) -> Deduplication:
    return OFFLINE_WORDLLAMA.model_copy(update=changes)


def test_it_is_the_weighted_mean_of_both_cosines() -> None:
    settings = _settings(word_weight=0.3, embedded=("criteria",), worded=("title", "criteria"))
    meaning = _cosines(_embed([one[0] for one in TEXTS["criteria"]]))
    words = _cosines(
        word_vectors(["Calm\nMOMENTS of calm", "Calm\nMOMENTS of rest", "Truth\nFACTS that matter"])
    )
    found = _cosines(card_vectors(TEXTS, _embed, settings))
    assert found == pytest.approx(0.7 * meaning + 0.3 * words, abs=1e-6)


def test_it_does_not_depend_on_the_other_cards() -> None:
    together = card_vectors(TEXTS, _embed, OFFLINE_WORDLLAMA)
    assert (card_vectors(TEXTS[:2], _embed, OFFLINE_WORDLLAMA) == together[:2]).all()


def test_words_count_by_the_logarithm_and_stop_words_not_at_all() -> None:
    thrice, once = word_vectors(["calm calm calm moments of the", "MOMENTS"])
    cosine = np.log1p(1) / np.hypot(np.log1p(3), np.log1p(1))
    assert thrice @ once == pytest.approx(cosine, abs=1e-6)


def test_without_words_the_embedding_alone_counts() -> None:
    found = card_vectors(TEXTS, _embed, _settings(word_weight=0, embedded=("title",)))
    assert found.shape == (3, 3)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)


def test_no_texts() -> None:
    assert len(card_vectors(TEXTS.clear(), _embed, OFFLINE_WORDLLAMA)) == 0


def test_a_judge_is_asked_about_all_that_agree() -> None:
    with pytest.raises(ValueError, match="are not asked about"):
        Deduplication(
            name="odd",
            embed_model="m",
            threshold=0.5,
            canonical_threshold=0.7,
            candidate_threshold=0.6,
            source="a test",
        )
