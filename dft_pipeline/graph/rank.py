"""How wise and how central a value is in the graph of a scope."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

DAMPING = 0.85
TOLERANCE = 1e-10  # of the whole vector, in the sum of absolute values


def pagerank(
    sources: NDArray[np.int64], targets: NDArray[np.int64], weights: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """PageRank of `size` nodes along weighted edges; shape (size,), sums to 1.

    The standard definition, with the mass of nodes without an outgoing edge spread evenly (Page, Brin,
    Motwani and Winograd, 1999). Weights must be positive.
    """
    strength = np.bincount(sources, weights, minlength=size)
    moves = sp.csr_array((weights / strength[sources], (targets, sources)), shape=(size, size))
    dangling = strength == 0
    rank: NDArray[np.float64] = np.full(size, 1 / size)
    # The error shrinks by the damping each time: the distance still to go is at most moved · d / (1 − d).
    moved = 1.0
    while moved * DAMPING / (1 - DAMPING) > TOLERANCE:
        spread = (DAMPING * rank[dangling].sum() + 1 - DAMPING) / size
        following = DAMPING * (moves @ rank) + spread
        moved, rank = float(np.abs(following - rank).sum()), following
    normalised: NDArray[np.float64] = rank / rank.sum()
    return normalised


def wisdom(targets: NDArray[np.int64], weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The sum of wiser_likelihood over each node's incoming edges; shape (size,)."""
    return np.bincount(targets, weights, minlength=size).astype(np.float64)


def wilson(successes: NDArray[np.int64], trials: NDArray[np.int64]) -> NDArray[np.float64]:
    """The 95 % Wilson interval of successes / trials: low and high, shape (2, n); NaN without trials."""
    z = 1.959963984540054
    with np.errstate(invalid="ignore", divide="ignore"):
        share = successes / trials
        centre = share + z**2 / (2 * trials)
        margin = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
        # Rounding must not carry a bound beyond what a share can be.
        return np.clip(np.stack([centre - margin, centre + margin]) / (1 + z**2 / trials), 0.0, 1.0)
