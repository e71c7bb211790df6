"""The benchmark: each stage on a synthetic deliberation, beside a floor that is measured in the same run."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from dft_pipeline.dataset.rows import Snapshot, reward_rows, rubric_rows
from dft_pipeline.graph import moral_graph
from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.policies import DEFAULT, Aggregation
from dft_pipeline.raw.tables import RELATIONSHIPS
from dft_pipeline.tables import TABLES
from dft_pipeline.values import one_voice

VALUES, CASES, CONTEXTS = 2_000, 10, 100
ASKED_PER_VALUE = 10  # wiser values that a value is proposed to move to
JUDGMENTS_PER_PERSON = 10
ANSWER_SHARES = (0.65, 0.15, 0.2)
BEGIN = np.datetime64("2024-01-01", "us")
TIME = pl.Datetime("us", "UTC")


class Timing(NamedTuple):
    """A stage's best time, and that of the least work that any engine must do for it, in seconds."""

    stage: str
    seconds: float
    floor: str
    floor_seconds: float


def bench(judgments: int, seed: int = 0, repeats: int = 3) -> Iterator[Timing]:
    """Times the stages on `judgments` edge judgments and as many votes."""
    rng = np.random.Generator(np.random.PCG64(seed))
    edges, votes, links, cards, values, cases = _deliberation(rng, judgments)
    reading = _best(lambda: edges.select(pl.all().hash()).sum(), repeats)
    read = "hash of every cell"
    judged, seconds = _timed(lambda: one_voice.judgments(edges, cards, links).kept, repeats)
    yield Timing("one voice", seconds, read, reading)
    pairs = ("source_value_id", "wiser_value_id")
    counting = _best(lambda: judged.lazy().group_by(pairs).len().collect(engine="streaming"), repeats)
    counted = "count(*) per pair"
    tallies, seconds = _timed(lambda: moral_graph.pair_tallies(judged, links, DEFAULT), repeats)
    yield Timing("tally, rules, unwinding in all scopes", seconds, counted, counting)
    found, seconds = _timed(lambda: moral_graph.edge_judgments(judged, links, tallies), repeats)
    yield Timing(f"edge judgments ({len(found):,} rows)", seconds, counted, counting)
    groups = pl.DataFrame(schema={"participant_id": pl.String, "group": pl.String})
    _, seconds = _timed(lambda: contested(tallies, judged, links, groups), repeats)
    yield Timing("contested", seconds, counted, counting)
    graph = moral_graph.wisdom_edges(tallies, DEFAULT)
    ranked, seconds = _timed(lambda: graph_values(graph, values, votes, links), repeats)
    showing = _best(lambda: votes.lazy().group_by("value_id").len().collect(engine="streaming"), repeats)
    yield Timing("values with rank and votes", seconds, "count(*) of votes per value", showing)
    nobody = TABLES["articulations"].schema.to_frame()
    snapshot = Snapshot(cases, links, judged, votes, nobody, values, graph, ranked)
    _, seconds = _timed(lambda: rubric_rows(reward_rows(snapshot, "default", Aggregation())), repeats)
    yield Timing("reward and rubric rows", seconds, counted, counting)


def _deliberation(rng: np.random.Generator, size: int) -> tuple[pl.DataFrame, ...]:
    """Edge judgments as the app has them, votes, links, card_values, canonical_values and cases."""
    people = max(size // JUDGMENTS_PER_PERSON, 1)
    contexts = [f"When {number}" for number in range(CONTEXTS)]
    cases = [f"case {number}" for number in range(CASES)]
    links = pl.DataFrame({"context_id": contexts, "case_id": [cases[n % CASES] for n in range(CONTEXTS)]})
    source = rng.integers(0, VALUES, size)
    wiser = (source + 1 + rng.integers(0, ASKED_PER_VALUE, size)) % VALUES
    names = np.array([f"{number:032x}" for number in range(people)])
    at = BEGIN + rng.integers(0, 10**12, size).astype("timedelta64[us]")
    edges = pl.DataFrame(
        {
            "participant_id": names[rng.integers(0, people, size)],
            "fromId": source,
            "toId": wiser,
            "contextId": np.array(contexts)[source % CONTEXTS],
            "relationship": np.array(RELATIONSHIPS)[rng.choice(3, size, p=ANSWER_SHARES)],
            "createdAt": pl.Series(at).cast(TIME),
            "updatedAt": pl.Series(at).cast(TIME),
        }
    ).with_columns(story=pl.lit(None, pl.String), comment=pl.lit(None, pl.String))
    votes = pl.DataFrame(
        {
            "participant_id": names[rng.integers(0, people, size)],
            "value_id": rng.integers(0, VALUES, size),
            "case_id": np.array(cases)[rng.integers(0, CASES, size)],
            "is_vote": rng.random(size) < 0.4,
            "created_at": pl.Series(at).cast(TIME),
        }
    ).unique(TABLES["votes"].key, maintain_order=True)
    return edges, votes, links, *_values(), _cases(cases)


def _values() -> tuple[pl.DataFrame, pl.DataFrame]:
    ids = pl.DataFrame({"value_id": np.arange(VALUES)})
    cards = ids.select(card_kind=pl.lit("canonical"), card_id="value_id", value_id="value_id")
    text, now = pl.lit("a text"), pl.lit(BEGIN.item()).cast(TIME)
    values = ids.with_columns(
        title=text, instructions_short=text, instructions_detailed=text, criteria=pl.concat_list(text, text)
    ).with_columns(created_at=now, updated_at=now)
    return cards, values


def _cases(names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"id": names, "question": names})


def _timed(work: Callable[[], pl.DataFrame], repeats: int) -> tuple[pl.DataFrame, float]:
    """What the work gives, and the shortest of a few times: what the machine can do undisturbed."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return result, min(seconds)


def _best(work: Callable[[], pl.DataFrame], repeats: int) -> float:
    return _timed(work, repeats)[1]
