"""What every format is made with: the snapshot's tables, what was asked for, the files, and the refusals."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from dft_pipeline.policies import Filters, Training
from dft_pipeline.training.lengths import length_correlation

Tables = Mapping[str, pl.DataFrame]
Record = dict[str, Any]
Content = pl.DataFrame | list[Record] | str
Parquet = Callable[[pl.DataFrame], bytes]

SPLITS = ("train", "validation", "test")
EXPORT = "export.json"
LENGTHS = "length_correlation"  # the limit of pairs, as of a night's
CHOSEN = "chosen_values"  # what Γ chose, whatever the filters keep: beside the tables that they pass


class Refused(Exception):
    """A format cannot be written from what there is; the message names the format and the limit."""


class Snapshot(NamedTuple):
    """What an export says of the snapshot that it is from. `log_entry`: its number in the publication log."""

    as_of: str
    manifest: Mapping[str, Any]
    manifest_sha256: str
    log_entry: int

    @property
    def training(self) -> Training:
        """The settings that its scores and pairs were made by."""
        return Training.model_validate(self.manifest["settings"]["training"])


class Asked(NamedTuple):
    """What was asked for besides the format. `margin_scale`: logits per gap of 1; None: no margins."""

    snapshot: Snapshot
    filters: Filters = Filters()
    margin_scale: float | None = None
    license: str | None = None
    consent_basis: str | None = None


class Made(NamedTuple):
    """Files by their path in the folder, and how many rows were left out by which rule."""

    files: Mapping[str, Content]
    left_out: Mapping[str, int]


class Limits:
    """Collects what breaks a format's limits, by name; `hold` raises Refused with all of it."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.broken: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def check(self, limit: str, holds: bool, where: str) -> None:
        if not holds:
            self.broken[limit] += 1
            self.first.setdefault(limit, where)

    def check_lengths(self, pairs: pl.DataFrame, largest: float) -> None:
        """Whether being chosen hardly goes with being longer, or shorter, in the pairs that are written."""
        lean = length_correlation(pairs)
        said = f"{len(pairs)} pairs, with {lean or 0.0:+.2f} and not {largest} or less either way"
        self.check(LENGTHS, lean is None or abs(lean) <= largest, said)

    def hold(self) -> None:
        if self.broken:
            said = [
                f"{limit} ({count} times, first at {self.first[limit]})"
                for limit, count in sorted(self.broken.items())
            ]
            raise Refused(f"format {self.form} does not take this: {'; '.join(said)}")


def by_split(records: Iterable[Record], sides: Iterable[str], name: str = "{}.jsonl") -> dict[str, Content]:
    """The records of each side as a file of its own; a side without any has none."""
    found: dict[str, list[Record]] = {}
    for record, side in zip(records, sides, strict=True):
        found.setdefault(side, []).append(record)
    return {name.format(side): list(found[side]) for side in SPLITS if side in found}


def rows_of(content: Content) -> int:
    """How many rows a file has; a text is no rows."""
    return 0 if isinstance(content, str) else len(content)


def encoded(content: Content, parquet: Parquet) -> bytes:
    """A file's bytes: Parquet for a frame, a line of JSON for each record, UTF-8 for a text."""
    if isinstance(content, pl.DataFrame):
        return parquet(content)
    return (content if isinstance(content, str) else jsonl(content)).encode()


def jsonl(records: Sequence[Record]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
