"""What cards say as vectors: which texts have one, and how it is found again."""

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from dft_pipeline.policies import Deduplication
from dft_pipeline.tables import TABLES
from dft_pipeline.values.card_texts import text
from dft_pipeline.values.similarity import Embed, Floats


def texts_of(every: pl.DataFrame, settings: Deduplication) -> list[str]:
    """The distinct texts of `card_texts.all_cards` that are embedded, sorted."""
    return every.select(said=text(settings.embedded))["said"].unique().sort().to_list()


def card_embeddings(texts: Sequence[str], vectors: Floats, model: str) -> pl.DataFrame:
    """Table `card_embeddings` of texts and their vectors (n × dimension) by a model."""
    made = pl.DataFrame(
        {"text_hash": list(map(_hash, texts)), "embedding": vectors.tolist()},
        {"text_hash": pl.String, "embedding": pl.List(pl.Float32)},
    )
    return TABLES["card_embeddings"].conform(
        made.with_columns(model=pl.lit(model), dimension=pl.lit(vectors.shape[1]))
    )


def looked_up(table: pl.DataFrame) -> Embed:
    """The embedder of the texts in a table `card_embeddings`. It raises KeyError for any other text."""
    vectors = np.array(table["embedding"].to_list(), np.float32)
    rows = {hashed: row for row, hashed in enumerate(table["text_hash"])}

    def embed(texts: Sequence[str]) -> Floats:
        found: Floats = vectors[[rows[_hash(text)] for text in texts]]
        return found

    return embed


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
