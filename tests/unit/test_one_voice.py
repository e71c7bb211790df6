"""One voice per participant, against a plain reading; and the participants' pseudonyms."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.values.one_voice import articulations, judgments, verdicts, voices, votes
from dft_pipeline.values.pseudonyms import fingerprint, pseudonym, pseudonymised, pseudonymiser
from dft_pipeline.values.row_counts import row_counts, unaccounted

CARDS = (1, 2, 3, 4, 5)
VALUES = (10, 20, 30)
PEOPLE = ("ann", "bob")
ANSWERS = ("upgrade", "no_upgrade", "not_sure")
TIMES = tuple(some.START + timedelta(hours=hour) for hour in range(2))  # two moments, so that ties are common
TIME = pl.Datetime("us", "UTC")

EDGES = pl.Schema(
    {
        "participant_id": pl.String,
        "fromId": pl.Int64,
        "toId": pl.Int64,
        "story": pl.String,
        "contextId": pl.String,
        "relationship": pl.String,
        "comment": pl.String,
        "createdAt": TIME,
        "updatedAt": TIME,
    }
)
VOTES = pl.Schema(
    {
        "id": pl.Int64,
        "participant_id": pl.String,
        "valuesCardId": pl.Int64,
        "caseId": pl.String,
        "createdAt": TIME,
        "updatedAt": TIME,
    }
)
VERIFICATIONS = pl.Schema(
    {
        "id": pl.Int64,
        "participant_id": pl.String,
        "valuesCardId": pl.Int64,
        "otherValuesCardId": pl.Int64,
        "verdict": pl.String,
        "createdAt": TIME,
        "updatedAt": TIME,
    }
)
OWN_CARDS = pl.Schema({"id": pl.Int64, "chatId": pl.String, "canonicalCardId": pl.Int64})
CHATS = pl.Schema({"id": pl.String, "participant_id": pl.String, "caseId": pl.String})
JUDGED = ("participant_id", "source_value_id", "wiser_value_id", "relationship", "context_id",
          "created_at", "updated_at", "story", "comment")  # fmt: skip


def became(values: Mapping[int, int]) -> pl.DataFrame:
    """Canonical cards and the values that they became."""
    rows = [{"card_kind": "canonical", "card_id": card, "value_id": value, "decided_by": "given"}
            for card, value in values.items()]  # fmt: skip
    return some.frame("card_values", rows)


# Three values for five cards: two cards often are one value.
mappings = st.fixed_dictionaries({card: st.sampled_from(VALUES) for card in CARDS})
times = st.sampled_from(TIMES)


@st.composite
def raw_edges(draw: st.DrawFn) -> pl.DataFrame:
    """Judgments of cards, one per participant and pair of cards as in the app."""
    keys = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(CARDS), st.sampled_from(CARDS))
    rows = []
    for place, (person, source, wiser) in enumerate(draw(st.lists(keys, unique=True, max_size=20))):
        context, answer = draw(st.sampled_from(some.CONTEXTS)), draw(st.sampled_from(ANSWERS))
        told = (f"story {place}", context, answer, f"comment {place}")
        rows.append((person, source, wiser, *told, draw(times), draw(times)))
    return pl.DataFrame(rows, schema=EDGES, orient="row")


@st.composite
def raw_votes(draw: st.DrawFn) -> pl.DataFrame:
    """Votes or showings of cards; a participant may vote twice for one card, in two draws."""
    cell = st.tuples(
        st.sampled_from(PEOPLE), st.sampled_from(CARDS), st.sampled_from(some.CASES), times, times
    )
    drawn = draw(st.lists(cell, max_size=25))
    ids = draw(st.permutations(range(len(drawn))))
    rows = [(number, *cells) for number, cells in zip(ids, drawn, strict=True)]
    return pl.DataFrame(rows, schema=VOTES, orient="row")


@st.composite
def raw_verdicts(draw: st.DrawFn) -> pl.DataFrame:
    """Verdicts on two cards, in any order, or on one card twice; some by the same participant."""
    cards, answers = st.sampled_from(CARDS[:3]), st.sampled_from(("same", "different", "unsure"))
    cell = st.tuples(st.sampled_from(PEOPLE), cards, cards, answers, times, times)
    drawn = draw(st.lists(cell, max_size=15))
    ids = draw(st.permutations(range(len(drawn))))
    rows = [(number, *cells) for number, cells in zip(ids, drawn, strict=True)]
    return pl.DataFrame(rows, schema=VERIFICATIONS, orient="row")


def plain_edge_rule(row: some.Row, value_of: Mapping[int, int]) -> str | None:
    return "merged_away" if value_of[row["fromId"]] == value_of[row["toId"]] else None


def plain_latest(rows: Iterable[some.Row], voice: Callable[[some.Row], tuple], key: tuple[str, ...]) -> list:
    """Of each voice, the row with the later updatedAt, then createdAt, then the higher original key."""
    best: dict[tuple, some.Row] = {}
    for row in rows:
        order = [row[name] for name in ("updatedAt", "createdAt", *key)]
        held = best.get(voice(row))
        if held is None or order > [held[name] for name in ("updatedAt", "createdAt", *key)]:
            best[voice(row)] = row
    return list(best.values())


def set_aside(table: pl.DataFrame, key: tuple[str, ...]) -> dict[tuple, str]:
    """The rule under which each row was set aside, by the row's key."""
    named = [(json.loads(row["key"]), row["rule"]) for row in table.iter_rows(named=True)]
    assert len(named) == len({tuple(of[name] for name in key) for of, _ in named}), "each row once"
    return {tuple(of[name] for name in key): rule for of, rule in named}


