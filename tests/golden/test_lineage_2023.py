"""The real run: every edge adds up to its counts, every row's support is the people in its lineage."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.dataset.rows import reward_rows
from dft_pipeline.lineage.edge import edge_audit
from dft_pipeline.lineage.reading import Rows
from dft_pipeline.lineage.row import row_audit
from dft_pipeline.lineage.row_lineage import row_lineage
from dft_pipeline.policies import POLICIES, Aggregation
from resources.lake import Lake
from tests.conftest import Dft, fresh_database

DAY = date(2023, 10, 17)
EDGES = {"published-2023": 69, "default": 61}
VOICES = (
    "judgments",
    "votes",
    "articulations",
    "canonical_values",
    "wisdom_edges",
    "graph_values",
    "contested",
    "edge_evidence",
)
LINEAGE = ("value_support", "card_lineage", "row_lineage")


@pytest.fixture(scope="module", params=EDGES)
def lake(
    request: pytest.FixtureRequest, real: Path, server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lake]:
    """The lake of a build under each policy."""
    with fresh_database(server) as url:
        dft = Dft(tmp_path_factory.mktemp("lineage"), url)
        for words in (("load", real), ("build", "--as-of", DAY, "--policy", request.param)):
            done = dft(*words)
            assert done.returncode == 0, done.stderr
        yield Lake(str(Path(dft.environment["DFT_HOME"]) / "lake"))


def policy_of(lake: Lake) -> str:
    manifest = lake.manifest(DAY)
    assert manifest is not None
    return str(manifest["policy"])


def reader(lake: Lake, **instead: pl.DataFrame) -> Rows:
    def rows(table: str, where: pl.Expr | None = None, columns: Sequence[str] | None = None) -> pl.DataFrame:
        if table not in instead:
            return lake.rows(table, DAY, where, columns)
        found = instead[table] if where is None else instead[table].filter(where)
        return found if columns is None else found.select(columns)

    return rows


def test_every_audit_adds_up_to_its_edge(lake: Lake) -> None:
    policy = POLICIES[policy_of(lake)]
    edges = lake.rows("wisdom_edges", DAY, pl.col("scope") == "all")
    assert len(edges) == EDGES[policy.name]
    for source, wiser in edges.select("source_value_id", "wiser_value_id").rows():
        found = edge_audit(reader(lake), source, wiser, policy)
        said = Counter((judgment["direction"], judgment["relationship"]) for judgment in found["judgments"])
        assert said["forward", "upgrade"] == found["verdict"]["marked_wiser"]
        assert said["forward", "no_upgrade"] == found["verdict"]["marked_not_wiser"]
        assert said["forward", "not_sure"] == found["verdict"]["marked_unsure"]
        assert said["reverse", "upgrade"] == found["verdict"]["marked_less_wise"]
        assert said.total() == found["verdict"]["judgments_both_ways"]
        judges = {judgment["participant_id"] for judgment in found["judgments"]}
        assert {vote["participant_id"] for vote in found["votes"]} <= judges
        assert found["rule"]["says"] == "no rule rejects it"
        assert {value["value_id"] for value in found["values"]} == {source, wiser}


def test_every_rows_support_is_the_people_in_its_lineage(lake: Lake) -> None:
    manifest = lake.manifest(DAY)
    assert manifest is not None
    using = Aggregation.model_validate(manifest["settings"]["aggregation"])
    _assert_supported(reader(lake), lake.snapshot("reward_rows", DAY), using)


@pytest.mark.parametrize("h", [2, None])
def test_further_hops_too(lake: Lake, h: int | None) -> None:
    if policy_of(lake) == "published-2023":
        pytest.skip("its graph has loops, along which nothing is carried")
    tables = {name: lake.snapshot(name, DAY) for name in VOICES}
    linked = tables["judgments"].select("context_id", case_id="case_ids").explode("case_id").drop_nulls()
    cases = lake.snapshot("reward_rows", DAY).select(id="prompt_id", question="prompt").unique()
    nobody = pl.DataFrame(schema={"scope": pl.String, "participant_id": pl.String, "value_id": pl.Int64})
    using = Aggregation(h=h)
    there = Snapshot(cases, linked.unique(), **tables, erased_votes=nobody)
    made = reward_rows(there, "default", using)
    support = lake.snapshot("value_support", DAY)
    lineage = row_lineage(made, tables["judgments"], support)
    _assert_supported(reader(lake, reward_rows=made, row_lineage=lineage), made, using)


def _assert_supported(rows: Rows, reward: pl.DataFrame, using: Aggregation) -> None:
    for row in reward.iter_rows(named=True):
        found = row_audit(rows, row["row_id"], using)
        direct = {reason["participant_id"] for reason in found["support"]}
        people = direct | {one["participant_id"] for one in found["carried"]}
        assert len(people) == len(direct) + len(found["carried"]) == row["support"], row["row_id"]
        assert len(people) / (len(found["exposed"]) + len(found["exposed_along"])) == pytest.approx(
            row["share"]
        )
        assert len(people) / len(found["active"]) == pytest.approx(row["reach"])


def test_every_vote_and_upgrade_is_in_a_values_support(lake: Lake) -> None:
    support = lake.snapshot("value_support", DAY)
    votes = lake.rows("votes", DAY, pl.col("is_vote"))
    upgrades = lake.rows("judgments", DAY, pl.col("relationship") == "upgrade")
    assert len(support.filter(how="voted")) == len(votes)
    said = upgrades.select("participant_id", "wiser_value_id", "context_id").n_unique()
    assert len(support.filter(how="judged_wiser")) == said
    assert support.filter(how="articulated").is_empty(), "the tables hold no chats"


def test_lineage_is_no_larger_than_what_people_said(lake: Lake) -> None:
    def size(names: Sequence[str]) -> int:
        return sum(Path(lake.at(f"{name}/as_of={DAY}/part-0.parquet")).stat().st_size for name in names)

    assert size(LINEAGE) <= size(("votes", "judgments"))
