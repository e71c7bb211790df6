"""What changed between two snapshots, and what did it.

What belongs here: edges and training rows that came, went, flipped or rest on other evidence, with the
judgments, merges, settings and withdrawals behind each. Where none of them touches an edge, its change comes
from elsewhere in the graph: a loop that closed or opened, a share that all pairs are compared with.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import polars as pl

from dft_pipeline.graph.scopes import scopes_of_contexts
from dft_pipeline.graph.tally import COUNTS, PAIR
from dft_pipeline.tables import PAIR_KEY
from dft_pipeline.values.events import CARD

JUDGED_FIGURES = (*COUNTS, "wiser_likelihood", "entropy", "rejection_reason")
SURE_FIGURES = ("bootstrap_survival", "q_base")
FIGURES = (*JUDGED_FIGURES, *SURE_FIGURES)
OF_PEOPLE = ("judgments", "votes", "articulations")
Read = Callable[[str, list[str]], pl.DataFrame]

JUDGED = ("participant_id", *PAIR)
CAUSES = ("judgments", "withdrawals", "merges", "settings", "elsewhere")


class Stand(NamedTuple):
    """A snapshot as far as it is compared: tables, its settings, and everybody who is in it."""

    pair_tallies: pl.DataFrame
    edge_evidence: pl.DataFrame
    judgments: pl.DataFrame
    card_values: pl.DataFrame
    reward_rows: pl.DataFrame
    settings: Mapping[str, Any]
    participants: pl.Series


def stand(read: Read, settings: Mapping[str, Any]) -> Stand:
    """A snapshot by its tables, of which `read` gives columns, and the settings in its manifest."""
    people = (read(table, ["participant_id"])["participant_id"] for table in OF_PEOPLE)
    return Stand(
        pair_tallies=read("pair_tallies", [*PAIR_KEY, "is_edge", *JUDGED_FIGURES]),
        edge_evidence=read("edge_evidence", [*PAIR_KEY, *SURE_FIGURES]),
        judgments=read("judgments", [*JUDGED, "context_id", "case_ids", "relationship"]),
        card_values=read("card_values", [*CARD, "value_id"]),
        reward_rows=read("reward_rows", ["row_id", "row_hash"]),
        settings=settings,
        participants=pl.concat(people).unique().sort(),
    )


class Difference(NamedTuple):
    """`edges`: PAIR_KEY, change (`came`, `went`, `flipped`: the other way round now, `evidence`), causes, and
    FIGURES now and `_before`. `judgments`: participant_id, PAIR, context_id, relationship now and `_before`
    (null where there is none), cause. `merges`: cards that became another value. `rows`: row_id, change.
    `settings`: the names of those that differ.
    """

    edges: pl.DataFrame
    judgments: pl.DataFrame
    merges: pl.DataFrame
    rows: pl.DataFrame
    settings: list[str]


def difference(before: Stand, now: Stand) -> Difference:
    """What is different now; every table sorted by its key."""
    settings = sorted(
        name
        for name in before.settings.keys() | now.settings.keys()
        if before.settings.get(name) != now.settings.get(name)
    )
    judgments = _judgments(before, now)
    merges = _merges(before.card_values, now.card_values)
    changed = _edges(before, now)
    return Difference(
        _with_causes(changed, _touched(judgments, before, now), merges, bool(settings)),
        judgments,
        merges,
        _rows(before.reward_rows, now.reward_rows),
        settings,
    )


def _edges(before: Stand, now: Stand) -> pl.DataFrame:
    """The edges of either that are not the same in both, with FIGURES of both."""
    both = _figures(before).join(_figures(now), on=PAIR_KEY, how="full", coalesce=True, suffix="_now")
    was, is_now = (pl.col(name).fill_null(False) for name in ("is_edge", "is_edge_now"))
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_now")) for name in FIGURES)
    change = (
        pl.when(was & ~is_now)
        .then(pl.lit("went"))
        .when(~was & is_now)
        .then(pl.lit("came"))
        .otherwise(pl.lit("evidence"))
    )
    changed = both.filter(was | is_now, (was != is_now) | ~same).with_columns(change=change)
    figures = (pl.col(f"{name}_now").alias(name) for name in FIGURES)
    earlier = (pl.col(name).alias(f"{name}_before") for name in FIGURES)
    return _flipped(changed).select(*PAIR_KEY, "change", *figures, *earlier).sort(PAIR_KEY)


def _figures(stand: Stand) -> pl.DataFrame:
    sure = stand.edge_evidence.select(*PAIR_KEY, *SURE_FIGURES)
    return stand.pair_tallies.join(sure, on=PAIR_KEY, how="left").select(*PAIR_KEY, "is_edge", *FIGURES)


def _flipped(changed: pl.DataFrame) -> pl.DataFrame:
    """Marks edges that went where the reverse came, and those that came so."""
    turned = changed.select(
        "scope",
        pl.col(PAIR[1]).alias(PAIR[0]),
        pl.col(PAIR[0]).alias(PAIR[1]),
        reverse="change",
    )
    is_flip = pl.concat_str("change", "reverse").is_in(["wentcame", "camewent"])
    return changed.join(turned, on=PAIR_KEY, how="left").with_columns(
        change=pl.when(is_flip.fill_null(False)).then(pl.lit("flipped")).otherwise("change")
    )


def _judgments(before: Stand, now: Stand) -> pl.DataFrame:
    """Judgments that are there in one of the two only, or say something else, or in another context."""
    said = ("context_id", "relationship")
    both = before.judgments.select(*JUDGED, *said).join(
        now.judgments.select(*JUDGED, *said), on=JUDGED, how="full", coalesce=True, suffix="_now"
    )
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in said)
    gone = pl.col("relationship_now").is_null() & ~pl.col("participant_id").is_in(now.participants.implode())
    cause = pl.when(gone).then(pl.lit("withdrawals")).otherwise(pl.lit("judgments"))
    changed = both.filter(differs).select(
        *JUDGED,
        *(pl.col(f"{name}_now").alias(name) for name in said),
        *(pl.col(name).alias(f"{name}_before") for name in said),
        cause=cause,
    )
    return changed.sort(JUDGED)


def _merges(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Cards of both that became another value: CARD, value_id, value_id_before."""
    both = before.select(*CARD, value_id_before="value_id").join(
        now.select(*CARD, "value_id"), on=CARD, how="inner"
    )
    moved = both.filter(pl.col("value_id") != pl.col("value_id_before"))
    return moved.select(*CARD, "value_id", "value_id_before").sort(CARD)


