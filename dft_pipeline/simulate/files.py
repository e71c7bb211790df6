"""A deliberation as files: one JSON array per table, and the truth."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from dft_pipeline.simulate.columns import Row
from dft_pipeline.simulate.deliberation import Deliberation, Truth


def write(deliberation: Deliberation, folder: Path) -> None:
    """Write `<table>.json` for every table, and `truth.json`. Each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in deliberation.tables.items():
        _replace(folder / f"{name}.json", _array(table))
    _replace(folder / "truth.json", _object(deliberation.truth))


def _array(table: Iterable[Row]) -> Iterator[str]:
    """A JSON array with one row per line."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    before = "[\n"
    for row in table:
        yield before + encode(row)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _object(truth: Truth) -> Iterator[str]:
    yield json.dumps(asdict(truth), ensure_ascii=False, indent=1) + "\n"


def _replace(path: Path, pieces: Iterable[str]) -> None:
    unfinished = path.with_name(f".{path.name}.tmp")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)
    unfinished.replace(path)
