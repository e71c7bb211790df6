"""The benchmark: each stage on a synthetic deliberation, beside a floor that is measured in the same run."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from dft_pipeline.cli.timing import Timing, best, timed
from dft_pipeline.contracts import broken, repeated
from dft_pipeline.dataset.aggregations import aggregations
from dft_pipeline.dataset.coverage_by_h import coverage_by_h
from dft_pipeline.dataset.gates import measured_rows
from dft_pipeline.dataset.gradient import gradients
from dft_pipeline.dataset.questions import Snapshot, numbered, participants
from dft_pipeline.dataset.rows import reward_rows, rubric_rows
from dft_pipeline.gates import Measured
from dft_pipeline.graph import moral_graph
from dft_pipeline.graph.chance import shuffled_edges
from dft_pipeline.graph.contested import contested
from dft_pipeline.graph.disputes import erased_votes
from dft_pipeline.graph.evidence import Said, edge_evidence
from dft_pipeline.graph.gates import measured_consensus, measured_ranking
from dft_pipeline.graph.graph_values import graph_values
from dft_pipeline.policies import DEFAULT, Aggregation, Evidence, ParticipantPolicy
from dft_pipeline.raw.tables import RELATIONSHIPS, SOURCE_TABLES, SourceTable
from dft_pipeline.tables import TABLES, Table
from dft_pipeline.values import one_voice
from dft_pipeline.values.admission import set_aside
from dft_pipeline.values.gates import measured_values
from dft_pipeline.values.raw_gates import measured_raw
from dft_pipeline.values.small_cells import Known

VALUES, CASES, CONTEXTS = 2_000, 10, 100
ASKED_PER_VALUE = 10  # wiser values that a value is proposed to move to
JUDGMENTS_PER_PERSON = 10
SHOWN_PER_DRAW = 5
ANSWER_SHARES = (0.65, 0.15, 0.2)
BEGIN = np.datetime64("2024-01-01", "us")
TIME = pl.Datetime("us", "UTC")


def bench(judgments: int, seed: int = 0, repeats: int = 3) -> Iterator[Timing]:
    """Times the stages on `judgments` edge judgments and as many votes."""
    rng = np.random.Generator(np.random.PCG64(seed))
    edges, votes, links, cards, values, cases = _deliberation(rng, judgments)
    raw = _raw(rng, edges, links, values, cases)
    yield from _of_table("edge", raw["edge"], SOURCE_TABLES["edge"], repeats)
    reading = _reading(raw, repeats)
    aside, seconds = timed(lambda: set_aside(raw, ParticipantPolicy()), repeats)
    yield Timing(f"admission ({sum(map(len, raw.values())):,} rows)", seconds, "reading Parquet", reading)
    hashing = best(lambda: edges.select(pl.all().hash()).sum(), repeats)
    judged, seconds = timed(lambda: one_voice.judgments(edges, cards, links).kept, repeats)
    yield Timing("one voice", seconds, "hash of every cell", hashing)
    yield from _of_table("judgments", judged, TABLES["judgments"], repeats)
    pairs = ("source_value_id", "wiser_value_id")
    counting = best(lambda: judged.lazy().group_by(pairs).len().collect(engine="streaming"), repeats)
    counted = "count(*) per pair"
    tallies, tallying = timed(lambda: moral_graph.pair_tallies(judged, links, DEFAULT), repeats)
    yield Timing("tally, rules, unwinding in all scopes", tallying, counted, counting)
    found, seconds = timed(lambda: moral_graph.edge_judgments(judged, links, tallies), repeats)
    yield Timing(f"edge judgments ({len(found):,} rows)", seconds, counted, counting)
    groups = pl.DataFrame(schema={"participant_id": pl.String, "group": pl.String})
    disputed, seconds = timed(lambda: contested(tallies, judged, links, groups), repeats)
    yield Timing("contested", seconds, counted, counting)
    graph = moral_graph.wisdom_edges(tallies, DEFAULT)
    said = Said(tallies, judged, links, votes)
    sure, seconds = timed(lambda: edge_evidence(said, DEFAULT, Evidence()), repeats)
    yield Timing(f"evidence of {len(sure):,} edges", seconds, counted, counting)
    seconds = best(lambda: shuffled_edges(judged, DEFAULT, Evidence()), repeats)
    yield Timing(f"graphs of {Evidence().shuffles} shuffles", seconds, counted, counting)
    ranked, seconds = timed(lambda: graph_values(graph, values, votes, links), repeats)
    showing = best(lambda: votes.lazy().group_by("value_id").len().collect(engine="streaming"), repeats)
    yield Timing("values with rank and votes", seconds, "count(*) of votes per value", showing)
    nobody = TABLES["articulations"].schema.to_frame()
    erased = erased_votes(disputed, judged, links, DEFAULT)
    snapshot = Snapshot(cases, links, judged, votes, nobody, values, graph, ranked, disputed, erased, sure)
    reward, seconds = timed(lambda: reward_rows(snapshot, "default", Aggregation()), repeats)
    yield Timing("reward rows", seconds, counted, counting)
    rubric, seconds = timed(lambda: rubric_rows(reward), repeats)
    yield Timing("rubric rows", seconds, counted, counting)
    coverage = best(lambda: _of_every_h(snapshot, groups), repeats)
    yield Timing("coverage at every h, aggregations", coverage, counted, counting)

    def gates() -> list[Measured]:
        return [
            *measured_raw(raw, aside, (BEGIN.item() + timedelta(days=14)).date()),
            *measured_values(cards, cards, values, values),
            *measured_consensus(tallies, graph, found, DEFAULT, graph),
            *measured_ranking(graph, ranked),
            *measured_rows(reward, rubric, values, graph),
        ]

    yield Timing("statistics of all gates", best(gates, repeats), "the tally", tallying)


def _of_every_h(snapshot: Snapshot, groups: pl.DataFrame) -> None:
    every = list(gradients(numbered(snapshot), Aggregation()))
    coverage_by_h(every, participants(snapshot), groups, Known())
    aggregations(every, snapshot.canonical_values, Aggregation())


def _of_table(name: str, rows: pl.DataFrame, table: SourceTable | Table, repeats: int) -> Iterator[Timing]:
    """What every row and every key of a table is asked."""
    key = table.key if isinstance(table, Table) else table.pseudonymous_key
    seconds = best(lambda: broken(rows, table.contract, table.rules), repeats)
    yield Timing(f"row rules of {name}", seconds, "reading Parquet", _reading({name: rows}, repeats))
    seconds = best(lambda: repeated(rows, key), repeats)
    counting = best(lambda: rows.select(pl.struct(key).n_unique()), repeats)
    yield Timing(f"keys of {name}", seconds, "n_unique of the key", counting)


def _reading(tables: Mapping[str, pl.DataFrame], repeats: int) -> float:
    """How long it takes to read the same rows, as the lake writes them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in tables.items():
            rows.write_parquet(Path(folder) / name)
        return best(lambda: [pl.read_parquet(Path(folder) / name) for name in tables], repeats)


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


