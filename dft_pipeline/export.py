"""The moral graph for other programs: the authors' JSON, GraphML, Parquet."""

import io
import json
import re
from datetime import datetime
from typing import Any

import networkx as nx
import polars as pl

from dft_pipeline.graph.evidence import sure_enough
from dft_pipeline.graph.scopes import ALL
from dft_pipeline.policies import Bounds

# What XML has no place for; participants' text may hold some of it.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def of_all(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the scope `all`, in the table's own order."""
    return table.filter(pl.col("scope") == ALL)


def sure_graph(
    wisdom_edges: pl.DataFrame, graph_values: pl.DataFrame, edge_evidence: pl.DataFrame, bounds: Bounds
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The edges with enough evidence and the values that they join, whose figures stay the whole graph's."""
    sure = sure_enough("edge_evidence", edge_evidence, bounds)
    edges = wisdom_edges.join(sure, on="edge_id", how="semi", maintain_order="left")
    ends = pl.concat(edges.select("scope", value_id=end) for end in ("source_value_id", "wiser_value_id"))
    return edges, graph_values.join(ends, on=["scope", "value_id"], how="semi", maintain_order="left")


def authors_json(wisdom_edges: pl.DataFrame, graph_values: pl.DataFrame) -> bytes:
    """The scope `all` in the shape that the authors published, values and edges sorted by id."""
    values = of_all(graph_values).sort("value_id")
    edges = of_all(wisdom_edges).sort("source_value_id", "wiser_value_id")
    graph = {
        "values": [_value(row) for row in values.iter_rows(named=True)],
        "edges": [_edge(row) for row in edges.iter_rows(named=True)],
    }
    return (json.dumps(graph, ensure_ascii=False, indent=2) + "\n").encode()


def graphml(wisdom_edges: pl.DataFrame, graph_values: pl.DataFrame) -> bytes:
    """The scope `all` as GraphML: values are nodes, edges go to the wiser value; lists are JSON text."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for row in of_all(graph_values).sort("value_id").iter_rows(named=True):
        graph.add_node(row["value_id"], **_attributes(row, without=("scope", "value_id")))
    edges = of_all(wisdom_edges).sort("source_value_id", "wiser_value_id")
    for row in edges.iter_rows(named=True):
        ends = ("source_value_id", "wiser_value_id")
        graph.add_edge(*(row[end] for end in ends), **_attributes(row, without=("scope", *ends)))
    buffer = io.BytesIO()
    nx.write_graphml_xml(graph, buffer)
    return buffer.getvalue()


def _value(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["value_id"],
        "title": row["title"],
        "instructionsShort": row["instructions_short"],
        "instructionsDetailed": row["instructions_detailed"],
        "evaluationCriteria": row["criteria"],
        "createdAt": _iso(row["created_at"]),
        "updatedAt": _iso(row["updated_at"]),
    }


def _edge(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "sourceValueId": row["source_value_id"],
        "wiserValueId": row["wiser_value_id"],
        "contexts": row["contexts"],
        "counts": {
            "markedWiser": row["marked_wiser"],
            "markedNotWiser": row["marked_not_wiser"],
            "markedLessWise": row["marked_less_wise"],
            "markedUnsure": row["marked_unsure"],
            "impressions": row["judgments_both_ways"],
        },
        "summary": {"wiserLikelihood": row["wiser_likelihood"], "entropy": row["entropy"]},
    }


def _iso(time: datetime) -> str:
    """As the app writes times: milliseconds and a Z."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _attributes(row: dict[str, Any], without: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in without and value is not None}
    return {name: _scalar(value) for name, value in kept.items()}


def _scalar(value: Any) -> Any:
    if isinstance(value, list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return NOT_XML.sub("", value)
    return _iso(value) if isinstance(value, datetime) else value
