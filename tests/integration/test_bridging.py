"""Bridging values on a real PostgreSQL, against a plain reading of the same rows."""

import json
import random
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import psycopg
import pytest

from resources.bridging import Bridge, Counted, bridges
from resources.sql import text
from tests.conftest import Dft, fresh_database

DAY = date(2024, 1, 10)
LATE = datetime(2024, 1, 11)
TIMELY = datetime(2024, 1, 10, 23, 59, 59)
PARTIES = ("Democrat", "Republican", "Independent", None)
Rows = dict[str, list[tuple[object, ...]]]


def made_up(seed: int) -> Rows:
    """Forty people of three parties or none, a few values, answers of all kinds, some too late to count."""
    chance = random.Random(seed)
    people = range(1, 41)
    when = [TIMELY, TIMELY, TIMELY, LATE]
    edges = {
        (who, *chance.sample((1, 2, 3, 4), 2)): (
            chance.choice(("upgrade", "upgrade", "no_upgrade")),
            chance.choice(when),
        )
        for who in people
        for _ in range(4)
    }
    votes = [(who, chance.choice((1, 2, 3, 4)), chance.choice(when)) for who in people for _ in range(3)]
    background = [(who, PARTIES[who % 4]) for who in people if who % 5]
    return {
        "Edge": [(*pair, *said) for pair, said in sorted(edges.items())],
        "Vote": [(place, *vote) for place, vote in enumerate(votes)],
        "Demographic": [(place, *row) for place, row in enumerate(background)],
    }


INSERTS = {
    "Edge": 'INSERT INTO "Edge" ("userId", "fromId", "toId", "relationship", "createdAt", "updatedAt", '
    "\"contextId\") VALUES (%s, %s, %s, %s, %s, now(), 'When alone')",
    "Vote": 'INSERT INTO "Vote" ("id", "userId", "valuesCardId", "createdAt", "updatedAt", "caseId", '
    "\"drawId\") VALUES (%s, %s, %s, %s, now(), 'weed', 'd')",
    "Demographic": 'INSERT INTO "Demographic" ("id", "userId", "usPoliticalAffiliation") VALUES (%s, %s, %s)',
}


VALUES = (
    'INSERT INTO "CanonicalValuesCard" ("id", "title", "instructionsShort", "instructionsDetailed", '
    "\"evaluationCriteria\", \"createdAt\", \"updatedAt\") VALUES (%s, %s, '', '', '{}', now(), now())"
)


