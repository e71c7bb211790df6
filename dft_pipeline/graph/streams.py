"""Seeded chance: a generator of its own for every resample and every shuffle, whatever order they come in."""

import numpy as np

RESAMPLES, SHUFFLES = 0, 1  # what a stream is for


def stream(seed: int, purpose: int, number: int) -> np.random.Generator:
    """The generator of the `number`th draw for a purpose; the same arguments give the same draws."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose, number))))
