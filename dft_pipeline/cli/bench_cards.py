"""The benchmark of cards: transcripts read, near cards found and grouped, each beside its floor."""

import json
from collections.abc import Iterator

import numpy as np
import polars as pl

from dft_pipeline.cli.timing import Timing, best, timed
from dft_pipeline.policies import OFFLINE_WORDLLAMA
from dft_pipeline.simulate import simulate
from dft_pipeline.values.articulation import articulated_cards
from dft_pipeline.values.deduplication import similar_texts
from dft_pipeline.values.neighbours import COLUMNS, ROWS, Whole, neighbours, whole
from dft_pipeline.values.similarity import Floats, unit

DIMENSIONS = {"embeddings": 256, "embeddings and words": 1024}  # of wordllama; of the offline similarity
CARDS_PER_VALUE = 4
APART = 0.7  # how far cards of a value lie from its centre
PEOPLE = 500  # whose chats are read


def bench_cards(cards: int, seed: int = 0, repeats: int = 3) -> Iterator[Timing]:
    """Times the search and the grouping of so many distinct cards, and the reading of some hundred chats."""
    yield _articulation(seed, repeats)
    rng = np.random.Generator(np.random.PCG64(seed))
    for of, dimensions in DIMENSIONS.items():
        vectors = _vectors(rng, cards, dimensions)
        multiplying = best(lambda vectors=vectors: _products(vectors), repeats)  # type: ignore[misc]
        search = best(lambda vectors=vectors: neighbours(vectors, OFFLINE_WORDLLAMA.threshold), repeats)  # type: ignore[misc]
        yield Timing(f"near pairs of {cards:,} cards, {of}", search, "their products", multiplying)
    grouping = best(lambda: similar_texts(_texts(cards), vectors, OFFLINE_WORDLLAMA), repeats)
    yield Timing(f"groups of {cards:,} cards", grouping, "their products", multiplying)


def _articulation(seed: int, repeats: int) -> Timing:
    tables = simulate(PEOPLE, seed).tables
    rows = [
        {**chat, "transcript": json.dumps(chat["transcript"]), "participant_id": ""}
        for chat in tables["chat"]
    ]
    chats = pl.DataFrame(rows, infer_schema_length=None)
    cards = pl.DataFrame(tables["valuesCard"], infer_schema_length=None)
    read, seconds = timed(lambda: articulated_cards(chats, cards), repeats)
    parsing = best(lambda: [json.loads(text) for text in chats["transcript"]], repeats)
    return Timing(f"cards of {len(read):,} chats", seconds, "json.loads", parsing)


def _vectors(rng: np.random.Generator, cards: int, dimensions: int) -> Whole:
    centres = rng.standard_normal((max(cards // CARDS_PER_VALUE, 1), dimensions), np.float32)
    values = rng.integers(0, len(centres), cards)
    noise: Floats = rng.standard_normal((cards, dimensions), np.float32)
    return whole(unit(unit(centres)[values] + APART * unit(noise)))


def _products(vectors: Whole) -> None:
    """Each two rows multiplied, in the same blocks, and nothing looked at."""
    exact = vectors.astype(np.float32)
    for top in range(0, len(exact), ROWS):
        for left in range(top, len(exact), COLUMNS):
            exact[top : top + ROWS] @ exact[left : left + COLUMNS].T


def _texts(cards: int) -> pl.DataFrame:
    return pl.DataFrame({"card_kind": ["card"] * cards, "card_count": [1] * cards})
