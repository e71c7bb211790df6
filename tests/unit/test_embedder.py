"""Embedders: vectors that depend on the text alone."""

import subprocess
import sys

import numpy as np

from dft_pipeline.values.similarity import unit
from resources.embedder import Embedder, WordLlamaEmbedder

TEXTS = ["Listen before you speak.", "", " \n", "Höre zu, bevor du sprichst.", "Listening " * 300]


def test_a_text_has_one_vector_whatever_stands_beside_it() -> None:
    embedder: Embedder = WordLlamaEmbedder()
    together = embedder.embed(TEXTS)
    assert together.shape == (len(TEXTS), embedder.dimension)
    assert together.dtype == np.float32
    assert np.array_equal(together, np.vstack([embedder.embed([text]) for text in TEXTS]))


def test_vectors_have_length_one_and_empty_texts_have_none() -> None:
    lengths = np.linalg.norm(WordLlamaEmbedder().embed(TEXTS), axis=1)
    assert np.allclose(lengths, [1, 0, 0, 1, 1])
    assert np.array_equal(unit(np.zeros((2, 3), np.float32)), np.zeros((2, 3)))


def test_near_texts_are_near() -> None:
    one, near, far = WordLlamaEmbedder().embed(
        ["Listen to what people fear", "Listening to people's fears", "Two eggs and some butter"]
    )
    assert one @ near > one @ far


def test_no_texts_have_no_vectors() -> None:
    assert WordLlamaEmbedder().embed([]).shape == (0, 256)


def test_the_package_is_imported_late_and_leaves_the_log_alone() -> None:
    code = (
        "import logging, sys; from resources.embedder import WordLlamaEmbedder;"
        "before = 'wordllama' in sys.modules; WordLlamaEmbedder().embed(['a']);"
        "print(before, logging.getLogger().handlers, logging.getLogger().level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False [] 30"
    assert done.stderr == ""
