"""What can be answered without having learned anything: by chance, by length, by counts, by likeness.

Each chooses half of an item's options, which is how many of them are right where there are enough others.
Counts are of the whole snapshot, of what is held out too: a model has learned something that beats them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dft_pipeline.training.evaluation_items import option_text
from dft_pipeline.values.similarity import Embed, Floats

Item = Mapping[str, Any]
Liked = Callable[[Item, int], float]
EVERYTHING = "everything"


class Known(NamedTuple):
    """What baselines go by: the values' texts, their votes and pagerank in the scope `all`, and vectors."""

    texts: Mapping[int, str]
    votes: Mapping[int, float]
    pagerank: Mapping[int, float]
    vectors: "Vectors"


class Vectors:
    """Vectors of texts, of length 1, each text asked for once."""

    def __init__(self, texts: Sequence[str], embed: Embed) -> None:
        distinct = sorted(set(texts))
        self.rows: dict[str, Floats] = dict(zip(distinct, embed(distinct), strict=True))

    def likeness(self, one: str, other: str) -> float:
        """The cosine of two texts; 0 where one says nothing."""
        return float(np.dot(self.rows[one], self.rows[other]))


def half(item: Item) -> int:
    """How many options a baseline chooses."""
    return max(1, len(item["options"]) // 2)


def liked_by(known: Known) -> dict[str, Liked]:
    """How much each baseline likes an option; of options that it likes alike the earlier one goes first."""
    return {
        "longest": lambda _, value: len(known.texts[value]),
        "votes": lambda _, value: known.votes.get(value, 0.0),
        "pagerank": lambda _, value: known.pagerank.get(value, 0.0),
        "similarity": lambda item, value: known.vectors.likeness(situation(item), known.texts[value]),
    }


def most_liked(item: Item, liked: Liked) -> frozenset[int]:
    """The half of the options that are liked most."""
    return frozenset(sorted(item["options"], key=lambda value: -liked(item, value))[: half(item)])


def situation(item: Item) -> str:
    """What an item says of where a value is to be wise."""
    return "\n".join(filter(None, (item["prompt"], item["context_id"])))


def texts_of(values: Sequence[dict[str, Any]]) -> dict[int, str]:
    """Each value as options show it."""
    return {value["value_id"]: option_text(value) for value in values}
