"""Vectors of cards' texts: each text once, found again by what it says."""

from hashlib import sha256

import numpy as np
import polars as pl
import pytest

from dft_pipeline.policies import OFFLINE_WORDLLAMA
from dft_pipeline.table_gates import measured_table
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.embeddings import card_embeddings, looked_up, texts_of
from tests.unit.small_world import CARD, world

TEXTS = ["", "Calm\nA", "Truth\nB"]
VECTORS = np.array([[0, 0], [0.6, 0.8], [1, 0]], np.float32)


def test_a_text_is_there_once_whoever_says_it() -> None:
    more = [{**CARD, "id": 900, "title": "Truth", "evaluationCriteria": ["B "]}]
    raw = world(canonicalValuesCard=more)
    texts = texts_of(all_cards(raw["valuesCard"], raw["canonicalValuesCard"]), OFFLINE_WORDLLAMA)
    assert texts == ["Calm First\nMOMENTS of calm in the user\nWORDS that slow things down", "Truth\nB"]


def test_a_text_finds_its_vector_again() -> None:
    table = card_embeddings(TEXTS, VECTORS, "m-1")
    embed = looked_up(pl.concat([table[2:], table[:2]]))
    found = embed(["Truth\nB", "Calm\nA", "", "Calm\nA"])
    assert found.dtype == np.float32
    assert np.array_equal(found, VECTORS[[2, 1, 0, 1]]), "to the last bit"
    with pytest.raises(KeyError):
        embed(["nobody said this"])


def test_the_table_says_which_model_made_it_and_is_sorted() -> None:
    table = card_embeddings(TEXTS, VECTORS, "m-1")
    assert table["text_hash"].to_list() == sorted(sha256(text.encode()).hexdigest() for text in TEXTS)
    assert set(table.select("model", "dimension").rows()) == {("m-1", 2)}
    assert [one.value for one in measured_table("card_embeddings", table)] == [0, 0]


def test_no_texts() -> None:
    table = card_embeddings([], np.zeros((0, 2), np.float32), "m-1")
    assert len(table) == 0
    assert len(looked_up(table)([])) == 0
