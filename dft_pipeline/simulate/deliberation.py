"""A whole deliberation: its tables, and the truth that was planted in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.simulate import vocabulary as words
from dft_pipeline.simulate.chats import Conversations, conversations, planned, some_pending
from dft_pipeline.simulate.columns import HOUR, MINUTE, Row, iso, rows
from dft_pipeline.simulate.draws import drawn
from dft_pipeline.simulate.judgments import hypothesis_rows, judged, judgment_count, proposed
from dft_pipeline.simulate.people import demographics, gathered, users
from dft_pipeline.simulate.transcripts import canonical_card

# From this size on there are copied chats, finished chats without a card, and broken rows.
_ENOUGH = 20
_NEVER_ASKED = (38, 31)


@dataclass(frozen=True)
class BrokenRow:
    """A row that a loader sets aside. `row` counts from 1; `column` is None where it is the whole row."""

    table: str
    row: int
    column: str | None
    rule: str


@dataclass(frozen=True)
class Truth:
    """What was planted.

    `card_values`: the canonical value of each card (invalid and broken cards have none).
    `pending_chats`: the canonical value of each finished chat whose card is missing.
    `wisdom_pairs`: (source, wiser, context), acyclic in all contexts together.
    `contested_cycle`: values a, b, c with a->b->c->a, each a majority's upgrade.
    `contested_pair`: (one, other, context), each the other's upgrade to many.
    """

    card_values: Mapping[int, int]
    pending_chats: Mapping[str, int]
    wisdom_pairs: Sequence[tuple[int, int, str]]
    contested_cycle: tuple[int, int, int]
    contested_cycle_context: str
    contested_pair: tuple[int, int, str]
    straight_liner_ids: Sequence[int]
    broken_rows: Sequence[BrokenRow]


@dataclass(frozen=True)
class Deliberation:
    """Rows per table of the source, as they go into the files, the broken ones last; and the truth."""

    tables: Mapping[str, Sequence[Row]]
    truth: Truth


def simulate(participants: int, seed: int, judgments: int | None = None) -> Deliberation:
    """Invent a deliberation: the same arguments give the same rows.

    `judgments` is the exact number of well-formed rows of `edge`, by default about 12 per participant.
    Raises ValueError for numbers out of range, naming the most judgments that are possible.
    """
    _check(participants, seed, judgments)
    streams = [np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(8)]
    people = gathered(streams[0], participants)
    hypotheses = proposed(streams[1])
    count = judgment_count(judgments, participants, len(hypotheses))
    plan = planned(streams[2], people)
    talks = conversations(streams[3], plan, with_copies=participants >= _ENOUGH)
    if participants >= _ENOUGH:
        talks = some_pending(streams[7], talks)
    draws = drawn(streams[4], plan)
    tables = {
        **_reference_tables(),
        "user": users(streams[5], people),
        "demographic": demographics(streams[5], people),
        "chat": talks.chats,
        "valuesCard": talks.cards,
        "impression": draws.impressions,
        "vote": draws.votes,
        "edgeHypothesis": hypothesis_rows(hypotheses),
        "edge": judged(streams[6], people, plan, draws.done, hypotheses, count),
    }
    broken = _add_broken_rows(tables) if participants >= _ENOUGH else []
    straight = (np.flatnonzero(people.straight_lining) + 1).tolist()
    return Deliberation(
        {name: tables.get(name, []) for name in SOURCE_TABLES}, _truth(talks, straight, broken)
    )


def _check(participants: int, seed: int, judgments: int | None) -> None:
    if participants < 1:
        raise ValueError(f"participants must be at least 1, not {participants}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, not {seed}")
    if judgments is not None and judgments < 0:
        raise ValueError(f"judgments must not be negative, not {judgments}")


def _truth(talks: Conversations, straight: Sequence[int], broken: Sequence[BrokenRow]) -> Truth:
    return Truth(
        card_values=talks.card_values,
        pending_chats=talks.pending,
        wisdom_pairs=words.WISDOM_PAIRS,
        contested_cycle=words.CONTESTED_CYCLE,
        contested_cycle_context=words.CONTESTED_CYCLE_CONTEXT,
        contested_pair=words.CONTESTED_PAIR,
        straight_liner_ids=straight,
        broken_rows=broken,
    )


def _reference_tables() -> dict[str, list[Row]]:
    """The tables that are there before anybody takes part."""
    contexts = dict.fromkeys(context for case in words.CASES for context in case.contexts)
    return {
        "case": rows(
            id=[case.id for case in words.CASES],
            title=[case.title for case in words.CASES],
            question=[case.question for case in words.CASES],
            seedMessage=[case.seed_message for case in words.CASES],
        ),
        "context": rows(id=[*contexts, *words.CONTEXTS_WITHOUT_CASE]),
        "contextsOnCases": _context_links(),
        "canonicalValuesCard": _canonical_cards(),
    }


def _context_links() -> list[Row]:
    links = [(context, case.id) for case in words.CASES for context in case.contexts]
    created = iso(np.full(len(links), HOUR))
    return rows(
        contextId=[context for context, _ in links],
        caseId=[case for _, case in links],
        createdAt=created,
        updatedAt=created,
    )


def _canonical_cards() -> list[Row]:
    cards = [canonical_card(value) for value in words.VALUES]
    created = iso(MINUTE * np.arange(len(cards)))
    return rows(
        id=[value.id for value in words.VALUES],
        title=[card["title"] for card in cards],
        instructionsShort=[card["instructions_short"] for card in cards],
        instructionsDetailed=[card["instructions_detailed"] for card in cards],
        evaluationCriteria=[card["evaluation_criteria"] for card in cards],
        createdAt=created,
        updatedAt=created,
    )


def _add_broken_rows(tables: dict[str, list[Row]]) -> list[BrokenRow]:
    """Append a few rows that break one rule each, and say where they stand."""
    edges = tables["edge"]
    changes: list[tuple[str, Row, str | None, str]] = [
        ("valuesCard", _after(tables, "valuesCard", title="Plain\0Words"), "title", "nul_byte"),
        ("impression", _after(tables, "impression", createdAt="yesterday"), "createdAt", "bad_time"),
        ("vote", _after(tables, "vote", userId="abc"), "userId", "wrong_type"),
        ("edge", _undecided_edge(tables["vote"][-1]), "relationship", "unknown_enum"),
    ]
    if edges:
        repeated = {**edges[0], "comment": "I have changed my mind about this one."}
        changes.append(("edge", repeated, None, "duplicate_key"))
    return [_appended(tables, *change) for change in changes]


def _appended(tables: dict[str, list[Row]], table: str, row: Row, column: str | None, rule: str) -> BrokenRow:
    tables[table].append(row)
    return BrokenRow(table, len(tables[table]), column, rule)


def _after(tables: dict[str, list[Row]], table: str, **changes: object) -> Row:
    """The last row again under the next id, with something broken."""
    last = tables[table][-1]
    return {**last, "id": last["id"] + 1, **changes}


def _undecided_edge(vote: Row) -> Row:
    """An answer that does not exist, about a pair never asked, so that no other row has its key."""
    source, wiser = _NEVER_ASKED
    return {
        "userId": vote["userId"],
        "fromId": source,
        "toId": wiser,
        "story": None,
        "contextId": words.DIVIDED,
        "runId": None,
        "relationship": "maybe",
        "comment": None,
        "createdAt": vote["createdAt"],
        "updatedAt": vote["updatedAt"],
    }
