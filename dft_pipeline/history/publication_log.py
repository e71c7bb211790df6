"""The publication log: what stood as a day's snapshot, entry after entry, each bound to the one before.

An entry is a file of its own and is never written again. It names the manifest that was published by its
hash, so that a snapshot that changes without an entry shows, and the entry before by its hash, so that a
changed or missing entry shows. Nothing in it says when or on which machine.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Reason = Literal["nightly", "rebuild", "policy", "withdrawal", "retired"]


class Entry(NamedTuple):
    """What was done to a day. `revision` counts the day's manifests, from 1; `retired` has none.

    `reason`: `nightly` (the day's first), `policy` (other settings), `rebuild` (the same settings: data or
    code changed), `withdrawal` (somebody's data was taken out), `retired` (the snapshot is no longer kept).
    """

    number: int
    as_of: str
    revision: int
    reason: Reason
    manifest_sha256: str | None
    previous_sha256: str | None


class Broken(ValueError):
    """A file of the log is no entry, or not the one that was written."""


def content(entry: Entry) -> bytes:
    """The entry's file: its fields and their own SHA-256, as sorted JSON."""
    return _json(entry._asdict() | {"sha256": digest(entry)})


def digest(entry: Entry) -> str:
    """The SHA-256 that the next entry names, hex."""
    return hashlib.sha256(_json(entry._asdict())).hexdigest()


def parsed(file: bytes) -> Entry:
    """Raises Broken where the file is not, byte for byte, an entry as `content` writes it."""
    try:
        fields = json.loads(file)
        entry = Entry(**{name: fields[name] for name in Entry._fields})
    except (ValueError, TypeError, KeyError):
        raise Broken("it is no entry") from None
    if content(entry) != file:
        raise Broken("its own SHA-256 is another")
    return entry


def following(log: Sequence[Entry], as_of: str, manifest_sha256: str | None, reason: Reason) -> Entry | None:
    """The entry that comes next; None where the log's last one of the day says the same."""
    last = last_of(log, as_of)
    if (None if last is None else last.manifest_sha256) == manifest_sha256:
        return None
    revision = (0 if last is None else last.revision) + (manifest_sha256 is not None)
    previous = digest(log[-1]) if log else None
    return Entry(len(log) + 1, as_of, revision, reason, manifest_sha256, previous)


def why(log: Sequence[Entry], as_of: str, before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Reason:
    """What two manifests of a day say by themselves; `before` is None where there is none."""
    if last_of(log, as_of) is None:
        return "nightly"
    is_same = before is None or before["settings_hash"] == now["settings_hash"]
    return "rebuild" if is_same else "policy"


def last_of(log: Sequence[Entry], as_of: str) -> Entry | None:
    """The day's last entry, if any."""
    return next((entry for entry in reversed(log) if entry.as_of == as_of), None)


def faults(files: Mapping[str, bytes], manifests: Mapping[str, str]) -> list[str]:
    """What is wrong with the log, in words; each names the file.

    `files`: path → content, in the log's order; `manifests`: day → SHA-256 of the manifest that lies there.
    """
    log: dict[str, Entry] = {}
    found = []
    for path, file in files.items():
        try:
            log[path] = parsed(file)
        except Broken as broken:
            found.append(f"{path} was changed: {broken}")
    return [*found, *_breaks(log, set(files)), *_strays(log, manifests)]


def rewritten(files: Mapping[str, bytes], recorded: Mapping[int, str]) -> list[str]:
    """Where the log is another than it was when it was copied, in words.

    What only the copy can show: the log's end, cut off or written anew with right hashes of its own.
    `files` as in `faults`; `recorded`: number → SHA-256 of each entry that was copied.
    """
    found = []
    for number, sha256 in sorted(recorded.items()):
        file = files.get(path_of(number))
        if file is None:
            found.append(f"{path_of(number)} is missing, which the database has a copy of")
        elif _digest_of(file) not in (None, sha256):
            found.append(f"{path_of(number)} is another entry than the one that the database has a copy of")
    return found


def _digest_of(file: bytes) -> str | None:
    """None where the file is no entry, which `faults` says."""
    try:
        return digest(parsed(file))
    except Broken:
        return None


def path_of(number: int) -> str:
    """Where an entry lies in the lake."""
    return f"log/{number:06}.json"


def _breaks(log: Mapping[str, Entry], files: set[str]) -> Iterator[str]:
    """Entries that are missing or at another's place, or that name another one before them."""
    last = max((entry.number for entry in log.values()), default=0)
    for path in sorted({path_of(number) for number in range(1, last + 1)} - files):
        yield f"{path} is missing"
    for path, entry in log.items():
        if path != path_of(entry.number):
            yield f"{path} is entry {entry.number}, whose place is {path_of(entry.number)}"
        before = log.get(path_of(entry.number - 1))
        named = None if before is None else digest(before)
        if (before is not None or entry.number == 1) and entry.previous_sha256 != named:
            yield f"{path} names another entry before it than {path_of(entry.number - 1)}"


def _strays(log: Mapping[str, Entry], manifests: Mapping[str, str]) -> Iterator[str]:
    """Days whose manifest is not the one that the log names last."""
    last = {entry.as_of: (path, entry.manifest_sha256) for path, entry in log.items()}
    for day in sorted(manifests.keys() | last.keys()):
        path, named = last.get(day, ("the log", None))
        there = manifests.get(day)
        file = f"manifests/as_of={day}.json"
        if there is not None and named is None:
            yield f"{file} is there, but {path} names none"
        elif there is None and named is not None:
            yield f"{file}, which {path} names, is missing"
        elif there != named:
            yield f"{file} is not the one that {path} names: its SHA-256 is {there}, not {named}"


def _json(fields: Mapping[str, object]) -> bytes:
    return (json.dumps(fields, indent=2, sort_keys=True) + "\n").encode()
