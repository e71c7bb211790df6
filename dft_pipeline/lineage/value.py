"""What an audit says of a value: its cards, who supports it and how, its place in the graph, its rows."""

import polars as pl

from dft_pipeline.graph.consensus import said
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.lineage.card_lineage import KEY
from dft_pipeline.lineage.reading import Found, Rows, Unknown, cards_of, rows_of, titles
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.tables import PAIR_KEY

IS_JUDGED = pl.col("marked_wiser") > 0


def value_audit(rows: Rows, value_id: int, policy: ConsensusPolicy) -> Found:
    """A value of the snapshot. Raises Unknown where there is none.

    `value`: its row of `canonical_values`; `cards`: those that became it, with the `decisions` that led
    there; `support`: its rows of `value_support`; `supporters`: how many people those are, by how and case;
    `incoming`, `outgoing`: its edges and rejected pairs in the scope `all`, with their evidence; `rows`:
    the training rows that Γ chose it for, `leads_to`: those of a wiser value that it leads to.
    """
    it = pl.col("value_id") == value_id
    value = rows("canonical_values", it).to_dicts()
    if not value:
        raise Unknown(f"no value has the id {value_id}")
    cards, support = cards_of(rows, it), rows("value_support", it)
    pairs = {end: _pairs(rows, pl.col(end) == value_id, policy) for end in PAIR_KEY[1:]}
    others = [pair[end] for of_end in pairs.values() for pair in of_end for end in pairs]
    return {
        "value": value[0],
        "cards": cards,
        "decisions": _decisions(rows, cards),
        "supporters": _supporters(support),
        "support": support.to_dicts(),
        "incoming": pairs["wiser_value_id"],
        "outgoing": pairs["source_value_id"],
        "values": titles(rows, [value_id, *others]),
        "rows": rows_of(rows, it),
        "leads_to": rows_of(rows, pl.col("source_value_ids").list.contains(value_id)),
    }


def _supporters(support: pl.DataFrame) -> list[Found]:
    """Distinct participants by how and case; a null case is that of answers, which have contexts."""
    people = support.group_by("how", "case_id").agg(participants=pl.col("participant_id").n_unique())
    return people.sort("how", "case_id").to_dicts()


def _pairs(rows: Rows, where: pl.Expr, policy: ConsensusPolicy) -> list[Found]:
    """Edges, then rejected pairs: rows of `pair_tallies`, each with its row of `edge_evidence`, or none."""
    pairs = rows("pair_tallies", where & (pl.col("scope") == ALL) & IS_JUDGED)
    order = ("is_edge", "marked_wiser", "source_value_id", "wiser_value_id")
    known = pairs.sort(order, descending=[True, True, False, False]).to_dicts()
    evidence = {
        (row["source_value_id"], row["wiser_value_id"]): row
        for row in rows("edge_evidence", where & (pl.col("scope") == ALL)).to_dicts()
    }
    return [
        pair
        | {"says": said(pair, policy)}
        | {"evidence": evidence.get((pair["source_value_id"], pair["wiser_value_id"]))}
        for pair in known
    ]


def _decisions(rows: Rows, cards: list[Found]) -> list[Found]:
    """The rows of `merge_decisions` that the cards name."""
    keys = {tuple(key.values()) for card in cards for key in card["decisions"]}
    named = pl.DataFrame(sorted(keys), pl.Schema(_KEY_TYPES), orient="row")
    where = pl.col("card_id").is_in(named["card_id"].unique().to_list())
    return rows("merge_decisions", where).join(named, on=KEY, how="semi").sort(KEY).to_dicts()


_KEY_TYPES = {name: pl.Int64() if name.endswith("_id") else pl.String() for name in KEY}
