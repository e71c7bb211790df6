"""Which numbered files of `sql/dft` a database still needs; forward only."""

from collections.abc import Sequence
from typing import NamedTuple


class Migration(NamedTuple):
    """A numbered file, by its name without the ending, and the SHA-256 of its content, hex."""

    number: int
    name: str
    sha256: str


class Diverged(ValueError):
    """A database has had other files than these, or is newer than they are."""


def pending(recorded: Sequence[Migration], known: Sequence[Migration]) -> list[Migration]:
    """The known ones, in order, that are not recorded. Raises Diverged, which names one that differs."""
    for there, ours in zip(recorded, known, strict=False):
        if there != ours:
            raise Diverged(_difference(there, ours))
    if len(recorded) > len(known):
        newest = recorded[len(known)]
        raise Diverged(f"it has had migration {newest.name}, which this version of the project does not know")
    return list(known[len(recorded) :])


def _difference(there: Migration, ours: Migration) -> str:
    if there[:2] != ours[:2]:
        return f"it has had migration {there.name} where this version of the project has {ours.name}"
    return f"it has had another migration {there.name}: SHA-256 {there.sha256}, not {ours.sha256}"
