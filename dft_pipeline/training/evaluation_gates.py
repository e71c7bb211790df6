"""What questions to a trained model must be like: their edges stand nowhere that it was trained on."""

import polars as pl

from dft_pipeline.dataset.value_split import FROM_TRAINING
from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.table_gates import examples
from dft_pipeline.training.evaluation_items import EDGE, ENDS, TRAIN

EDGES_HELD_OUT = Gate(
    "edges_are_held_out",
    "evaluation_items",
    "no edge that is asked about joins two values that an edge joins on a side nearer to training, or beside "
    "a prompt that is not in its fold",
    high=0,
    unit="items",
    mend=DEFECT,
)


def measured_items(items: pl.DataFrame, value_pairs: pl.DataFrame) -> Measured:
    """What the gate sees of the items; in words, of how many edges none is made, and which have no fold."""
    asked = items.filter(kind=EDGE).sort("item_id")
    beside: dict[frozenset[int], list[tuple[int, int | None]]] = {}
    for *ends, fold, split, value_split in value_pairs.select(*ENDS, "fold", "split", "value_split").rows():
        side = max(map(FROM_TRAINING.index, (split, value_split)))
        beside.setdefault(frozenset(ends), []).append((side, fold))
    torn = [
        item_id
        for item_id, options, split, fold in asked.select("item_id", "options", "split", "fold").rows()
        for side, other in beside[frozenset(options)]
        if side < FROM_TRAINING.index(split) or fold not in (None, other)
    ]
    return Measured(
        EDGES_HELD_OUT, len(set(torn)), examples(dict.fromkeys(torn)), _left_out(asked, value_pairs)
    )


def _left_out(asked: pl.DataFrame, value_pairs: pl.DataFrame) -> str:
    """How many edges that are held out by their own prompt and values are not asked about, or in no fold."""
    in_folds = value_pairs["fold"].count()
    of_sides = value_pairs.filter(
        pl.any_horizontal(pl.col("split", "value_split") != TRAIN) | pl.col("fold").is_not_null()
    )
    return (
        f"of {len(of_sides):,} edges that are held out {len(asked):,} are asked about, "
        f"and of {in_folds:,} in folds {asked['fold'].count():,} in theirs"
    )
