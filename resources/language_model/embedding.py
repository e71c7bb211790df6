"""Texts to an embedding model: how they are batched, and how a reply is read."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat, ValidationError

from resources.language_model.budget import estimated_tokens
from resources.language_model.chat import Usage, no_reply
from resources.language_model.faults import Fault

TEXTS_A_CALL = 256
# OpenAI takes 300,000 tokens in a call; the estimate may be too low by as much as two thirds.
TOKENS_A_CALL = 100_000
FLOAT32 = np.dtype("<f4")


@dataclass(frozen=True)
class Batch:
    """Texts of one call, by their hashes."""

    texts: dict[str, str]

    @property
    def hash(self) -> str:
        return text_hash("".join(self.texts))

    @property
    def tokens(self) -> int:
        return estimated_tokens(self.texts.values())


class _Row(BaseModel):
    index: int
    embedding: list[FiniteFloat]


class EmbeddingReply(BaseModel):
    """As much of a reply as is read."""

    data: list[_Row]
    usage: Usage | None = None


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def batches(texts: dict[str, str]) -> Iterator[Batch]:
    """The texts in calls that a server takes."""
    batch: dict[str, str] = {}
    tokens = 0
    for hashed, text in texts.items():
        more = estimated_tokens([text])
        if batch and (len(batch) == TEXTS_A_CALL or tokens + more > TOKENS_A_CALL):
            yield Batch(batch)
            batch, tokens = {}, 0
        batch[hashed] = text
        tokens += more
    if batch:
        yield Batch(batch)


def embedding_reply(body: str, server: str) -> EmbeddingReply:
    """The reply in a body. Raises Fault where it is not one."""
    try:
        return EmbeddingReply.model_validate_json(body)
    except ValidationError:
        raise no_reply(server) from None


def vectors(batch: Batch, given: EmbeddingReply) -> dict[str, bytes]:
    """Each text's vector, by its hash. Raises Fault where the reply is not one vector a text."""
    rows = sorted(given.data, key=lambda row: row.index)
    if [row.index for row in rows] != list(range(len(batch.texts))):
        raise Fault("malformed", "the reply does not have one vector for each text", again=True)
    if len({len(row.embedding) for row in rows}) != 1 or not rows[0].embedding:
        raise Fault("malformed", "the reply's vectors differ in length", again=True)
    pairs = zip(batch.texts, rows, strict=True)
    return {hashed: np.array(row.embedding, dtype=FLOAT32).tobytes() for hashed, row in pairs}


def as_bytes(vectors: NDArray[np.float32]) -> list[bytes]:
    """A table's rows, as they are kept."""
    return [row.tobytes() for row in vectors.astype(FLOAT32)]


def stacked(rows: Sequence[bytes]) -> NDArray[np.float32]:
    """Vectors of equal length as a table."""
    return np.stack([np.frombuffer(row, dtype=FLOAT32) for row in rows]).astype(np.float32)
