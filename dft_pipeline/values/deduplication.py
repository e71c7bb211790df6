"""Which value each card became, found from what the cards say: by a threshold, or by a judge of pairs.

What belongs here: the steps in their order. The tables that come out stand in `grouping`; the app's own
assignment (`given`) in `canonical`.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.policies import Deduplication
from dft_pipeline.values.card_texts import CANONICAL, distinct_texts
from dft_pipeline.values.clusters import Agree, Stars, medoids, stars
from dft_pipeline.values.grouping import SAID, Grouped, decisions, tables
from dft_pipeline.values.judging import SAME, Asks, Card, Pair, Rate, judged
from dft_pipeline.values.neighbours import Indices, Pairs, Whole, has_neighbour, joined, whole
from dft_pipeline.values.similarity import Embed, card_vectors

DIFFERENT = "different"
Yes = NDArray[np.bool_]


def offline(every: pl.DataFrame, embed: Embed, settings: Deduplication) -> Grouped:
    """Groups the cards of `card_texts.all_cards`; each becomes exactly one value.

    Similar enough is the same. The text that most cards share leads, and the medoid represents its group.
    """
    texts = distinct_texts(every)
    found, decided = similar_texts(texts, whole(card_vectors(texts, embed, settings)), settings)
    return tables(every, texts, found, decided, settings.decider)


def similar_texts(texts: pl.DataFrame, vectors: Whole, settings: Deduplication) -> tuple[Stars, pl.DataFrame]:
    """Groups of `card_texts.distinct_texts` by their vectors, and what was decided about pairs of rows."""
    agree = _similar_enough(texts, settings)
    decided = [decisions(joined(()))]

    def decide(pairs: Pairs) -> Yes:
        verdict = pl.when(pl.Series(agree(pairs))).then(pl.lit(SAME)).otherwise(pl.lit(DIFFERENT))
        decided.append(decisions(pairs, verdict=verdict, judge=pl.lit(settings.decider)))
        return agree(pairs)

    weights = texts["card_count"].to_numpy()
    order = np.argsort(-weights, kind="stable")
    led = stars(order, vectors, settings.candidate_threshold, agree, decide)
    found = medoids(led, order, vectors, weights, agree)
    decide(_moved(led, found))
    return found, pl.concat(decided)


def by_model(every: pl.DataFrame, embed: Embed, settings: Deduplication, asks: Asks) -> Grouped:
    """Groups them by a judge's verdicts on pairs that are similar; the best written text leads its group.

    Cards with the same text are the same, and cards that are like no other alone, without being asked about.
    """
    texts = distinct_texts(every)
    vectors = whole(card_vectors(texts, embed, settings))
    cards = [Card(*row) for row in texts.select("card_kind", "card_id").iter_rows()]
    decided, wrong = [decisions(joined(()))], Counter[str]()

    def decide(pairs: Pairs) -> Yes:
        answers = judged(_named(pairs, cards), asks.judge, settings.decider)
        wrong.update(answers.set_aside)
        said = pl.DataFrame([one[2:] for one in answers.verdicts], SAID, orient="row")
        decided.append(decisions(pairs, **said.to_dict()))
        return (said["verdict"] == SAME).to_numpy()

    ratings = _ratings(cards, has_neighbour(vectors, settings.candidate_threshold), asks.rate)
    order = np.lexsort((-texts["card_count"].to_numpy(), -ratings))
    found = stars(order, vectors, settings.candidate_threshold, _anything, decide)
    made = tables(every, texts, found, pl.concat(decided), settings.decider)
    return made._replace(set_aside=dict(sorted(wrong.items())))


def _similar_enough(texts: pl.DataFrame, settings: Deduplication) -> Agree:
    is_canonical = (texts["card_kind"] == CANONICAL).to_numpy()

    def agree(pairs: Pairs) -> Yes:
        apart = is_canonical[pairs.first] & is_canonical[pairs.second]
        bound = np.where(apart, settings.canonical_threshold, settings.threshold)
        enough: Yes = pairs.similarity >= bound
        return enough

    return agree


def _anything(pairs: Pairs) -> Yes:
    """Before a judge is asked, every candidate may be the same."""
    return np.ones(len(pairs.first), np.bool_)


def _moved(led: Stars, found: Stars) -> Pairs:
    """The members, with their representative, of whom it is not the one that led them."""
    every = np.arange(len(led.representative))
    is_moved = (found.representative != led.representative) & (found.representative != every)
    return Pairs(every, found.representative, found.similarity).where(is_moved)


def _ratings(cards: Sequence[Card], is_asked: Yes, rate: Rate) -> Indices:
    """How well each card is written, 0 where that is not known.

    Nobody is asked about cards that are like no other, since they lead nobody.
    """
    asked = np.flatnonzero(is_asked)
    ratings = np.zeros(len(cards), np.int64)
    ratings[asked] = [rating or 0 for rating in rate([cards[row] for row in asked.tolist()])]
    return ratings


def _named(pairs: Pairs, cards: Sequence[Card]) -> list[Pair]:
    columns = (column.tolist() for column in pairs)
    return [
        Pair(min(cards[a], cards[b]), max(cards[a], cards[b]), similarity)
        for a, b, similarity in zip(*columns, strict=True)
    ]
