"""`dft audit` as people type it: every number of its JSON from the rows of the same JSON, and its trees."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from resources.lake import Lake
from tests.conftest import Dft, deliberating

DAY = date(2024, 1, 14)
LINEAGE = ("value_support", "card_lineage", "row_lineage")
MARKED = {
    ("forward", "upgrade"): "marked_wiser",
    ("forward", "no_upgrade"): "marked_not_wiser",
    ("forward", "not_sure"): "marked_unsure",
    ("reverse", "upgrade"): "marked_less_wise",
}
Audit = dict[str, Any]


@pytest.fixture(scope="module")
def built(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` with a snapshot whose values were found from what cards say, and whose support goes two edges."""
    folder = tmp_path_factory.mktemp("audits")
    with deliberating(server, folder, DFT_LAKE=str(folder / "lake")) as dft:
        done = dft("build", "--as-of", DAY, "--dedup", "offline", "--h", 2)
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.fixture(scope="module")
def lake(built: Dft) -> Lake:
    return Lake(built.environment["DFT_LAKE"])


def audit(dft: Dft, *words: object) -> Audit:
    done = dft("audit", *words, "--json")
    assert done.returncode == 0, done.stderr
    found: Audit = json.loads(done.stdout)
    assert found["as_of"] == str(DAY)
    return found


def shown(dft: Dft, *words: object) -> str:
    """The tree on one line: its branches and line ends are layout."""
    done = dft("audit", *words, COLUMNS="200")
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.translate(str.maketrans("│├└─", "    ")).split())


def test_an_edge(built: Dft, lake: Lake) -> None:
    edge = lake.rows("wisdom_edges", DAY, pl.col("scope") == "all").row(0, named=True)
    found = audit(built, "edge", edge["source_value_id"], edge["wiser_value_id"])
    verdict = found["verdict"]
    said = Counter((row["direction"], row["relationship"]) for row in found["judgments"])
    assert {name: said[key] for key, name in MARKED.items()} == {
        name: verdict[name] for name in MARKED.values()
    }
    assert len(found["judgments"]) == verdict["judgments_both_ways"]
    ends = {verdict["source_value_id"], verdict["wiser_value_id"]}
    assert {card["value_id"] for card in found["cards"]} == ends
    assert all(card["chat_id"] for card in found["cards"] if card["card_kind"] == "card")
    assert found["edge_in"][0] == "all"
    for row in found["rows"][:4]:
        assert row["value_id"] == verdict["wiser_value_id"]
        assert verdict["source_value_id"] in row["source_value_ids"]
        assert row["scope"] in found["edge_in"]
    text = shown(built, "edge", edge["source_value_id"], edge["wiser_value_id"])
    assert "an edge of the moral graph (default): no rule rejects it" in text
    assert f"{verdict['marked_wiser']} wiser, " in text
    assert all(row["participant_id"] in text for row in found["judgments"])


def test_a_rejected_pair_says_by_which_rule(built: Dft, lake: Lake) -> None:
    pair = lake.rows("rejected_pairs", DAY, pl.col("scope") == "all").row(0, named=True)
    found = audit(built, "edge", pair["source_value_id"], pair["wiser_value_id"])
    assert found["rule"]["name"] == pair["rejection_reason"]
    text = shown(built, "edge", pair["source_value_id"], pair["wiser_value_id"])
    assert f"no edge: {pair['rejection_reason']} (default): {found['rule']['says']}" in text


def test_a_value(built: Dft, lake: Lake) -> None:
    counts = lake.snapshot("canonical_values", DAY).sort("card_count", descending=True)
    found = audit(built, "value", counts["value_id"][0])
    own = [card for card in found["cards"] if card["card_kind"] != "canonical"]
    assert len(own) == found["value"]["card_count"]
    named = {tuple(key.values()) for card in found["cards"] for key in card["decisions"]}
    keys = ("card_kind", "card_id", "other_card_kind", "other_card_id")
    assert named == {tuple(decision[key] for key in keys) for decision in found["decisions"]}
    assert named, "cards were merged"
    assert {decision["verdict"] for decision in found["decisions"]} == {"same"}
    people: dict[tuple[str, str | None], set[str]] = {}
    for row in found["support"]:
        people.setdefault((row["how"], row["case_id"]), set()).add(row["participant_id"])
    assert {(row["how"], row["case_id"]): row["participants"] for row in found["supporters"]} == {
        key: len(who) for key, who in people.items()
    }
    assert f"{len(set().union(*people.values()))} people support it themselves" in shown(
        built, "value", counts["value_id"][0]
    )


