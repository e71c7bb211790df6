"""When two cards are the same, from a file: for any embedding model, and refused where it is another's."""

from pathlib import Path
from typing import Any

import pytest

from dft_pipeline.policies import OFFLINE_WORDLLAMA, Deduplication, deduplication, snapshot_settings
from dft_pipeline.values.calibration import settings_file
from resources import policy_files
from resources.problems import BadSettings
from resources.settings import Settings

SAID = {**OFFLINE_WORDLLAMA.model_dump(mode="json"), "name": "ours", "embed_model": "our-embedder"}


def test_a_file_gives_thresholds_to_any_embedding_model() -> None:
    found = deduplication(SAID, "our-embedder")
    assert found == OFFLINE_WORDLLAMA.model_copy(update={"name": "ours", "embed_model": "our-embedder"})
    wanted = snapshot_settings(dedup="offline", embed_model="our-embedder", deduplication=found)
    assert wanted.deduplication == found


def test_a_file_has_the_word_for_wordllama_too() -> None:
    ours = OFFLINE_WORDLLAMA.model_copy(update={"threshold": 0.5})
    assert snapshot_settings(deduplication=ours).deduplication == ours
    assert snapshot_settings().deduplication == OFFLINE_WORDLLAMA


def test_without_a_file_another_model_is_refused_with_the_way_to_one() -> None:
    refusal = "no threshold is known for the embedding model our-embedder.*dft calibrate.*DFT_DEDUPLICATION"
    for dedup in (None, "offline"):
        with pytest.raises(ValueError, match=refusal):
            snapshot_settings(dedup=dedup, embed_model="our-embedder")
    given = snapshot_settings(dedup="given", embed_model="our-embedder")
    assert given.dedup == "given", "which compares nothing"


def test_thresholds_of_another_model_are_refused_with_both_names() -> None:
    with pytest.raises(
        ValueError, match="belong to the embedding model our-embedder, and DFT_EMBED_MODEL is w"
    ):
        deduplication(SAID, "wordllama")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"treshold": 0.4}, "treshold: Extra inputs"),
        ({"threshold": 1.5}, "threshold: Input should be less"),
        ({"threshold": float("nan")}, "threshold: "),
        ({"threshold": "high", "version": "one"}, "version: .*; threshold: "),
        ({"embedded": ["titel"]}, "embedded.0: "),
        ({"embedded": []}, "embedded: "),
        ({"candidate_threshold": 0.5}, "^candidate_threshold is above a threshold"),
    ],
)
def test_what_is_not_understood_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        deduplication({**SAID, **change}, "our-embedder")


@pytest.mark.parametrize("missing", ["name", "embed_model", "threshold", "canonical_threshold", "source"])
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(ValueError, match=f"^{missing}: Field required$"):
        deduplication({name: value for name, value in SAID.items() if name != missing}, "our-embedder")


def _settings(file: Path | None, **more: Any) -> Settings:
    return Settings(deduplication=file, _env_file=None, **more)  # type: ignore[call-arg]


def test_the_file_that_the_environment_names_is_read(tmp_path: Path) -> None:
    file = tmp_path / "deduplication.toml"
    file.write_text(settings_file(Deduplication(**SAID)))
    assert policy_files.deduplication(_settings(file, embed_model="our-embedder")) == Deduplication(**SAID)
    assert policy_files.deduplication(_settings(None)) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        ("threshold = ", "Invalid value"),
        ("threshold = 2", "threshold: "),
        (settings_file(Deduplication(**SAID)), "our-embedder, and DFT_EMBED_MODEL is wordllama"),
    ],
)
def test_a_file_that_does_not_do_is_named(tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "deduplication.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadSettings, match=rf"the deduplication settings .*deduplication.toml: .*{why}"):
        policy_files.deduplication(_settings(file, embed_model="wordllama"))
