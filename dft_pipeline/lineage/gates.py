"""What lineage must be like."""

import polars as pl

from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.policies import Aggregation
from dft_pipeline.table_gates import examples

ADDS_UP = Gate(
    "rows_add_up",
    "row_lineage",
    "every reward row has its edges, and its support at h = 0, and no more than its support at another h",
    high=0,
    mend=DEFECT,
)
LINEAGE_GATES = (ADDS_UP,)


def measured_lineage(
    reward: pl.DataFrame, row_lineage: pl.DataFrame, settings: Aggregation
) -> list[Measured]:
    """What the gate sees of `row_lineage`, beside the table `reward_rows`."""
    lost = astray(reward, row_lineage, settings)
    return [Measured(ADDS_UP, len(lost), examples(lost))]


def astray(reward: pl.DataFrame, row_lineage: pl.DataFrame, settings: Aggregation) -> list[str]:
    """The row_ids of reward rows without lineage, or with other edges or another support."""
    both = reward.select("row_id", "support", "edge_ids").join(row_lineage, on="row_id", how="left")
    direct, support = pl.col("direct_support"), pl.col("support")
    is_supported = direct == support if settings.h == 0 else direct <= support
    ends = pl.col("source_value_ids").list.len() == pl.col("edge_ids").list.len()
    return both.filter(~(is_supported & ends).fill_null(False))["row_id"].sort().to_list()
