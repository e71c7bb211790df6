"""P(θ ahead > θ back): against the integral, and against people with a known share of `upgrade`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from dft_pipeline.graph.direction import Asked, p_direction

counts = st.integers(0, 60)


def asked(*answers: tuple[int, int]) -> Asked:
    return Asked(*np.array(answers, dtype=np.int64).reshape(-1, 2).T)


def integral(ahead: tuple[int, int], back: tuple[int, int], share: float, strength: float) -> float:
    one, other = (
        stats.beta(strength * share + upgrade, strength * (1 - share) + rest)
        for upgrade, rest in (ahead, back)
    )
    return float(quad(lambda u: other.cdf(one.ppf(u)), 0, 1, limit=200)[0])


@settings(max_examples=10)
@given(st.tuples(counts, counts), st.tuples(counts, counts), st.floats(0.05, 0.95), st.floats(0.5, 20))
def test_p_is_the_integral(
    ahead: tuple[int, int], back: tuple[int, int], share: float, strength: float
) -> None:
    (p,) = p_direction(asked(ahead), asked(back), share, strength)
    assert p == pytest.approx(integral(ahead, back, share, strength), abs=1e-6)
    (turned,) = p_direction(asked(back), asked(ahead), share, strength)
    assert p + turned == pytest.approx(1, abs=1e-9), "the one or the other is larger"


def test_several_pairs_at_once_are_each_their_own() -> None:
    ahead, back = [(3, 0), (0, 0), (9, 40), (0, 5)], [(0, 5), (0, 0), (3, 3), (0, 5)]
    together = p_direction(asked(*ahead), asked(*back), 0.6, 2)
    alone = [p_direction(asked(one), asked(other), 0.6, 2)[0] for one, other in zip(ahead, back, strict=True)]
    assert together.tolist() == alone
    assert together[1] == 0.5
    assert together[3] == pytest.approx(0.5)
    assert p_direction(asked(), asked(), 0.6, 2).tolist() == []


def test_many_answers_are_sure_and_in_range() -> None:
    p = p_direction(asked((9000, 1000), (1000, 9000)), asked((5000, 5000), (5000, 5000)), 0.5, 2)
    assert p == pytest.approx([1, 0], abs=1e-9)
    assert ((p >= 0) & (p <= 1)).all()


def test_p_is_calibrated() -> None:
    """Of pairs with p about 0.8, the first question has the larger share in eight of ten."""
    rng = np.random.default_rng(3)
    pairs, share, strength = 20_000, 0.65, 2.0
    thetas = rng.beta(strength * share, strength * (1 - share), (2, pairs))
    answers = rng.integers(5, 25, (2, pairs))
    upgrades = rng.binomial(answers, thetas)
    p = p_direction(
        *(Asked(one, many - one) for one, many in zip(upgrades, answers, strict=True)), share, strength
    )
    ahead = thetas[0] > thetas[1]
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        error = 4 * np.sqrt(0.25 / inside.sum())
        assert ahead[inside].mean() == pytest.approx(p[inside].mean(), abs=error), low