@pytest.fixture(scope="module")
def app(server: str) -> Iterator[str]:
    """The app's tables, empty."""
    with fresh_database(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute(text("source/schema"))
            connection.cursor().executemany(VALUES, [(1, "One"), (2, "Two")])
        yield url


def filled(url: str, rows: Rows) -> str:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table, content in rows.items():
            cursor.execute(f'TRUNCATE "{table}"')
            cursor.executemany(INSERTS[table], content)
    return url


def plain(rows: Rows, counted: Counted, fewest: int) -> list[Bridge]:
    party = {who: said for _, who, said in rows["Demographic"]}
    chosen = {(who, value) for _, who, value, at in rows["Vote"] if at == TIMELY}
    held: dict[tuple[object, object], set[object]] = {}
    agreed: set[tuple[object, object, object]] = set()
    for who, value, wiser, said, at in rows["Edge"]:
        counts = counted == "any_answer" or said == "upgrade"
        if at == TIMELY and counts and (who, value) in chosen:
            held.setdefault((value, wiser), set()).add(who)
            agreed |= {(who, value, wiser)} if said == "upgrade" else set()
    found = []
    for (value, wiser), people in held.items():
        for (other, same), others in held.items():
            if same == wiser and other != value:
                sides = []
                small = False
                for some, start, name in ((people, value, "Republican"), (others, other, "Democrat")):
                    own = {who for who in some if party.get(who) == name}
                    no = {who for who in some if (who, start, wiser) not in agreed}
                    cells = (own, some - own, own & no, (some - own) & no)
                    small |= len(own) < fewest or any(0 < len(cell) < fewest for cell in cells)
                    sides.append(len(own))
                if not small:
                    found.append(Bridge(value, other, wiser, *sides))  # type: ignore[arg-type]
    return sorted(found, key=lambda one: (one.wiser_value_id, one.value_id, one.other_value_id))


@pytest.mark.parametrize("seed", range(3))
def test_as_a_plain_reading_finds_them(app: str, seed: int) -> None:
    rows = made_up(seed)
    url = filled(app, rows)
    any_answer: Counted = "any_answer"
    upgrade: Counted = "upgrade"
    for fewest in (1, 2, 5):
        for counted in (any_answer, upgrade):
            found = bridges(url, "Republican", "Democrat", DAY, counted, fewest)
            assert found == plain(rows, counted, fewest)
    every = (bridges(url, "Republican", "Democrat", DAY, counted, 1) for counted in (any_answer, upgrade))
    assert len(next(every)) > len(next(every)) > 0, "who declined bridges nothing"


def a_bridge(republicans: int, democrats: int, others: int = 0) -> Rows:
    """So many hold value 1 and find 3 wiser, so many hold 2; of those who hold 1, some more of no party."""
    people = [(who, 1, "Republican") for who in range(republicans)]
    people += [(100 + who, 2, "Democrat") for who in range(democrats)]
    people += [(200 + who, 1, None) for who in range(others)]
    return {
        "Edge": [(who, value, 3, "upgrade", TIMELY) for who, value, _ in people],
        "Vote": [(place, who, value, TIMELY) for place, (who, value, _) in enumerate(people)],
        "Demographic": [(place, who, said) for place, (who, _, said) in enumerate(people)],
    }


@pytest.mark.parametrize(
    ("people", "seen"),
    [
        ((5, 6), [Bridge(1, 2, 3, 5, 6)]),
        ((4, 6), []),
        ((5, 4), []),
        ((5, 6, 4), []),  # the four of no party would follow
        ((5, 6, 5), [Bridge(1, 2, 3, 5, 6)]),
    ],
)
def test_of_few_people_nothing_is_shown(app: str, people: tuple[int, ...], seen: list[Bridge]) -> None:
    assert bridges(filled(app, a_bridge(*people)), "Republican", "Democrat", DAY) == seen


@pytest.mark.parametrize("cell", range(4))
@pytest.mark.parametrize(("declining", "seen"), [(0, True), (1, False), (4, False), (5, True)])
def test_who_declined_does_not_follow_from_the_two_counts(
    app: str, cell: int, declining: int, seen: bool
) -> None:
    cells = ((1, "Republican"), (1, None), (2, "Democrat"), (2, None))  # ten people of each
    people = [(10 * place + who, *cells[place]) for place in range(4) for who in range(10)]
    declined = range(10 * cell, 10 * cell + declining)
    rows: Rows = {
        "Edge": [
            (who, value, 3, "not_sure" if who in declined else "upgrade", TIMELY) for who, value, _ in people
        ],
        "Vote": [(place, who, value, TIMELY) for place, (who, value, _) in enumerate(people)],
        "Demographic": [(place, who, said) for place, (who, _, said) in enumerate(people)],
    }
    url = filled(app, rows)
    assert len(bridges(url, "Republican", "Democrat", DAY)) == 1
    found = bridges(url, "Republican", "Democrat", DAY, "any_answer")
    assert found == [Bridge(1, 2, 3, 10, 10)] * seen
    assert found == plain(rows, "any_answer", 5)


def test_the_command(app: str, tmp_path: Path) -> None:
    rows = a_bridge(6, 7)
    rows["Edge"].append((300, 1, 4, "upgrade", LATE))
    dft = Dft(tmp_path, filled(app, rows))
    asked = ("bridging", "Republican", "Democrat", "--as-of", DAY)
    found = json.loads(dft(*asked, "--json").stdout)
    assert found["counted"] == "upgrade"
    assert found["bridges"] == [
        {"value_id": 1, "other_value_id": 2, "wiser_value_id": 3, "people": 6, "other_people": 7}
        | {"title": "One", "other_title": "Two", "wiser_title": None}
    ]
    told = dft(*asked, "--as-published")
    assert told.returncode == 0
    last = told.stdout.splitlines()[-1].split()
    assert last == ["One", "(1)", "6", "Two", "(2)", "7", "no", "title", "(3)"]
    none = dft("bridging", "Republican", "Democrat", "--as-of", "2024-01-09")
    assert (none.returncode, "no bridge between" in none.stdout) == (0, True)


def test_what_the_command_refuses(app: str, tmp_path: Path) -> None:
    rows = a_bridge(6, 7)
    rows["Demographic"] += [(1000 + who, 1000 + who, "Green") for who in range(4)]
    dft = Dft(tmp_path, filled(app, rows))
    few, typo = dft("bridging", "Republican", "Green"), dft("bridging", "Republican", "Grene")
    assert few.stderr.replace("Green", "Grene") == typo.stderr, "that there are a few Greens is not said"
    assert "larger parties: Democrat, Republican" in typo.stderr
    same = dft("bridging", "Democrat", "Democrat")
    day = dft("bridging", "Republican", "Democrat", "--as-of", "2999-01-01")
    assert [done.returncode for done in (few, typo, same, day)] == [1, 1, 2, 2]


def test_the_app_s_own_database_is_asked(app: str, server: str, tmp_path: Path) -> None:
    with fresh_database(server) as own:
        dft = Dft(tmp_path, own)
        asked = ("bridging", "Republican", "Democrat", "--as-of", DAY, "--json")
        done = dft(*asked, DFT_SOURCE_URL=filled(app, a_bridge(5, 5)))
        assert len(json.loads(done.stdout)["bridges"]) == 1
        assert dft(*asked).returncode == 1, "the project's own database holds nobody"


def test_parties_are_bound_and_never_part_of_the_statement(app: str) -> None:
    assert bridges(filled(app, a_bridge(5, 6)), "Republican' OR 'a' = 'a", "Democrat", DAY) == []
