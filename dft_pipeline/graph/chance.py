"""What chance gives: people who say `upgrade` to most things make edges of whatever they are asked.

Chance is that each participant's answers are shuffled among the judgments of theirs that count: how readily
they say `upgrade` stays, what they say it to does not. A participant has one judgment per ordered pair, so
the upgrades of a pair are a sum of independent draws, one per judge, each with the judge's own share of
`upgrade`: its distribution (Poisson-binomial) is known, and is what endlessly many shuffles give.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dft_pipeline.graph.moral_graph import tallied, wisdom_edges
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.graph.streams import SHUFFLES, people, stream
from dft_pipeline.graph.tally import ANSWERS, PAIR
from dft_pipeline.policies import ConsensusPolicy, Evidence
from dft_pipeline.tables import TABLES

AT_ONCE = 1_000_000  # cells of the distributions that are found together
DIRECT = 1024  # judges up to whom a distribution is found one by one

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def at_least(pair: Ints, share: Floats, observed: Ints) -> Floats:
    """P(a pair has `observed` upgrades or more) by chance, per pair; shape (pairs,), 0 to 1.

    `pair` and `share` have a judge each: which pair (its place in `observed`), and the judge's own share
    of `upgrade`. To rounding; beyond 1,024 judges to 1e-12.
    """
    order = np.lexsort((share, pair))
    judges, share = np.bincount(pair, minlength=len(observed)), share[order]
    begin = np.cumsum(judges) - judges
    p = np.ones(len(observed))
    for rows in _alike(judges):
        if judges[rows[0]] > DIRECT:
            of_one = _of_many(share[begin[rows[0]] :][: judges[rows[0]]])[None]
        else:
            of_one = _distributions(_padded(share, begin[rows], judges[rows]))
        # From above: where small numbers come first, none is lost.
        above = np.cumsum(of_one[:, ::-1], axis=1)[:, ::-1]
        p[rows] = above[np.arange(len(rows)), observed[rows]]
    return p.clip(0, 1)


def q_values(p: pl.DataFrame) -> pl.Series:
    """Benjamini and Hochberg's q of each row of `p` (scope, p_base) within its scope, in their order."""
    # Of p · m / rank the smallest at this p or a larger one, which is never above 1: that of the largest p.
    place = pl.col("p_base").rank("max").over("scope")
    adjusted = p.select(
        "scope", "p_base", q=pl.col("p_base") * pl.len().over("scope") / place
    ).with_row_index()
    falling = adjusted.sort("scope", "p_base", descending=[False, True], maintain_order=True)
    smallest = falling.with_columns(pl.col("q").cum_min().over("scope"))
    return smallest.sort("index")["q"].alias("q_base")


def shuffled_edges(judgments: pl.DataFrame, policy: ConsensusPolicy, evidence: Evidence) -> pl.DataFrame:
    """Table `shuffled_edges`: the graph of the scope `all` from shuffled answers, again and again."""
    counts = [
        len(wisdom_edges(tallied(answers, scopes, policy), policy))
        for answers, scopes in _shuffled(judgments, evidence)
    ]
    table = {"shuffle": range(len(counts)), "edges": counts}
    return TABLES["shuffled_edges"].conform(pl.DataFrame(table, schema=TABLES["shuffled_edges"].schema))


def edges_by_chance(shuffled_edges: pl.DataFrame) -> float | None:
    """How many edges shuffled answers give on average; None where nothing was shuffled."""
    count = len(shuffled_edges)
    return int(shuffled_edges["edges"].sum()) / count if count else None


def _shuffled(judgments: pl.DataFrame, evidence: Evidence) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Each shuffle's answers as `answers_by_context` counts them, and the scope `all`."""
    rows = judgments.join(people(judgments), on="participant_id").sort("person", *PAIR)
    asked = rows.select(*PAIR, "context_id").unique().sort(pl.all()).with_row_index("asked")
    place = rows.join(asked, on=[*PAIR, "context_id"], how="left", maintain_order="left")["asked"].to_numpy()
    person = rows["person"].to_numpy()
    answer = rows["relationship"].cast(pl.Enum(list(ANSWERS))).to_physical().to_numpy()
    scopes = asked.select("context_id").unique().sort("context_id").with_columns(scope=pl.lit(ALL))
    for number in range(evidence.shuffles):
        drawn = answer[shuffle(person, stream(evidence.seed, SHUFFLES, number))]
        marks = np.bincount(
            place.astype(np.int64) * len(ANSWERS) + drawn, minlength=len(asked) * len(ANSWERS)
        )
        counts = dict(zip(ANSWERS.values(), marks.reshape(-1, len(ANSWERS)).T, strict=True))
        yield asked.drop("asked").with_columns(pl.Series(mark, of) for mark, of in counts.items()), scopes


def shuffle(person: NDArray[np.uint32], rng: np.random.Generator) -> Ints:
    """Places of rows, shuffled within each person; `person` ascends."""
    # One number to sort by, the person in front and chance behind, takes a quarter of the time that two take.
    bits = 64 - max(int(person.max(initial=0)).bit_length(), 1)
    drawn = rng.integers(0, 2**bits, len(person), dtype=np.uint64)
    return np.argsort((person.astype(np.uint64) << np.uint64(bits)) | drawn)


def _alike(judges: Ints) -> Iterator[Ints]:
    """Pairs with about as many judges, few enough to be gone through together; one at a time above DIRECT."""
    order = np.argsort(judges, kind="stable")
    few, many = np.split(order, [np.searchsorted(judges[order], DIRECT, side="right")])
    while len(few):
        # All are as wide as the last of them.
        fitting = (judges[few] + 1) * np.arange(1, len(few) + 1) <= AT_ONCE
        count = max(int(fitting.sum()), 1)
        yield few[:count]
        few = few[count:]
    yield from many[:, None]


def _padded(share: Floats, begin: Ints, judges: Ints) -> Floats:
    """The judges' shares, a row for each pair; 0, which changes nothing, where others have more judges."""
    column = np.arange(judges.max(initial=0))
    there = column < judges[:, None]
    cells = np.zeros(there.shape)
    cells[there] = share[(begin[:, None] + column)[there]]
    return cells


def _distributions(shares: Floats) -> Floats:
    """How likely each number of upgrades is, from 0 to all: a row for each row of shares."""
    found = np.zeros((len(shares), shares.shape[1] + 1))
    found[:, 0] = 1
    for count, share in enumerate(shares.T[:, :, None], start=1):
        more = found[:, :count] * share
        found[:, :count] *= 1 - share
        found[:, 1 : count + 1] += more
    return found


def _of_many(shares: Floats) -> Floats:
    """The same of one pair with many judges: of some of them at a time, then added up."""
    parts = np.split(shares, range(DIRECT, len(shares), DIRECT))
    blocks: list[Floats] = [_distributions(part[None])[0] for part in parts]
    while len(blocks) > 1:
        twos = zip(blocks[::2], blocks[1::2], strict=False)
        odd = blocks[-1:] if len(blocks) % 2 else []
        blocks = [*(_added(one, other) for one, other in twos), *odd]
    return blocks[0]


def _added(one: Floats, other: Floats) -> Floats:
    """The distribution of the sum; rounding must not carry it below 0."""
    from scipy.signal import fftconvolve  # takes a second to import, and few nights need it

    together: Floats = fftconvolve(one, other)
    return together.clip(0)
