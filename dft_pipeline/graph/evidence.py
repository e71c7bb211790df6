"""The evidence behind each edge: how many answered, how surely, and how little would have changed it.

What belongs here: which figures an edge has. How the harder ones are found stands in `chance`, `direction`,
`bootstrap` and `flips`. How groups judged stands in the reports alone, where figures by group are weighed.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from dft_pipeline.graph.bootstrap import REVERSE, Ints, survival
from dft_pipeline.graph.chance import at_least, q_values
from dft_pipeline.graph.direction import Asked, p_direction
from dft_pipeline.graph.flips import votes_to_flip
from dft_pipeline.graph.moral_graph import edge_id
from dft_pipeline.graph.rank import wilson
from dft_pipeline.graph.scopes import scopes_of_contexts
from dft_pipeline.graph.streams import people
from dft_pipeline.graph.tally import ANSWERS, PAIR
from dft_pipeline.policies import Bounds, ConsensusPolicy, Evidence
from dft_pipeline.tables import PAIR_KEY, TABLES
from dft_pipeline.values.participants import outside_own_cases

# The columns that the bounds look at: the survival and the q of a row.
BOUNDED: Mapping[str, tuple[str, str]] = {
    "edge_evidence": ("bootstrap_survival", "q_base"),
    "value_pairs": ("bootstrap_survival", "q_base"),
    "reward_rows": ("row_survival", "edge_q_base"),
}
DIRECT = pl.sum_horizontal(ANSWERS.values())


class Said(NamedTuple):
    """What evidence is drawn from: tables of the snapshot, and what is known of participants.

    `links` has context_id and case_id; `own_cases` participant_id and case_id, of chats, votes and showings.
    """

    pair_tallies: pl.DataFrame
    judgments: pl.DataFrame
    links: pl.DataFrame
    own_cases: pl.DataFrame


def edge_evidence(said: Said, policy: ConsensusPolicy, evidence: Evidence) -> pl.DataFrame:
    """Table `edge_evidence`."""
    edges = said.pair_tallies.filter("is_edge").sort(PAIR_KEY).with_row_index("pair")
    edges = edges.with_columns(edge_id(), direct_answers=DIRECT)
    edges = edges.with_columns(asked_reverse=pl.col("judgments_both_ways") - pl.col("direct_answers"))
    judges = _people(said.judgments)
    answers = _answers(said, edges, judges)
    table = edges.with_columns(
        *_shares(edges),
        *survival(*_kinds(answers), (len(edges), len(judges)), policy, evidence),
        p_direction=_direction(edges, said.judgments, evidence),
        votes_to_flip=votes_to_flip(edges, policy, evidence.most_added),
    )
    for part in (_judges(answers), _chances(said, judges, policy)):
        table = table.join(part, on=part.columns[0] if "pair" in part else PAIR_KEY, how="left")
    return TABLES["edge_evidence"].conform(table)


def sure_enough(table: str, rows: pl.DataFrame, bounds: Bounds) -> pl.DataFrame:
    """The rows of one of the tables BOUNDED with enough evidence; without any, a row passes no bound.

    Rubric rows are made anew, from the reward rows that are kept, so that a prompt's weights sum to 1.
    """
    survival, q = map(pl.col, BOUNDED[table])
    if bounds.min_survival is not None:
        rows = rows.filter(survival >= bounds.min_survival)
    return rows if bounds.max_q is None else rows.filter(q <= bounds.max_q)


def _people(judgments: pl.DataFrame) -> pl.DataFrame:
    """Everybody who judged: person, participant_id, share (of `upgrade` among their judgments that count)."""
    share = (pl.col("relationship") == "upgrade").mean()
    shares = judgments.group_by("participant_id").agg(share=share)
    return people(judgments).join(shares, on="participant_id", maintain_order="left")


def _answers(said: Said, pairs: pl.DataFrame, judges: pl.DataFrame) -> pl.DataFrame:
    """The judgments of each pair in its scope, either way, with the place of pair and person."""
    judged = said.judgments.select(
        *PAIR,
        "context_id",
        "participant_id",
        kind=pl.col("relationship").cast(pl.Enum(list(ANSWERS))).to_physical().cast(pl.Int64),
        is_off=outside_own_cases(said.judgments, said.own_cases),
        day=pl.col("created_at").dt.date(),
    )
    scopes = scopes_of_contexts(said.judgments["context_id"], said.links)
    scoped = judged.join(judges, on="participant_id").join(scopes, on="context_id")
    turned = ("scope", *reversed(PAIR))
    ahead = scoped.join(pairs, on=PAIR_KEY)
    back = scoped.join(pairs, left_on=PAIR_KEY, right_on=turned).with_columns(pl.col("kind") + REVERSE)
    columns = ("pair", "person", "kind", "is_off", "day", "participant_id")
    return pl.concat([ahead.select(columns), back.select(columns)])


def _kinds(answers: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
    pair, person, kind = (answers[name].cast(pl.Int64).to_numpy() for name in ("pair", "person", "kind"))
    return pair, person, kind


def _shares(edges: pl.DataFrame) -> list[pl.Series]:
    """The share of `upgrade` among the direct answers, with its Wilson interval."""
    wiser, asked = edges["marked_wiser"].to_numpy(), edges["direct_answers"].to_numpy()
    low, high = wilson(wiser, asked)
    bounds = {"wiser_share": wiser / asked, "wiser_share_low": low, "wiser_share_high": high}
    return [pl.Series(name, bound) for name, bound in bounds.items()]


def _direction(edges: pl.DataFrame, judgments: pl.DataFrame, evidence: Evidence) -> pl.Series:
    """Null where the reverse was asked too rarely."""
    often = edges["asked_reverse"] >= evidence.min_reverse
    asked = edges.filter(often)
    ahead, back = (
        Asked(asked[upgrade].to_numpy(), (asked[answers] - asked[upgrade]).to_numpy())
        for upgrade, answers in (("marked_wiser", "direct_answers"), ("marked_less_wise", "asked_reverse"))
    )
    p = pl.Series(p_direction(ahead, back, _base_share(judgments), evidence.prior_strength), dtype=pl.Float64)
    places = pl.Series(np.flatnonzero(often.to_numpy()), dtype=pl.UInt32)
    return pl.Series([None] * len(edges), dtype=pl.Float64).scatter(places, p)


def _base_share(judgments: pl.DataFrame) -> float:
    """The share of `upgrade` among all judgments, with one `upgrade` and one other added: never 0 nor 1."""
    upgrades = int((judgments["relationship"] == "upgrade").sum())
    return (upgrades + 1) / (len(judgments) + 2)


def _judges(answers: pl.DataFrame) -> pl.DataFrame:
    """pair, off_case_judges, first_day, last_day: of those who answered the edge itself."""
    off = pl.col("is_off")
    return (
        answers.filter(pl.col("kind") < REVERSE)
        .group_by("pair")
        .agg(
            off_case_judges=pl.when(off.is_not_null().any()).then(off.sum()),
            first_day=pl.col("day").min(),
            last_day=pl.col("day").max(),
        )
    )


def _chances(said: Said, judges: pl.DataFrame, policy: ConsensusPolicy) -> pl.DataFrame:
    """PAIR_KEY, p_base, q_base of every pair that was asked often enough to be an edge."""
    often = pl.max_horizontal(policy.min_marked_wiser, 1)
    pairs = said.pair_tallies.filter(often <= DIRECT).sort(PAIR_KEY).with_row_index("pair")
    scoped = said.judgments.join(
        scopes_of_contexts(said.judgments["context_id"], said.links), on="context_id"
    )
    asked = scoped.join(judges, on="participant_id").join(pairs, on=PAIR_KEY)
    pair, share = asked["pair"].cast(pl.Int64).to_numpy(), asked["share"].to_numpy()
    p = at_least(pair, share, pairs["marked_wiser"].to_numpy())
    found = pairs.select(*PAIR_KEY, pl.Series("p_base", p))
    return found.with_columns(q_values(found))
