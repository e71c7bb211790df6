"""Texts to vectors through a real HTTP server; what was embedded before is not sent again."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg.rows import dict_row

from dft_pipeline.values.similarity import unit
from resources.database import prepare
from resources.embedder import Embedder, OpenAIEmbedder, Remembered, WordLlamaEmbedder, embedder
from resources.language_model import ModelRefuses, NotEmbedded, OverBudget, embedding, language_model
from resources.problems import BadSettings
from resources.settings import settings
from tests.model_server import DIMENSION, ModelServer, Scene, cut, fails, page, vector_of

MODEL = "our-embedder"
KEY = "sk-s3cret-do-not-tell"
Make = Callable[..., OpenAIEmbedder]


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as models:
        yield models


@pytest.fixture
def kept(database_url: str) -> str:
    prepare(database_url)
    return database_url


@pytest.fixture
def make(models: ModelServer, kept: str) -> Make:
    def make(name: str = MODEL, **instead: Any) -> OpenAIEmbedder:
        said = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": models.url, **instead}
        model = language_model(settings(**said), kept, waits_s=(0, 0, 0))
        assert model is not None
        return OpenAIEmbedder(model, name)

    return make


def sent(models: ModelServer) -> list[list[str]]:
    return [request.body["input"] for request in models.requests]


def expected(*texts: str) -> np.ndarray[Any, Any]:
    return unit(np.array([vector_of(text) for text in texts], dtype=np.float32))


def test_vectors_stand_in_the_order_of_the_texts(models: ModelServer, make: Make) -> None:
    ours: Embedder = make()
    found = ours.embed(["b", " a\n", "b", "", "c"])
    assert found.dtype == np.float32
    assert np.array_equal(found[[0, 1, 2, 4]], expected("b", "a", "b", "c"))
    assert not found[3].any()
    assert sent(models) == [["b", "a", "c"]], "each text once, no empty one"
    assert models.requests[0].body["model"] == MODEL


def test_only_texts_that_were_never_seen_are_sent(models: ModelServer, make: Make, kept: str) -> None:
    make().embed(["a", "b"])
    assert np.array_equal(make().embed(["b", "c", "a"]), expected("b", "c", "a"))
    make("another").embed(["a"])
    assert sent(models) == [["a", "b"], ["c"], ["a"]]


def test_the_dimension_is_asked_for_once(models: ModelServer, make: Make) -> None:
    assert (make().dimension, make().dimension) == (DIMENSION, DIMENSION)
    assert make().embed([]).shape == (0, DIMENSION)
    assert make().embed(["", " "]).shape == (2, DIMENSION)
    assert sent(models) == [["dimension"]]


def test_texts_go_in_calls_that_a_server_takes(
    models: ModelServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "TEXTS_A_CALL", 4)
    monkeypatch.setattr(embedding, "TOKENS_A_CALL", 100)
    texts = [*map(str, range(10)), "long " * 200, "short"]
    assert np.array_equal(make().embed(texts), expected(*(text.strip() for text in texts)))
    assert sorted(map(len, sent(models))) == [1, 1, 2, 4, 4]


def test_a_call_is_recorded_without_the_texts(make: Make, kept: str) -> None:
    make("text-embedding-3-small").embed(["a word or two", "more"])
    with psycopg.connect(kept, row_factory=dict_row) as connection:
        [row] = connection.execute("SELECT * FROM dft.llm_calls").fetchall()
    assert (row["kind"], row["model"], row["parameters"]) == (
        "embedding",
        "text-embedding-3-small",
        {"texts": 2},
    )
    assert (row["tokens_in"], row["input"], row["answer"]) == (5, None, None)
    assert row["cost"] == pytest.approx(5 * 0.02 / 1_000_000)
    assert "word" not in str(row)


WRONG_COUNT = {"data": [{"index": 0, "embedding": [1.0]}]}
TWICE = {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]}
UNEVEN = {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]}
NOT_A_NUMBER = {"data": [{"index": 0, "embedding": [float("nan")]}, {"index": 1, "embedding": [1.0]}]}


@pytest.mark.parametrize(
    "scene",
    [
        fails(429, {"Retry-After": "0"}),
        fails(500),
        page(),
        cut(),
        *(Scene(body=json.dumps(body).encode()) for body in (WRONG_COUNT, TWICE, UNEVEN, NOT_A_NUMBER)),
    ],
)
def test_a_fault_that_passes_is_overcome(scene: Scene, models: ModelServer, make: Make) -> None:
    models.plays(scene)
    assert np.array_equal(make().embed(["a", "b"]), expected("a", "b"))
    assert len(models.requests) == 2


def test_what_has_no_vector_is_counted_and_the_others_are_kept(
    models: ModelServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "TEXTS_A_CALL", 2)
    models.plays(Scene(), *[fails(500)] * 4)
    ours = make(max_parallel_calls=1)
    with pytest.raises(NotEmbedded) as missing:
        ours.embed(["a", "b", "c", "d", "e"])
    where = f"127.0.0.1:{models.server_port}"
    assert str(missing.value) == (
        f"2 texts have no vector by {MODEL}: the model server at {where} is not able to: status 500; "
        "the others are kept"
    )
    ours.embed(["a", "b", "c", "d", "e"])
    assert sent(models)[-1] == ["c", "d"]


def test_a_refused_key_stops_at_once(models: ModelServer, make: Make) -> None:
    models.always = fails(401)
    with pytest.raises(ModelRefuses, match="refuses OPENAI_API_KEY: status 401"):
        make().embed(["a"])
    assert len(models.requests) == 1


def test_the_budget_counts_embeddings_too(models: ModelServer, make: Make) -> None:
    with pytest.raises(OverBudget, match=r"^embedding 2 texts would take about 250 tokens"):
        make(max_run_tokens=100).embed(["a" * 996, "b"])
    assert models.requests == []


def test_a_name_that_stands_for_two_models_is_refused(models: ModelServer, make: Make, kept: str) -> None:
    make().embed(["a"])
    with psycopg.connect(kept) as connection:
        connection.execute("UPDATE dft.embeddings SET vector = substr(vector, 1, 4)")
    with pytest.raises(NotEmbedded, match="have different lengths"):
        make().embed(["a", "b"])


def test_the_settings_name_the_embedder(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "DFT_EMBED_MODEL"):
        monkeypatch.delenv(name, raising=False)
    offline = embedder(settings(), kept)
    assert isinstance(offline, Remembered)
    assert isinstance(offline.embedder, WordLlamaEmbedder)
    with pytest.raises(BadSettings, match="DFT_EMBED_MODEL=our-embedder needs OPENAI_API_KEY"):
        embedder(settings(embed_model=MODEL), kept)
    named = embedder(settings(embed_model=MODEL, OPENAI_API_KEY=KEY), kept)
    assert (type(named), named.name) == (OpenAIEmbedder, MODEL)
