"""What was written for other programs: which files, of which snapshot, to be found by their hashes."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Export(NamedTuple):
    """What was written. `files`: name → SHA-256; `options`: what was asked for besides the day."""

    form: str
    as_of: str
    manifest_sha256: str
    options: Mapping[str, Any]
    files: Mapping[str, str]


def content(export: Export) -> bytes:
    """The export's entry, as sorted JSON."""
    return (json.dumps(export._asdict(), indent=2, sort_keys=True) + "\n").encode()


def path_of(export: Export) -> str:
    """Where its entry lies in the lake: the same export is one entry, however often it is written."""
    return f"exports/{hashlib.sha256(content(export)).hexdigest()}.json"


def parsed(file: bytes) -> Export:
    """The export that an entry tells of."""
    return Export(**json.loads(file))


def superseded(exports: Iterable[Export], manifests: Mapping[str, str]) -> list[Export]:
    """Those of a snapshot that is no longer the day's; `manifests`: day → SHA-256 of what is there now."""
    stale = [export for export in exports if manifests.get(export.as_of) != export.manifest_sha256]
    return sorted(stale, key=lambda export: (export.as_of, export.form, sorted(export.files.items())))
