"""How sure the direction of an edge is: which of the two questions gets the larger share of `upgrade`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Asked(NamedTuple):
    """Answers to a pair, asked one way: how many say `upgrade`, and how many say anything else."""

    upgrade: Ints
    other: Ints


def p_direction(ahead: Asked, back: Asked, base_share: float, strength: float) -> Floats:
    """P(θ ahead > θ back); shape (pairs,).

    Each θ has the posterior Beta(s·m + upgrade, s·(1 − m) + other), with m = `base_share` and s = `strength`
    pseudo-answers. With equal priors P is 1/2, and every answer adds a known term (Cook, "Exact calculation
    of beta inequalities", 2005): nothing is drawn, and nothing is cut off.
    """
    prior = (strength * base_share, strength * (1 - base_share))
    shapes = [np.full(len(ahead.upgrade), shape) for shape in (*prior, *prior)]
    p = np.full(len(ahead.upgrade), 0.5)
    for which, (answers, sign) in enumerate(zip((*ahead, *back), (1, -1, -1, 1), strict=True)):
        p += sign * _terms(shapes, which, answers)
        shapes[which] = shapes[which] + answers
    return p.clip(0, 1)


def _terms(shapes: list[Floats], which: int, answers: Ints) -> Floats:
    """What P changes by when a shape grows by 1 as often as there are answers, without the sign."""
    pair = np.repeat(np.arange(len(answers)), answers)
    before = np.arange(len(pair)) - (np.cumsum(answers) - answers)[pair]
    grown = [shape[pair] + (before if place == which else 0) for place, shape in enumerate(shapes)]
    a, b, c, d = grown
    terms = np.exp(betaln(a + c, b + d) - betaln(a, b) - betaln(c, d)) / grown[which]
    return np.bincount(pair, terms, minlength=len(answers)).astype(np.float64)