def _raw(
    rng: np.random.Generator,
    edges: pl.DataFrame,
    links: pl.DataFrame,
    values: pl.DataFrame,
    cases: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """The source tables by name: the judgments, as many values shown in draws, and what they name."""
    times = {"createdAt": pl.lit(BEGIN.item()).cast(TIME), "updatedAt": pl.lit(BEGIN.item()).cast(TIME)}
    people = edges.select(pl.col("participant_id").unique(maintain_order=True))
    shown = _shown(rng, people["participant_id"], len(edges)).with_columns(**times)
    given = {
        "user": people.with_columns(**times),
        "case": cases.with_columns(title="id"),
        "context": links.select(pl.col("context_id").unique().sort().alias("id")),
        "contextsOnCases": links.select(contextId="context_id", caseId="case_id", **times),
        "canonicalValuesCard": values.select(
            id="value_id",
            title="title",
            instructionsShort="instructions_short",
            instructionsDetailed="instructions_detailed",
            evaluationCriteria="criteria",
            **times,
        ),
        "impression": shown,
        "vote": shown.filter(rng.random(len(shown)) < 0.4),
        "edge": edges.unique(SOURCE_TABLES["edge"].pseudonymous_key, maintain_order=True),
    }
    return {name: _as_source(table, given.get(name, pl.DataFrame())) for name, table in SOURCE_TABLES.items()}


def _shown(rng: np.random.Generator, people: pl.Series, size: int) -> pl.DataFrame:
    """Draws of different values, each by one participant on one case."""
    place = np.arange(size)
    draws = place // SHOWN_PER_DRAW
    value = rng.integers(0, VALUES, size)[draws] + place % SHOWN_PER_DRAW
    return pl.DataFrame(
        {
            "id": place,
            "participant_id": people.gather(rng.integers(0, len(people), size)[draws]),
            "drawId": [f"draw {draw}" for draw in draws],
            "valuesCardId": value % VALUES,
            "caseId": pl.Series([f"case {number}" for number in range(CASES)]).gather(draws % CASES),
        }
    )


def _as_source(table: SourceTable, rows: pl.DataFrame) -> pl.DataFrame:
    """All columns of the table; those that the rows lack are null."""
    types = {column.pseudonymous: column.promised.dtype for column in table.checked}
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in types.items() if name not in rows.columns]
    return rows.with_columns(lacking).select(types.keys()) if len(rows) else pl.DataFrame(schema=types)


def _values() -> tuple[pl.DataFrame, pl.DataFrame]:
    ids = pl.DataFrame({"value_id": np.arange(VALUES)})
    cards = ids.select(card_kind=pl.lit("canonical"), card_id="value_id", value_id="value_id")
    text, now = pl.lit("a text"), pl.lit(BEGIN.item()).cast(TIME)
    values = ids.with_columns(
        title=text, instructions_short=text, instructions_detailed=text, criteria=pl.concat_list(text, text)
    ).with_columns(created_at=now, updated_at=now, card_count=pl.lit(1, pl.Int64))
    return cards, values


def _cases(names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"id": names, "question": names})
