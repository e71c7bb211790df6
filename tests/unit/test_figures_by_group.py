"""All figures by group of small deliberations, attacked: no two together tell of fewer than five people."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline import figures_by_group as by_group
from dft_pipeline.dataset.gradient import gradients
from dft_pipeline.dataset.questions import numbered, participants
from dft_pipeline.graph.moral_graph import pair_tallies
from dft_pipeline.policies import DEFAULT, Aggregation
from dft_pipeline.reports.participants import Doings, participant_behaviour
from dft_pipeline.values.reading import AFFILIATION
from dft_pipeline.values.small_cells import Known
from tests.groups_attacked import Figure, Snapshot, attacks, figures, made_of, untrue

PARTIES, SEXES, AGES = ("Left", "Right", None), ("Female", "Male", None), ("18–29", "30–44", None)
PAIRS = ((3, 7), (7, 3), (3, 20), (7, 20), (20, 3))
TOLD = {"contested", "coverage_by_h", "group_answers", "group_votes", "behaviour_by_group"}
DEMOGRAPHICS = {
    "id": pl.Int64,
    "participant_id": pl.String,
    AFFILIATION: pl.String,
    "sex": pl.String,
    "age": pl.String,
}
SAID = {"u": "upgrade", "n": "no_upgrade", "s": "not_sure"}
Way = tuple[str, str]  # the answer to each of PAIRS, and whether 7 and 20 were met or voted for


def a_deliberation(seed: int, size: int = 60) -> Snapshot:
    """So many people who do what one of few ways says, but for a few of them who leave something out."""
    rng = np.random.Generator(np.random.PCG64(seed))
    ways = [(_letters(rng, "uuuns-", len(PAIRS)), _letters(rng, "vm-", 2)) for _ in range(3)]
    people = [ways[int(which)] for which in rng.choice(3, size, p=(0.5, 0.3, 0.2))]
    return made_of(_people([(_less(rng, said), _less(rng, met)) for said, met in people], rng))


def _letters(rng: np.random.Generator, letters: str, count: int) -> str:
    return "".join(rng.choice(list(letters), count))


def _less(rng: np.random.Generator, way: str) -> str:
    return "".join("-" if rng.random() < 0.04 else one for one in way)


def _people(ways: Sequence[Way], rng: np.random.Generator) -> by_group.People:
    names = [f"{place:032x}" for place in range(len(ways))]
    demographics = pl.DataFrame(
        [(place, who, PARTIES[rng.integers(3)], SEXES[rng.integers(3)], AGES[rng.integers(3)])
         for place, who in enumerate(names)],
        schema=DEMOGRAPHICS,
        orient="row",
    )  # fmt: skip
    judgments = some.frame("judgments", [
        some.judgment(who, *pair, SAID[letter]) | {"case_ids": [some.CASES[0]]}
        for who, (way, _) in zip(names, ways, strict=True)
        for pair, letter in zip(PAIRS, way, strict=True) if letter != "-"
    ])  # fmt: skip
    votes = some.frame("votes", [
        some.vote(who, value, some.CASES[0], letter == "v")
        for who, (_, met) in zip(names, ways, strict=True)
        for value, letter in zip((7, 20), met, strict=True) if letter != "-"
    ])  # fmt: skip
    survey = pl.DataFrame(
        [(who, question, int(rng.integers(1, 6)))
         for who in names for question in ("Fair?", "Clear?") if rng.random() < 0.9],
        schema={"participant_id": pl.String, "question": pl.String, "answer": pl.Int64}, orient="row",
    )  # fmt: skip
    public = some.Public(
        judgments,
        pl.DataFrame([(some.CONTEXTS[0], some.CASES[0])], schema=some.LINKS, orient="row"),
        votes,
        some.frame("articulations", []),
        some.frame("canonical_values", [some.a_value(value, 1) for value in some.VALUES]),
        pl.DataFrame([(some.CASES[0], "What?")], schema=some.RAW_CASES, orient="row"),
        demographics.select("participant_id", group=AFFILIATION).drop_nulls(),
    )
    asked = some.snapshot(public, DEFAULT)
    doings = Doings(pl.DataFrame(schema=some.CHATS), public.articulations, votes, judgments)
    return by_group.People(
        demographics,
        survey,
        participant_behaviour(demographics.select("participant_id"), doings),
        judgments,
        votes,
        pair_tallies(judgments, public.links, DEFAULT),
        asked.contested,
        public.links,
        list(gradients(numbered(asked), Aggregation())),
        participants(asked),
    )


@settings(max_examples=3)
@given(st.integers(0, 1000))
def test_no_two_figures_tell_of_few_people(seed: int) -> None:
    snapshot = a_deliberation(seed)
    for field, groups in snapshot.groups.items():
        shown = figures(snapshot, field)
        assert not untrue(shown, groups)
        assert not [(one[:2], other[:2]) for one, other in attacks(shown, groups)]


def test_without_what_is_known_the_attack_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search finds what it looks for, between tables too."""
    monkeypatch.setattr(Known, "admit", lambda self, parts: [True] * len(parts))
    snapshot = a_deliberation(1)
    found = {
        (one.table, other.table)
        for one, other in attacks(figures(snapshot, AFFILIATION), snapshot.groups[AFFILIATION])
    }
    assert any(one != other for one, other in found), found


def test_something_is_shown() -> None:
    shown = {one.table for one in figures(a_deliberation(1), AFFILIATION)}
    assert len(shown & TOLD) >= 3, shown


def of(count: int) -> Figure:
    """The first so many of a and of b."""
    people = {f"{group}{number}": 1 for group in "ab" for number in range(count)}
    return Figure("t", str(count), people, {"a": count, "b": count})


def test_the_search_by_hand() -> None:
    """Nine of a in one figure, eight of them in the other: the ninth is told."""
    groups = {f"{group}{number}": group for group in "ab" for number in range(9)}
    found = [(one.name, other.name) for one, other in attacks([of(9), of(8), of(3)], groups)]
    assert found == [("9", "8")]
