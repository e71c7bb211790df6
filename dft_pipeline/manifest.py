"""What a snapshot says of itself: settings, evidence that was missing, and every file with its hash."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dft_pipeline.policies import SnapshotSettings

EVIDENCE = {
    "chat": "articulated: the source holds no chats up to that day, so no card counts as support",
    "vote": "voted: the source holds no votes up to that day",
    "impression": "shown: the source holds no impressions up to that day",
    "edge": "judged: the source holds no edge judgments up to that day",
}


class File(NamedTuple):
    """A file of a snapshot: path in the lake, SHA-256 in hex, and how many rows of what grain it has."""

    path: str
    sha256: str
    rows: int
    grain: str


def manifest(
    as_of: str,
    settings: SnapshotSettings,
    files: Sequence[File],
    raw_files: Sequence[File],
    rows_read: Mapping[str, int],
    key_fingerprint: str,
    code: Mapping[str, str | None],
) -> dict[str, Any]:
    """The manifest of a day. `rows_read`: raw table → rows up to that day; `code`: version and commit."""
    return {
        "as_of": as_of,
        "policy": settings.policy.name,
        "settings": settings.model_dump(mode="json"),
        "settings_hash": settings_hash(settings),
        "code": dict(code),
        "key_fingerprint": key_fingerprint,
        "missing_evidence": [why for table, why in EVIDENCE.items() if not rows_read.get(table)],
        "files": [file._asdict() for file in sorted(files)],
        "raw_files": [file._asdict() for file in sorted(raw_files)],
    }


def settings_hash(settings: SnapshotSettings) -> str:
    """SHA-256 of the settings as sorted JSON, hex."""
    text = json.dumps(settings.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def damage(
    manifest: Mapping[str, Any], hashes: Mapping[str, str | None], present: Iterable[str]
) -> list[str]:
    """What differs from the manifest, in words.

    `hashes`: path → SHA-256, None where the file is gone; `present`: what lies in the snapshot's folders.
    """
    surplus = sorted(set(present) - {file["path"] for file in manifest["files"]})
    found = [f"{path} is not in the manifest" for path in surplus]
    for file in [*manifest["files"], *manifest["raw_files"]]:
        there = hashes.get(file["path"])
        if there is None:
            found.append(f"{file['path']} is missing")
        elif there != file["sha256"]:
            found.append(f"{file['path']} was changed: its SHA-256 is {there}, not {file['sha256']}")
    return found