def _rows(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Training rows that came, went, or say something else: row_id, change."""
    both = before.select("row_id", before="row_hash").join(
        now.select("row_id", now="row_hash"), on="row_id", how="full", coalesce=True
    )
    change = (
        pl.when(pl.col("before").is_null())
        .then(pl.lit("came"))
        .when(pl.col("now").is_null())
        .then(pl.lit("went"))
        .otherwise(pl.lit("changed"))
    )
    changed = both.filter(pl.col("before").ne_missing(pl.col("now")))
    return changed.select("row_id", change=change).sort("row_id")


def _touched(judgments: pl.DataFrame, before: Stand, now: Stand) -> pl.DataFrame:
    """The pairs whose answers changed in a scope, either way round, and why: PAIR_KEY, cause."""
    asked_in = ("context_id", "context_id_before")
    there = pl.concat(judgments.select(*PAIR, "cause", context_id=name) for name in asked_in)
    scoped = there.drop_nulls("context_id").join(_scopes(before, now), on="context_id")
    ahead = scoped.select(*PAIR_KEY, "cause")
    back = scoped.select("scope", pl.col(PAIR[1]).alias(PAIR[0]), pl.col(PAIR[0]).alias(PAIR[1]), "cause")
    return pl.concat([ahead, back]).unique()


def _scopes(before: Stand, now: Stand) -> pl.DataFrame:
    """The scopes that each context's judgments count in: context_id, scope."""
    contexts = pl.concat(stand.judgments.select("context_id", "case_ids") for stand in (before, now))
    links = contexts.unique().explode("case_ids").drop_nulls().rename({"case_ids": "case_id"}).unique()
    return scopes_of_contexts(contexts["context_id"], links)


def _with_causes(
    changed: pl.DataFrame, touched: pl.DataFrame, merges: pl.DataFrame, other_settings: bool
) -> pl.DataFrame:
    """Adds the causes of each change, in the order of CAUSES."""
    moved = pl.concat([merges["value_id"], merges["value_id_before"]]).implode()
    by_pair = touched.group_by(PAIR_KEY).agg(touching="cause")
    holds = {
        **{name: pl.col("touching").list.contains(name) for name in ("judgments", "withdrawals")},
        "merges": pl.any_horizontal(pl.col(end).is_in(moved) for end in PAIR),
        "settings": pl.lit(other_settings),
    }
    known = {name: held.fill_null(False) for name, held in holds.items()}
    every = {**known, "elsewhere": ~pl.any_horizontal(known.values())}
    causes = pl.concat_list(pl.when(every[name]).then(pl.lit(name)) for name in CAUSES)
    return (
        changed.join(by_pair, on=PAIR_KEY, how="left", maintain_order="left")
        .with_columns(causes=causes.list.drop_nulls())
        .drop("touching")
    )
