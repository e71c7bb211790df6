"""How alike two cards are: one cosine that blends the meaning of their texts with the words they share.

A card's vector comes from the card alone, never from the others (no document frequencies, no centring):
what was decided about two cards stays decided when a third arrives.
"""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.policies import Deduplication
from dft_pipeline.values.card_texts import text

WORD_SLOTS = 768  # words are hashed to so many places; with two texts of 60 words, few collide

Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
_NOTHING = np.zeros((0, 0), np.float32)


def card_vectors(texts: pl.DataFrame, embed: Embed, settings: Deduplication) -> Floats:
    """A unit vector per row of `card_texts.distinct_texts`; zero where a card says nothing.

    The cosine of two is the weighted mean of the cosines of their embeddings and of their words.
    """
    embedded, worded = texts.select(a=text(settings.embedded), b=text(settings.worded))
    meaning = unit(np.asarray(embed(embedded.to_list()), np.float32)) if len(texts) else _NOTHING
    if settings.word_weight == 0:
        return meaning
    # The product of two concatenations is the sum of the products, so that roots of weights become weights.
    share = np.float32(settings.word_weight)
    return unit(np.hstack([meaning * np.sqrt(1 - share), word_vectors(worded.to_list()) * np.sqrt(share)]))


def word_vectors(texts: Sequence[str]) -> Floats:
    """Unit vectors of the texts' words, stop words left out; a word counts as the log of 1 + its number."""
    from sklearn.feature_extraction.text import HashingVectorizer  # takes a second to import

    if not texts:
        return np.zeros((0, WORD_SLOTS), np.float32)
    hashing = HashingVectorizer(n_features=WORD_SLOTS, stop_words="english", norm=None, dtype=np.float32)
    counts = hashing.transform(texts)
    counts.data = np.sign(counts.data) * np.log1p(np.abs(counts.data))
    return unit(counts.toarray())


def unit(vectors: Floats) -> Floats:
    """Rows scaled to length 1; rows of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled
