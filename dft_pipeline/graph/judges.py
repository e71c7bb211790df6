"""Who judged an edge, by group, as far as that may be seen.

In the scope `all` alone: figures of scopes that overlap could be subtracted from each other. Edges whose
answers by group stand in `contested` are left out for the same reason, and so is an edge whose judges are
nearly those of another edge.
"""

from itertools import groupby

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from dft_pipeline.graph.scopes import ALL
from dft_pipeline.graph.tally import PAIR
from dft_pipeline.values import reading, small_cells
from dft_pipeline.values.small_cells import FEWEST_PEOPLE

Ints = NDArray[np.int64]


def judges_by_group(judges: pl.DataFrame, groups: pl.DataFrame, contested: pl.DataFrame) -> pl.DataFrame:
    """pair, judges_by_group: the groups of each edge that may be seen. Edges without any are left out.

    `judges` has pair, scope, source_value_id, wiser_value_id and participant_id, one row per judge of an
    edge; `contested` is the table, `groups` has participant_id and group.
    """
    elsewhere = contested.filter(scope=ALL).select(pl.col("edges").explode()).drop_nulls()
    alone = judges.filter(scope=ALL).join(elsewhere.unnest("edges"), on=PAIR, how="anti")
    named = alone.join(groups, on="participant_id", how="left").select(
        "participant_id", record="pair", group=pl.col("group").fill_null(reading.UNKNOWN)
    )
    figures = named.group_by("record", "group").agg(participant_count=pl.len().cast(pl.Int64))
    shown = small_cells.large_enough(figures)
    apart = shown.filter(~pl.col("record").is_in(_too_alike(named, shown))).sort("record", "group")
    by_record = apart.group_by(pair="record", maintain_order=True)
    return by_record.agg(judges_by_group=pl.struct("group", "participant_count"))


def _too_alike(named: pl.DataFrame, shown: pl.DataFrame) -> list[int]:
    """The records of which, beside an earlier one that is seen, something small follows."""
    hidden: set[int] = set()
    for later, pairs in groupby(_conflicts(named, shown), key=lambda pair: pair[1]):
        if any(earlier not in hidden for earlier, _ in pairs):
            hidden.add(later)
    return sorted(hidden)


def _conflicts(named: pl.DataFrame, shown: pl.DataFrame) -> list[tuple[int, int]]:
    """Two records whose judges are not the same, but for few of a group, or of those left out, in both.

    The earlier one and the later one, sorted by the later.
    """
    seen = named.join(shown.select("record").unique(), on="record", how="semi")
    cells = seen.join(shown.select("record", "group", cell="group"), on=["record", "group"], how="left")
    close = [_close(cells.filter(pl.col("cell").eq_missing(cell))) for cell in sorted(set(shown["group"]))]
    pairs = pl.concat([*close, _close(cells.filter(pl.col("cell").is_null())).filter(pl.col("differ") > 0)])
    distinct = pairs.select("record", "other").unique()
    alike = distinct.join(_close(seen).filter(differ=0), on=["record", "other"], how="anti")
    return alike.sort("other", "record").rows()


def _close(rows: pl.DataFrame) -> pl.DataFrame:
    """Records with judges in common and few that only one of them has: record, other (later), differ."""
    names, records = np.unique(rows["record"].to_numpy(), return_inverse=True)
    people = rows["participant_id"].rank("dense").to_numpy().astype(np.int64) - 1
    shape = (len(names), int(people.max(initial=-1)) + 1)
    judged = sp.csr_array((np.ones(len(rows), dtype=np.int64), (records, people)), shape=shape)
    common = sp.triu(judged @ judged.T, k=1).tocoo()
    size: Ints = judged.sum(axis=1)
    differ = size[common.row] + size[common.col] - 2 * common.data
    few = differ < FEWEST_PEOPLE
    return pl.DataFrame(
        {"record": names[common.row[few]], "other": names[common.col[few]], "differ": differ[few]}
    )
