"""The benchmark of Γ alone: a large case at every h up to five, beside a row's copy for each edge and hop."""

from itertools import islice

import numpy as np
import polars as pl

from dft_pipeline.cli.timing import Timing, best
from dft_pipeline.dataset.gamma import Question, chosen, every_h
from dft_pipeline.dataset.hops import WORD, WORDS_AT_ONCE
from dft_pipeline.policies import Aggregation
from dft_pipeline.raw.tables import RELATIONSHIPS
from dft_pipeline.tables import TABLES

EDGES_PER_VALUE = 10
VOTES_PER_PERSON = JUDGMENTS_PER_PERSON = 10
ANSWER_SHARES = (0.65, 0.15, 0.2)
HOPS = 5


def bench_gamma(people: int = 100_000, edges: int = 20_000, seed: int = 0, repeats: int = 3) -> Timing:
    """Times who holds what and what is chosen at each h from 0 to HOPS, of participants as pseudonyms."""
    asked = _question(np.random.Generator(np.random.PCG64(seed)), people, edges)

    def every() -> None:
        for held in islice(every_h(asked, Aggregation()), HOPS + 1):
            chosen(asked, held.standing, Aggregation())

    copying = best(lambda: _copies(people, edges), repeats)
    stage = f"Γ at h 0 to {HOPS} ({people:,} people, {edges:,} edges)"
    return Timing(stage, best(every, repeats), "a row's copy per edge and hop", copying)


def _question(rng: np.random.Generator, people: int, size: int) -> Question:
    """A graph whose edges lead a few values on, answers about its edges, votes about any value."""
    values = size // EDGES_PER_VALUE
    source = np.repeat(np.arange(values), EDGES_PER_VALUE)
    wiser = source + 1 + np.tile(np.arange(EDGES_PER_VALUE), values)
    names = np.array([f"{number:032x}" for number in range(people)])
    place = rng.integers(0, size, people * JUDGMENTS_PER_PERSON)
    judged = pl.DataFrame(
        {
            "participant_id": names[rng.integers(0, people, len(place))],
            "source_value_id": source[place],
            "wiser_value_id": wiser[place],
            "relationship": np.array(RELATIONSHIPS)[rng.choice(3, len(place), p=ANSWER_SHARES)],
        }
    )
    votes = pl.DataFrame(
        {
            "participant_id": names[rng.integers(0, people, people * VOTES_PER_PERSON)],
            "value_id": rng.integers(0, values, people * VOTES_PER_PERSON),
            "is_vote": rng.random(people * VOTES_PER_PERSON) < 0.4,
        }
    )
    return Question(
        votes=votes,
        articulations=TABLES["articulations"].schema.to_frame(),
        judgments=judged,
        edges=pl.DataFrame({"source_value_id": source, "wiser_value_id": wiser}),
        nodes=TABLES["graph_values"].schema.to_frame(),
        in_context=False,
    )


def _copies(people: int, edges: int) -> None:
    """A row of bits copied for every edge, hop, and of support and exposure."""
    words = -(-people // WORD)
    at_once = max(WORDS_AT_ONCE // words, 1)
    rows = np.zeros((at_once, words), dtype=np.uint64)
    for _ in range(2 * HOPS * -(-edges // at_once)):
        rows.copy()
