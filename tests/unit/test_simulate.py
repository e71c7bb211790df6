"""The synthetic deliberation keeps the source's format, hangs together, and holds what was planted."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.simulate import Deliberation, simulate, write
from dft_pipeline.simulate.chats import Conversations, some_pending

Row = dict[str, Any]


@pytest.fixture(scope="module")
def deliberation() -> Deliberation:
    return simulate(120, seed=7)


def well_formed(deliberation: Deliberation, table: str) -> Sequence[Row]:
    broken = sum(row.table == table for row in deliberation.truth.broken_rows)
    rows = deliberation.tables[table]
    return rows[: len(rows) - broken]


def files(participants: int, seed: int, folder: Path) -> dict[str, bytes]:
    write(simulate(participants, seed), folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first = files(40, 3, tmp_path / "first")
    assert first == files(40, 3, tmp_path / "second")
    assert set(first) == {f"{table}.json" for table in SOURCE_TABLES} | {"truth.json"}


def test_another_seed_other_bytes(tmp_path: Path) -> None:
    first, other = files(40, 3, tmp_path / "first"), files(40, 4, tmp_path / "other")
    for table in ("user", "chat", "valuesCard", "impression", "vote", "edge"):
        assert first[f"{table}.json"] != other[f"{table}.json"]


def test_files_hold_the_rows_one_per_line(deliberation: Deliberation, tmp_path: Path) -> None:
    write(deliberation, tmp_path)
    for table, rows in deliberation.tables.items():
        text = (tmp_path / f"{table}.json").read_text(encoding="utf-8")
        assert json.loads(text) == list(rows)
        assert text.endswith("]\n")
        assert text.count("\n") == (len(rows) + 2 if rows else 1)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert truth["contested_cycle"] == list(deliberation.truth.contested_cycle)
    assert truth["broken_rows"][0]["rule"] == deliberation.truth.broken_rows[0].rule


def test_rows_have_the_columns_of_the_source(deliberation: Deliberation) -> None:
    assert list(deliberation.tables) == list(SOURCE_TABLES)
    for name, table in SOURCE_TABLES.items():
        columns = [column.name for column in table.columns]
        required = [column.name for column in table.columns if not column.nullable]
        for row in deliberation.tables[name]:
            assert list(row) == columns
            assert all(row[column] is not None for column in required)


def test_keys_are_unique_among_well_formed_rows(deliberation: Deliberation) -> None:
    for name, table in SOURCE_TABLES.items():
        keys = [tuple(row[column] for column in table.key) for row in well_formed(deliberation, name)]
        assert len(set(keys)) == len(keys), name


def test_people_cases_and_chats_resolve(deliberation: Deliberation) -> None:
    users = {row["id"] for row in deliberation.tables["user"]}
    cases = {row["id"] for row in deliberation.tables["case"]}
    chats = {row["id"] for row in deliberation.tables["chat"]}
    for table in ("chat", "impression", "vote"):
        assert all(
            row["userId"] in users and row["caseId"] in cases for row in well_formed(deliberation, table)
        )
    assert {row["userId"] for row in deliberation.tables["demographic"]} <= users
    assert {row["chatId"] for row in well_formed(deliberation, "valuesCard")} <= chats
    copied = {row["copiedFromId"] for row in deliberation.tables["chat"]} - {None}
    assert copied
    assert copied <= chats


def test_contexts_link_to_cases_with_one_shared_and_two_free(deliberation: Deliberation) -> None:
    contexts = {row["id"] for row in deliberation.tables["context"]}
    cases_of = Counter(row["contextId"] for row in deliberation.tables["contextsOnCases"])
    assert set(cases_of) <= contexts
    assert sorted(cases_of.values()) == [1] * 10 + [2]
    assert len(contexts - set(cases_of)) == 2
    assert all(context.startswith("When ") for context in contexts)


def test_votes_are_for_values_shown_in_the_same_draw(deliberation: Deliberation) -> None:
    columns = ("userId", "drawId", "caseId", "valuesCardId")
    shown = {tuple(row[c] for c in columns) for row in well_formed(deliberation, "impression")}
    votes = [tuple(row[c] for c in columns) for row in well_formed(deliberation, "vote")]
    assert set(votes) <= shown
    assert len(votes) > len(set(votes)), "a few votes are submitted twice"
    assert set(Counter(draw for _, draw, _, _ in shown).values()) == {6}
    assert set(Counter(draw for _, draw, _, _ in set(votes)).values()) <= {1, 2, 3, 4}


def test_judgments_are_about_hypotheses(deliberation: Deliberation) -> None:
    columns = ("fromId", "toId", "contextId", "story")
    asked = {tuple(row[c] for c in columns) for row in deliberation.tables["edgeHypothesis"]}
    values = {row["id"] for row in deliberation.tables["canonicalValuesCard"]}
    contexts = {row["id"] for row in deliberation.tables["context"]}
    assert all({source, wiser} <= values and context in contexts for source, wiser, context, _ in asked)
    assert {tuple(row[c] for c in columns) for row in well_formed(deliberation, "edge")} <= asked


def test_times_are_in_the_first_fourteen_days_and_in_order(deliberation: Deliberation) -> None:
    joined = {row["id"]: row["createdAt"] for row in deliberation.tables["user"]}
    for name, table in SOURCE_TABLES.items():
        if table.is_dated:
            for row in well_formed(deliberation, name):
                assert "2024-01-01T00:00:00.000Z" <= row["createdAt"] <= row["updatedAt"]
                assert row["updatedAt"] < "2024-01-15T00:00:00.000Z"
                assert row["createdAt"] >= joined.get(row.get("userId"), "")
    edges = well_formed(deliberation, "edge")
    assert 0 < sum(row["updatedAt"] > row["createdAt"] for row in edges) < len(edges) / 10


@pytest.mark.parametrize("judgments", [0, 1, 500, 1_700])
def test_judgments_are_counted_exactly(judgments: int) -> None:
    made = simulate(30, seed=1, judgments=judgments)
    assert len(well_formed(made, "edge")) == judgments


def test_everybody_can_be_asked_everything() -> None:
    pairs = len(simulate(1, seed=1).tables["edgeHypothesis"])
    edges = well_formed(simulate(25, seed=1, judgments=25 * pairs), "edge")
    assert len({(row["userId"], row["fromId"], row["toId"]) for row in edges}) == 25 * pairs


@pytest.mark.parametrize("participants", [1, 2, 19])
def test_small_ones_have_nothing_broken(participants: int) -> None:
    made = simulate(participants, seed=5)
    assert not made.truth.broken_rows
    assert len(made.tables["edge"]) == 12 * participants


def test_planted_gradient_is_acyclic_and_mostly_agreed_with(deliberation: Deliberation) -> None:
    planted = {(source, wiser) for source, wiser, _ in deliberation.truth.wisdom_pairs}
    assert nx.is_directed_acyclic_graph(nx.DiGraph(planted))
    answers = [row["relationship"] for row in edges_of(deliberation, planted)]
    assert answers.count("upgrade") / len(answers) > 0.8
    against = [row["relationship"] for row in edges_of(deliberation, {(b, a) for a, b in planted})]
    assert against.count("upgrade") / len(against) < 0.2
    assert len(answers) > len(well_formed(deliberation, "edge")) / 2


def test_every_side_of_the_contested_cycle_is_seen_by_a_majority() -> None:
    for seed in range(5):
        made = simulate(120, seed)
        a, b, c = made.truth.contested_cycle
        for pair in ((a, b), (b, c), (c, a)):
            rows = edges_of(made, {pair})
            upgrades = sum(row["relationship"] == "upgrade" for row in rows)
            assert upgrades >= 2
            assert upgrades > len(rows) / 2
            assert {row["contextId"] for row in rows} == {made.truth.contested_cycle_context}


def test_contested_pair_has_upgrades_both_ways(deliberation: Deliberation) -> None:
    one, other, context = deliberation.truth.contested_pair
    for pair in ((one, other), (other, one)):
        rows = edges_of(deliberation, {pair})
        assert sum(row["relationship"] == "upgrade" for row in rows) >= 2
        assert {row["contextId"] for row in rows} == {context}


def edges_of(deliberation: Deliberation, pairs: set[tuple[int, int]]) -> list[Row]:
    return [row for row in well_formed(deliberation, "edge") if (row["fromId"], row["toId"]) in pairs]


def test_straight_liners_answer_upgrade_to_everything(deliberation: Deliberation) -> None:
    straight = set(deliberation.truth.straight_liner_ids)
    answers = [row["relationship"] for row in well_formed(deliberation, "edge") if row["userId"] in straight]
    assert len(straight) == 4
    assert set(answers) == {"upgrade"}


def shown_cards(chat: Row) -> list[Row]:
    tools = ("show_values_card", "articulate_values_card")
    shown = [m["content"] for m in chat["transcript"] if m["role"] == "function" and m["name"] in tools]
    return [json.loads(content) for content in shown if not content.startswith("<A card (")]


def test_last_shown_card_is_the_card_row(deliberation: Deliberation) -> None:
    chats = {row["id"]: row for row in deliberation.tables["chat"]}
    for card in well_formed(deliberation, "valuesCard"):
        last = shown_cards(chats[card["chatId"]])[-1]
        assert list(last.values()) == [card[column] for column in list(card)[1:5]]


def test_chats_come_in_all_shapes(deliberation: Deliberation) -> None:
    chats = deliberation.tables["chat"]
    with_card = {row["chatId"] for row in well_formed(deliberation, "valuesCard")}
    tools = {m.get("name") for chat in chats for m in chat["transcript"]}
    assert {"show_values_card", "articulate_values_card", "submit_values_card"} <= tools
    assert {"system", "assistant", "user"} == {chat["transcript"][0]["role"] for chat in chats}
    assert {len(shown_cards(chat)) for chat in chats} == {0, 1, 2}
    for chat in chats:
        expected = bool(shown_cards(chat)) and chat["copiedFromId"] is None
        assert (chat["id"] in with_card) == expected


def test_a_few_finished_chats_have_no_card(deliberation: Deliberation) -> None:
    pending = deliberation.truth.pending_chats
    chats = {row["id"]: row for row in deliberation.tables["chat"]}
    assert len(pending) == 5
    assert not set(pending) & {row["chatId"] for row in deliberation.tables["valuesCard"]}
    assert not set(pending) & {row["copiedFromId"] for row in chats.values()}
    assert set(pending.values()) <= {row["id"] for row in deliberation.tables["canonicalValuesCard"]}
    for chat_id in pending:
        called = [(m.get("function_call") or {}).get("name") for m in chats[chat_id]["transcript"]]
        assert "submit_values_card" in called
        assert set(called) & {"show_values_card", "articulate_values_card"}
        assert not shown_cards(chats[chat_id])


def test_a_chat_that_was_copied_keeps_its_card() -> None:
    chats = [{"id": one, "copiedFromId": source, "transcript": []} for one, source in ("a ", "b ", "ca")]
    cards = [{"id": number, "chatId": one} for number, one in enumerate("ab")]
    for seed in range(9):
        talks = Conversations(chats, cards, {0: 7, 1: 8})
        left = some_pending(np.random.default_rng(seed), talks)
        assert (left.pending, left.card_values, left.cards) == ({"b": 8}, {0: 7}, cards[:1])


def test_the_missing_cards_change_nothing_else(
    deliberation: Deliberation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dft_pipeline.simulate.deliberation.some_pending", lambda rng, talks: talks)
    whole, pending = simulate(120, seed=7), deliberation.truth.pending_chats
    for name in set(SOURCE_TABLES) - {"chat", "valuesCard"}:
        assert deliberation.tables[name] == whole.tables[name]
    left = [row for row in well_formed(whole, "valuesCard") if row["chatId"] not in pending]
    assert well_formed(deliberation, "valuesCard") == left
    for chat, before in zip(deliberation.tables["chat"], whole.tables["chat"], strict=True):
        assert (chat == before) == (chat["id"] not in pending)


def test_cards_are_near_duplicates_of_their_value(deliberation: Deliberation) -> None:
    cards = well_formed(deliberation, "valuesCard")
    assigned = {card["id"]: card["canonicalCardId"] for card in cards if card["quality"] == "ok"}
    assert assigned == deliberation.truth.card_values
    assert {card["canonicalCardId"] for card in cards if card["quality"] == "invalid"} == {None}
    texts = {(card["title"], *card["evaluationCriteria"]) for card in cards}
    assert len(texts) > 0.9 * len(cards)


def test_no_slot_is_left_open(deliberation: Deliberation) -> None:
    cards = [*well_formed(deliberation, "valuesCard"), *deliberation.tables["canonicalValuesCard"]]
    card_texts = [text for card in cards for text in (*list(card.values())[1:4], *card["evaluationCriteria"])]
    messages = [m for chat in deliberation.tables["chat"] for m in chat["transcript"]]
    said = [m["content"] for m in messages if m["role"] != "function" and m["content"]]
    stories = [row["story"] for row in deliberation.tables["edgeHypothesis"]]
    assert not set("".join((*card_texts, *said, *stories))) & set("{|}")


def test_broken_rows_stand_where_the_truth_says(deliberation: Deliberation) -> None:
    rows = {
        broken.rule: (deliberation.tables[broken.table][broken.row - 1], broken.column)
        for broken in deliberation.truth.broken_rows
    }
    values = {rule: row[column] for rule, (row, column) in rows.items() if column}
    assert values.pop("nul_byte").count("\0") == 1
    assert values == {"bad_time": "yesterday", "wrong_type": "abc", "unknown_enum": "maybe"}
    repeated, first = rows["duplicate_key"][0], deliberation.tables["edge"][0]
    assert repeated["comment"] != first["comment"]
    assert {**repeated, "comment": None} == {**first, "comment": None}


def test_broken_rows_come_last(deliberation: Deliberation) -> None:
    for broken in deliberation.truth.broken_rows:
        assert broken.row > len(well_formed(deliberation, broken.table))


def test_broken_keys_stand_alone_but_for_the_repeated_one(deliberation: Deliberation) -> None:
    for broken in deliberation.truth.broken_rows:
        key = SOURCE_TABLES[broken.table].key
        row = deliberation.tables[broken.table][broken.row - 1]
        same = [other for other in deliberation.tables[broken.table] if all(other[c] == row[c] for c in key)]
        assert len(same) == (2 if broken.rule == "duplicate_key" else 1)


@pytest.mark.parametrize(
    ("participants", "seed", "judgments", "message"),
    [
        (0, 1, None, "participants must be at least 1"),
        (5, -1, None, "seed must not be negative"),
        (5, 1, -1, "judgments must not be negative"),
        (5, 1, 10_000, "allow at most 340"),
    ],
)
def test_refuses_what_cannot_be(participants: int, seed: int, judgments: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(participants, seed, judgments)