@given(raw_edges(), mappings, some.links())
def test_judgments_read_plainly(edges: pl.DataFrame, value_of: dict[int, int], links: pl.DataFrame) -> None:
    key = ("participant_id", "fromId", "toId")
    rows = edges.rows(named=True)
    rules = {tuple(row[name] for name in key): plain_edge_rule(row, value_of) for row in rows}
    sound = [row for row in rows if rules[tuple(row[name] for name in key)] is None]
    kept = plain_latest(
        sound, lambda row: (row["participant_id"], value_of[row["fromId"]], value_of[row["toId"]]), key
    )
    told = judgments(edges, became(value_of), links)
    assert set(told.kept.select(JUDGED).rows()) == {plain_judged(row, value_of) for row in kept}
    assert len(told.kept) == len(kept)
    standing = {tuple(row[name] for name in key) for row in kept}
    expected = {of: rule or "superseded" for of, rule in rules.items() if of not in standing}
    assert set_aside(told.set_aside, key) == expected
    for context, cases in told.kept.select("context_id", "case_ids").iter_rows():
        assert cases == sorted(links.filter(context_id=context)["case_id"])


def plain_judged(row: some.Row, value_of: Mapping[int, int]) -> tuple:
    ends = (value_of[row["fromId"]], value_of[row["toId"]])
    told = (row["relationship"], row["contextId"], row["createdAt"], row["updatedAt"])
    return (row["participant_id"], *ends, *told, row["story"], row["comment"])


def plain_votes(rows: pl.DataFrame, value_of: Mapping[int, int]) -> list[some.Row]:
    known = rows.iter_rows(named=True)
    return plain_latest(
        known, lambda row: (row["participant_id"], value_of[row["valuesCardId"]], row["caseId"]), ("id",)
    )


@given(raw_votes(), raw_votes(), mappings)
def test_votes_and_showings_read_plainly(
    cast: pl.DataFrame, shown: pl.DataFrame, value_of: dict[int, int]
) -> None:
    told = votes(cast, shown, became(value_of))
    for name, raw, is_vote in (("vote", cast, True), ("impression", shown, False)):
        kept = plain_votes(raw, value_of)
        expected = {(row["participant_id"], value_of[row["valuesCardId"]], row["caseId"], row["createdAt"])
                    for row in kept}  # fmt: skip
        found = told.kept.filter(is_vote=is_vote).drop("is_vote").rows()
        assert len(found) == len(kept)
        assert set(found) == expected
        standing = {row["id"] for row in kept}
        rules = {(number,): "superseded" for number in raw["id"] if number not in standing}
        assert set_aside(told.set_aside.filter(table=name), ("id",)) == rules


@given(raw_verdicts(), st.integers(0, 99))
def test_verdicts_read_plainly(raw: pl.DataFrame, seed: int) -> None:
    rows = raw.rows(named=True)
    cards = {row["id"]: tuple(sorted((row["valuesCardId"], row["otherValuesCardId"]))) for row in rows}
    of_two = [row for row in rows if len({*cards[row["id"]]}) == 2]
    kept = plain_latest(of_two, lambda row: (row["participant_id"], *cards[row["id"]]), ("id",))
    told = verdicts(raw)
    expected = sorted((*cards[row["id"]], row["participant_id"], row["verdict"]) for row in kept)
    assert told.kept.select("card_id", "other_card_id", "participant_id", "verdict").rows() == expected
    standing = {row["id"] for row in kept}
    rules = {row["id"]: "superseded" if row in of_two else "same_card_twice" for row in rows}
    left = {(number,): rule for number, rule in rules.items() if number not in standing}
    assert set_aside(told.set_aside, ("id",)) == left
    assert verdicts(some.shuffled(raw, seed)).kept.equals(told.kept)


