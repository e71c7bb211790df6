"""Policies that a person writes down: TOML files, named by a setting or a command."""

import tomllib
from pathlib import Path
from typing import Any

from dft_pipeline import policies
from dft_pipeline.policies import Deduplication, ParticipantPolicy, participant_policy
from resources.problems import BadSettings
from resources.settings import Settings


def participants(file: str | None, chosen: Settings) -> ParticipantPolicy | None:
    """The participant policy of a TOML file, else of the one that the environment names, else None.

    Raises BadSettings that names the file and what is wrong with it.
    """
    path = file or chosen.participants
    if path is None:
        return None
    try:
        return participant_policy(_content(path), chosen.key())
    except (OSError, ValueError) as error:
        raise BadSettings(f"the participant policy {path}: {error}") from None


def deduplication(chosen: Settings) -> Deduplication | None:
    """When two cards are the same, by the TOML file that the environment names; None where it names none.

    Raises BadSettings that names the file and what is wrong with it, such as that it is another model's.
    """
    path = chosen.deduplication
    if path is None:
        return None
    try:
        return policies.deduplication(_content(path), chosen.embed_model)
    except (OSError, ValueError) as error:
        raise BadSettings(f"the deduplication settings {path}: {error}") from None


def _content(path: str | Path) -> dict[str, Any]:
    return tomllib.loads(Path(path).expanduser().read_text(encoding="utf-8"))