def test_every_row(built: Dft, lake: Lake) -> None:
    rows = lake.snapshot("reward_rows", DAY)
    carried = 0
    for row_id in rows.sort("support", descending=True)["row_id"].head(4):
        found = audit(built, "row", row_id)
        _assert_supported(found)
        carried += len(found["carried"])
        row, text = found["row"], shown(built, "row", row_id)
        direct = len({reason["participant_id"] for reason in found["support"]})
        assert f"support {row['support']} = {direct} themselves + {len(found['carried'])} carried" in text
        assert f"= {row['support']} / {exposed_to(found)} exposed" in text
    assert carried, "support was carried along edges"


def exposed_to(found: Audit) -> int:
    return len(found["exposed"]) + len(found["exposed_along"])


def _assert_supported(found: Audit) -> None:
    """Support, share, reach, rank and weight of everybody from the people and edges that are shown."""
    row, settings = found["row"], found["settings"]
    direct = {reason["participant_id"] for reason in found["support"]}
    people = direct | {one["participant_id"] for one in found["carried"]}
    assert len(people) == row["support"] == len(direct) + len(found["carried"])
    assert len(people) / exposed_to(found) == pytest.approx(row["share"])
    assert len(people) / len(found["active"]) == pytest.approx(row["reach"])
    assert row["share"] >= settings["min_share"]
    assert row["support"] >= settings["min_participants"]
    itself = next(one for one in found["considered"] if one["value_id"] == row["value_id"])
    assert (itself["support"], itself["exposed"]) == (row["support"], exposed_to(found))
    ranked = [one for one in found["considered"] if one["rank"] is not None]
    order = sorted(ranked, key=lambda one: (-one["support"], -one["pagerank"], one["value_id"]))
    assert [one["rank"] for one in order] == list(range(1, len(order) + 1))
    assert [one["is_chosen"] for one in order] == [one["rank"] <= settings["top_k"] for one in order]
    sources = {edge["source_value_id"] for edge in found["edges"]}
    assert sorted(sources) == found["lineage"]["source_value_ids"]
    for one in found["carried"]:
        assert one["path"][-1] == row["value_id"]
        assert one["path"][-2] in sources
        assert len(set(one["path"])) == len(one["path"]) <= settings["h"] + 1
        assert all(one != other for one, other in pairwise(one["path"]))


def test_what_is_contested(built: Dft, lake: Lake) -> None:
    record = lake.rows("contested", DAY, pl.col("scope") != "all").row(0, named=True)
    words = ("contested", record["component_id"], "--scope", record["scope"])
    found = audit(built, *words)
    for one in found["records"]:
        judges = {row["participant_id"] for row in one["judgments"] if row["direction"] == "forward"}
        assert len(judges) == one["participant_count"]
        assert "answers_by_group" not in one
    assert f"judged by {found['records'][0]['participant_count']}" in shown(built, *words)


def test_a_participant(built: Dft, lake: Lake) -> None:
    person = lake.snapshot("articulations", DAY)["participant_id"][0]
    found = audit(built, "participant", person)
    assert {row["participant_id"] for name in ("cards", "votes", "judgments") for row in found[name]} == {
        person
    }
    own = {(row["case_id"], row["value_id"]) for row in found["support"] if row["how"] != "judged_wiser"}
    assert {(row["case_id"], row["value_id"]) for row in found["sections"]} == own
    for row in found["rows"][:4]:
        behind = audit(built, "row", row["row_id"])
        direct = person in {reason["participant_id"] for reason in behind["support"]}
        assert direct == (row["how"] == "direct")
        if not direct:
            assert {"participant_id": person, "path": row["path"]} in behind["carried"]
    text = shown(built, "participant", person)
    assert f"participant {person}" in text
    assert "their values and the neighbours" in text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("edge", 1, 1), 1, "nobody judged 1 → 1, either way"),
        (("value", 999_999), 1, "no value has the id 999999"),
        (("row", "feed"), 1, "no training row has the id feed"),
        (("contested", 999_999), 1, "nothing contested has the id 999999 in the scope all"),
        (("participant", "f" * 32), 1, f"nobody has the pseudonym {'f' * 32}"),
        (("participant", "Robert"), 2, "a pseudonym is 32 hex digits"),
        (("participant", "F" * 32), 2, "a pseudonym is 32 hex digits"),
        (("value", 1, "--as-of", "2024-01-13"), 1, "there is no snapshot of 2024-01-13"),
    ],
)
def test_what_is_not_there(built: Dft, words: tuple[object, ...], code: int, said: str) -> None:
    done = built("audit", *words, COLUMNS="200")
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_lineage_is_no_larger_than_what_people_said(lake: Lake) -> None:
    def size(*names: str) -> int:
        return sum(Path(lake.at(f"{name}/as_of={DAY}/part-0.parquet")).stat().st_size for name in names)

    assert size(*LINEAGE) <= size("votes", "judgments")
