"""Texts as vectors: what deduplication compares cards by. Offline, or from the model server."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from dft_pipeline.values.similarity import unit
from resources.language_model import LanguageModel, language_model
from resources.language_model.embedding import as_bytes, stacked, text_hash
from resources.language_model.records import records
from resources.problems import BadSettings
from resources.settings import Settings

if TYPE_CHECKING:
    from wordllama import WordLlamaInference

Vectors = NDArray[np.float32]
OFFLINE = "wordllama"


class Embedder(Protocol):
    """Gives the same text the same vector, whatever stands beside it."""

    @property
    def name(self) -> str:
        """What made the vectors; two that differ in it are not comparable."""

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """n × dimension, in the order of the texts; rows of length 1, of an empty text all zero."""


class WordLlamaEmbedder:
    """The average of its words' vectors, from a table of 16 MB that comes with the package."""

    dimension = 256

    @property
    def name(self) -> str:
        return f"wordllama-{version('wordllama')}-l2_supercat-{self.dimension}"

    @cached_property
    def _model(self) -> "WordLlamaInference":
        with _root_logger_untouched():
            import wordllama
        # Where the package looks by itself is a wrong folder for its tokenizer; this is the right one.
        folder = Path(wordllama.__file__).parent
        return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        shown = [text.strip() for text in texts]
        return unit(np.asarray(self._model.embed(shown), dtype=np.float32))


class Remembered:
    """An embedder whose vectors are kept in the database: it is asked about texts that have none there."""

    def __init__(self, embedder: Embedder, database_url: str) -> None:
        self.embedder = embedder
        self.database_url = database_url

    @property
    def name(self) -> str:
        return self.embedder.name

    @property
    def dimension(self) -> int:
        return self.embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        hashed = {text_hash(text): text for text in texts}
        with records(self.database_url, None) as kept:
            found = kept.vectors(self.name, list(hashed))
            new = {hashed_as: text for hashed_as, text in hashed.items() if hashed_as not in found}
            made = as_bytes(self.embedder.embed(list(new.values())))
            kept.keep_vectors(self.name, dict(zip(new, made, strict=True)))
        found |= zip(new, made, strict=True)
        return stacked([found[text_hash(text)] for text in texts])


class OpenAIEmbedder:
    """A model of the server; a text that was embedded before is not sent again."""

    def __init__(self, model: LanguageModel, name: str) -> None:
        self.model = model
        self.name = name

    @cached_property
    def dimension(self) -> int:
        return int(self.model.embed(self.name, ["dimension"]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        shown = [text.strip() for text in texts]
        written = [number for number, text in enumerate(shown) if text]  # servers refuse empty texts
        if not written:
            return np.zeros((len(texts), self.dimension), dtype=np.float32)
        vectors = self.model.embed(self.name, [shown[number] for number in written])
        rows = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
        rows[written] = unit(vectors)
        return rows


def embedder(settings: Settings, database_url: str, run_id: str | None = None) -> Embedder:
    """The one that `DFT_EMBED_MODEL` names. Raises BadSettings where it is one of a server, without a key."""
    if settings.embed_model == OFFLINE:
        return Remembered(WordLlamaEmbedder(), database_url)
    model = language_model(settings, database_url, run_id)
    if model is None:
        name = settings.embed_model
        raise BadSettings(f"DFT_EMBED_MODEL={name} needs OPENAI_API_KEY; `{OFFLINE}` works without")
    return OpenAIEmbedder(model, settings.embed_model)


@contextmanager
def _root_logger_untouched() -> Iterator[None]:
    """The package, when it is imported, has every library's log written to stderr."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
