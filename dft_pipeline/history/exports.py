"""Exports that were made from a snapshot which is no longer the day's."""

from collections.abc import Iterable, Mapping
from typing import Any


def superseded(exports: Iterable[Mapping[str, Any]], manifests: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The exports whose `manifest_sha256` is not that of the manifest of their day `as_of`; by day and hash.

    `manifests`: day → SHA-256 of the manifest that lies there, in hex.
    """
    old = [one for one in exports if manifests.get(one["as_of"]) != one["manifest_sha256"]]
    return sorted(old, key=lambda one: (one["as_of"], one["manifest_sha256"], str(one.get("hash"))))
