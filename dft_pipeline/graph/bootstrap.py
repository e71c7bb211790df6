"""How often an edge would be there had other people come: resamples of the participants.

Each participant counts a Poisson(1) number of times in a resample, the same in all pairs and scopes. Only
the rules are asked: whether a loop would be unwound depends on every other edge.
"""

from collections.abc import Iterator, Mapping

import narwhals as nw
import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from dft_pipeline.graph.consensus import with_rates, with_verdict
from dft_pipeline.graph.streams import RESAMPLES, stream
from dft_pipeline.graph.tally import ANSWERS, COUNTS
from dft_pipeline.policies import ConsensusPolicy, Evidence

# What a pair is lost to, by the rule that rejects it. Who is no candidate any more lacks upgrades as well.
LOST_TO: Mapping[str, str] = {
    "too_few_wiser": "lost_to_count",
    "contested_direction": "lost_to_direction",
    "no_majority": "lost_to_direction",
    "weak_agreement": "lost_to_direction",
    "no_consensus": "lost_to_entropy",
}
SURVIVED = "bootstrap_survival"
FATES = (SURVIVED, "lost_to_count", "lost_to_direction", "lost_to_entropy")
FORWARD, REVERSE = 0, len(ANSWERS)  # where the kinds of answers of a direction begin
AT_ONCE = 1_000_000  # cells of a part of the resamples

Ints = NDArray[np.int64]


def survival(
    pair: Ints, person: Ints, kind: Ints, shape: tuple[int, int], policy: ConsensusPolicy, evidence: Evidence
) -> pl.DataFrame:
    """FATES of each pair, as shares of the resamples that add up to 1.

    `pair`, `person` and `kind` have an answer each, the kind being its place among ANSWERS, from REVERSE on
    where it was asked the other way round. `shape`: how many pairs and participants there are.
    """
    pairs, people = shape
    ones = np.ones(len(pair), dtype=np.int32)
    said = sp.csr_array((ones, (kind * pairs + pair, person)), shape=(2 * len(ANSWERS) * pairs, people))
    met = np.zeros((pairs, len(FATES)), dtype=np.int64)
    for numbers in _parts(evidence.resamples, max(AT_ONCE // max(pairs, 1), 1)):
        counted = np.asarray(said @ weights(people, evidence.seed, numbers))
        cells = pairs * len(numbers)
        fates = _fates(_counts(counted.reshape(2 * len(ANSWERS), cells)), policy).reshape(pairs, len(numbers))
        met += (fates[:, :, None] == np.arange(len(FATES))).sum(axis=1)
    return pl.DataFrame(met / evidence.resamples, schema=FATES)


def weights(people: int, seed: int, numbers: range) -> NDArray[np.int32]:
    """How often each participant counts in the resamples of these numbers; shape (people, resamples).

    Participants stand in the order that `streams.people` gives.
    """
    drawn = [stream(seed, RESAMPLES, number).poisson(1, people) for number in numbers]
    return np.column_stack(drawn).astype(np.int32)


def _parts(resamples: int, size: int) -> Iterator[range]:
    return (range(first, min(first + size, resamples)) for first in range(0, resamples, size))


def _counts(counted: NDArray[np.int32]) -> pl.DataFrame:
    """COUNTS, as the tally has them; a row for each pair and resample."""
    marks = dict(zip(ANSWERS.values(), counted[FORWARD:REVERSE], strict=True))
    both_ways = counted.sum(axis=0, dtype=np.int64)
    counts = {**marks, "marked_less_wise": counted[REVERSE], "judgments_both_ways": both_ways}
    return pl.DataFrame({count: pl.Series(counts[count], dtype=pl.Int64) for count in COUNTS})


def _fates(counts: pl.DataFrame, policy: ConsensusPolicy) -> NDArray[np.int64]:
    """The place among FATES of each row."""
    judged = with_verdict(with_rates(nw.from_native(counts.lazy()), policy), policy).to_native()
    place = {rule: FATES.index(fate) for rule, fate in LOST_TO.items()}
    lost = pl.col("rejection_reason").replace_strict(place, default=0, return_dtype=pl.Int64)
    no_candidate = pl.col("marked_wiser") < 1
    fate = pl.when(no_candidate).then(FATES.index("lost_to_count")).otherwise(lost).alias("fate")
    places: pl.DataFrame = judged.select(fate).collect()
    return places["fate"].to_numpy()
