"""What `dft calibrate` does: a snapshot's cards and labelled pairs in, thresholds and a plot of them out."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from dft_pipeline.plots import calibration_plot
from dft_pipeline.policies import OFFLINE, OFFLINE_WORDLLAMA, Deduplication
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values.calibration import Calibration, from_assignment, from_labels, settings_file
from dft_pipeline.values.card_texts import all_cards
from dft_pipeline.values.labels import Labels
from dft_pipeline.values.setting_aside import without
from dft_pipeline.values.similarity import Embed
from resources.extraction import raw_schema
from resources.files import write_whole
from resources.lake import Lake, RawFile
from resources.policy_files import deduplication
from resources.settings import Settings

SCORES, PLOT, SETTINGS = "calibration.csv", "calibration.svg", "deduplication.toml"


class Calibrated(NamedTuple):
    """What was found on a day's cards; the labels, where there are any; the files, the settings last."""

    day: date
    found: Calibration
    labels: Labels | None
    files: Sequence[Path]


def cards(lake: Lake, day: date) -> pl.DataFrame:
    """The cards of both kinds that took part in a snapshot."""
    return all_cards(_admitted(lake, "valuesCard", day), _admitted(lake, "canonicalValuesCard", day))


def starting_settings(chosen: Settings, day: date) -> Deduplication:
    """The fields and weights in force; for an embedding model that has none, those of wordllama."""
    name = chosen.embed_model
    in_force = deduplication(chosen) or OFFLINE.get(name, OFFLINE_WORDLLAMA)
    ours = {"name": f"calibrated-{name}-{day}", "version": 1, "embed_model": name}
    return in_force.model_copy(update=ours)


def calibrate(
    every: pl.DataFrame, day: date, labels: Labels | None, embed: Embed, start: Deduplication, folder: Path
) -> Calibrated:
    """Finds thresholds and writes them, their scores and the plot. Raises Uncalibrated."""
    if labels is None:
        where = f"the app's own assignment as of {day}"
        found = from_assignment(every, embed, start, where)
    else:
        where = f"the labels in {labels.file}, of cards as of {day}"
        found = from_labels(every, labels.pairs, embed, start, where)
    title = f"{found.pairs:,} pairs of cards, {found.same:,} of them the same value"
    subtitle = f"similarity by {start.embed_model}; {where}"
    plot = calibration_plot(found.scores, found.chosen.threshold, title, subtitle)
    files = {
        folder / SCORES: found.scores.write_csv().encode(),
        folder / PLOT: plot,
        folder / SETTINGS: settings_file(found.chosen).encode(),
    }
    for path, content in files.items():
        write_whole(path, content)
    return Calibrated(day, found, labels, list(files))


def _admitted(lake: Lake, name: str, day: date) -> pl.DataFrame:
    """The rows of a raw table that took part in a snapshot, from the files that it read."""
    manifest = lake.manifest(day)
    assert manifest is not None
    files = [
        RawFile(file["path"], file["rows"])
        for file in manifest["raw_files"]
        if file["path"].startswith(f"raw/{name}/")
    ]
    rows = lake.raw(files, raw_schema(SOURCE_TABLES[name].extracted))
    return without(name, rows, lake.snapshot("set_aside", day))