@settings(max_examples=10)
@given(raw_edges(), raw_votes(), raw_votes(), raw_verdicts(), mappings, st.integers(0, 99))
def test_every_row_read_is_kept_or_set_aside(
    edges: pl.DataFrame,
    cast: pl.DataFrame,
    shown: pl.DataFrame,
    verified: pl.DataFrame,
    value_of: dict[int, int],
    seed: int,
) -> None:
    raw = {
        "edge": edges,
        "deduplicationVerification": verified,
        "vote": cast,
        "impression": shown,
        "valuesCard": pl.DataFrame(schema=OWN_CARDS),
        "chat": pl.DataFrame(schema=CHATS),
    }
    links, card_values = pl.DataFrame(schema=some.LINKS), became(value_of)
    told = voices(raw, card_values, links)
    aside = Counter(told.set_aside["table"])
    cast_kept = told.votes["is_vote"].sum()
    assert len(edges) == len(told.judgments) + aside["edge"]
    assert len(cast) == cast_kept + aside["vote"]
    assert len(shown) == len(told.votes) - cast_kept + aside["impression"]
    assert len(verified) == len(told.verdicts) + aside["deduplicationVerification"]
    counts = row_counts({name: len(rows) for name, rows in raw.items()}, told.set_aside)
    assert unaccounted(counts, told, card_values) == []
    lost = unaccounted(counts, told._replace(judgments=told.judgments.head(0)), card_values)
    assert len(lost) == (len(told.judgments) > 0), "a table that does not add up is named"
    again = voices({name: some.shuffled(rows, seed) for name, rows in raw.items()}, card_values, links)
    assert again.judgments.equals(told.judgments)
    assert again.votes.equals(told.votes)


def edge(source: int, wiser: int, updated: int = 0, created: int = 0, answer: str = "upgrade") -> tuple:
    told = ("", some.CONTEXTS[0], answer, f"{source} to {wiser}")
    return ("ann", source, wiser, *told, TIMES[created], TIMES[updated])


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        (edge(1, 5, updated=1), edge(2, 5), "1 to 5"),  # the later update
        (edge(1, 5, created=1), edge(2, 5), "1 to 5"),  # then the later row
        (edge(1, 5), edge(2, 5), "2 to 5"),  # then the higher original key
        (edge(1, 5, updated=1), edge(2, 5, created=1), "1 to 5"),  # an update before all
        (edge(1, 4), edge(1, 5), "1 to 5"),
        (edge(1, 5), edge(2, 4), "2 to 4"),  # a key is compared from its start
    ],
)
def test_merged_cards_speak_with_one_voice(first: tuple, second: tuple, counts: str) -> None:
    merged = became({1: 10, 2: 10, 4: 30, 5: 30})
    for rows in ([first, second], [second, first]):
        told = judgments(
            pl.DataFrame(rows, schema=EDGES, orient="row"), merged, pl.DataFrame(schema=some.LINKS)
        )
        assert told.kept.select("source_value_id", "wiser_value_id", "comment").rows() == [(10, 30, counts)]
        assert told.set_aside["rule"].to_list() == ["superseded"]


def test_a_judgment_whose_ends_became_one_is_merged_away() -> None:
    edges = pl.DataFrame([edge(1, 2), edge(1, 5)], schema=EDGES, orient="row")
    told = judgments(edges, became({1: 10, 2: 10, 5: 30}), pl.DataFrame(schema=some.LINKS))
    assert told.kept["comment"].to_list() == ["1 to 5"]
    by_rule = dict(told.set_aside.select("rule", "value").rows())
    assert by_rule == {"merged_away": "2"}


def test_a_card_without_a_chat_articulates_for_nobody() -> None:
    chats = pl.DataFrame([("own", "ann", "weed")], schema=CHATS, orient="row")
    cards = pl.DataFrame([(1, "own", 10), (3, None, 10)], schema=OWN_CARDS, orient="row")
    theirs = [
        {"card_kind": "card", "card_id": card, "value_id": 10, "decided_by": "given"} for card in (1, 3)
    ]
    told = articulations(cards, chats, some.frame("card_values", theirs))
    assert told.rows() == [("ann", 10, "weed")]


def plain_hmac(key: bytes, message: bytes) -> str:
    """HMAC-SHA256 as RFC 2104 writes it down, in hex."""
    padded = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).hexdigest()


@given(st.integers(-(2**63), 2**63 - 1), st.binary(min_size=1, max_size=80))
def test_pseudonym_is_a_keyed_hash_of_the_id_in_decimal(user_id: int, key: bytes) -> None:
    assert pseudonym(user_id, key) == plain_hmac(key, f"{user_id:d}".encode())[:32]
    assert pseudonymiser(key)(user_id) == pseudonym(user_id, key)


def test_pseudonym_of_a_known_person() -> None:
    assert pseudonym(42, b"key") == "f2991b7ce981d0b5adc5e6a0f31acaeb"
    assert pseudonym(42, b"yek") != pseudonym(42, b"key") != pseudonym(43, b"key")
    assert fingerprint(b"key") != fingerprint(b"yek")


@given(st.lists(st.integers(0, 5), max_size=12))
def test_same_person_same_pseudonym(ids: list[int]) -> None:
    rows = pl.DataFrame({"userId": ids, "row": range(len(ids))}, schema={"userId": pl.Int64, "row": pl.Int64})
    named = pseudonymised(rows, "userId", b"key")
    assert named.columns == ["row", "participant_id"], "the id itself is gone"
    assert named["row"].to_list() == list(range(len(ids)))
    assert named["participant_id"].to_list() == [pseudonym(user_id, b"key") for user_id in ids]
    assert named["participant_id"].n_unique() == len(set(ids))
    assert all(len(name) == 32 for name in named["participant_id"])
