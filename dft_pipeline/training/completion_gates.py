"""What completions must be like."""

import polars as pl

from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.table_gates import examples
from dft_pipeline.training import moderation
from dft_pipeline.training.completions import World

IN_SNAPSHOT = Gate(
    "points_into_this_snapshot",
    "completions",
    "every completion names a prompt, and where it names them a row, value, edge and completion, of this "
    "snapshot",
    high=0,
    mend=DEFECT,
)
ONE_SIDE = Gate(
    "texts_on_one_side",
    "completions",
    "no text that takes part is on two sides",
    high=0,
    unit="texts",
    mend=DEFECT,
)
IMPERSONAL = Gate(
    "no_personal_text",
    "completions",
    "no text looks like an e-mail or web address, a telephone number or a recruitment id",
    high=0,
    mend=DEFECT,
)
COMPLETION_GATES = (IN_SNAPSHOT, ONE_SIDE, IMPERSONAL)


def measured_completions(completions: pl.DataFrame, world: World) -> list[Measured]:
    """What the gates see of `completions`."""
    lost = _astray(completions, world)
    said = completions.filter(pl.col("set_aside_for").is_null()).select(
        "split", "completion_id", text=pl.col("text").map_elements(moderation.normalised, pl.String)
    )
    sides = said.group_by("text").agg(pl.col("split").n_unique(), pl.col("completion_id").min())
    torn = sides.filter(pl.col("split") > 1)["completion_id"].sort()
    personal = completions.filter(moderation.by_words().is_not_null())["completion_id"]
    return [
        Measured(IN_SNAPSHOT, len(lost), examples(lost)),
        Measured(ONE_SIDE, len(torn), examples(torn)),
        Measured(IMPERSONAL, len(personal), examples(personal)),
    ]


def _astray(completions: pl.DataFrame, world: World) -> pl.Series:
    there = {
        "prompt_id": world.prompt_contexts["prompt_id"],
        "row_id": world.reward_rows["row_id"],
        "value_id": world.canonical_values["value_id"],
        "edge_id": world.wisdom_edges["edge_id"],
        "revises_id": completions["completion_id"],
    }
    lost = pl.any_horizontal(
        ~pl.col(name).is_in(ids.implode()).fill_null(True) for name, ids in there.items()
    )
    return completions.filter(lost)["completion_id"]
