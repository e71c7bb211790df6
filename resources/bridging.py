"""Values that people of two parties both find wiser than their own, asked of the app's tables."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

import psycopg
from psycopg.rows import class_row

from dft_pipeline.values.few_apart import FEWEST_PEOPLE
from dft_pipeline.values.reading import NO_ANSWER
from resources.sql import text

# Which answers make a value wiser: the authors' query asks for none, their report for `upgrade`.
Counted = Literal["any_answer", "upgrade"]


class Bridge(NamedTuple):
    """Two values that people of two parties voted for, a third, and how many judged it so."""

    value_id: int
    other_value_id: int
    wiser_value_id: int
    people: int
    other_people: int


def bridges(
    url: str,
    party: str,
    other_party: str,
    as_of: date,
    counted: Counted = "upgrade",
    fewest: int = FEWEST_PEOPLE,
) -> list[Bridge]:
    """The bridges between two parties, of votes and answers up to the end of a day, UTC; by wiser value.

    Each of `fewest` people of either party or more; less than FEWEST_PEOPLE is not for showing.
    """
    asked = {
        "party": party,
        "other_party": other_party,
        "before": datetime.combine(as_of + timedelta(days=1), time()),
        "fewest": fewest,
    }
    with psycopg.connect(url) as connection, connection.cursor(row_factory=class_row(Bridge)) as cursor:
        return cursor.execute(text(f"reports/bridging_{counted}"), asked).fetchall()


def parties(url: str) -> list[str]:
    """The parties of FEWEST_PEOPLE or more, sorted; of others it is not said that they are there."""
    asked = {"no_answer": list(NO_ANSWER), "fewest": FEWEST_PEOPLE}
    with psycopg.connect(url) as connection:
        return [party for (party,) in connection.execute(text("reports/parties"), asked)]


def titles(url: str, found: Iterable[Bridge]) -> dict[int, str]:
    """What the values of bridges are called, by id."""
    ids = sorted({value for bridge in found for value in bridge[:3]})
    with psycopg.connect(url) as connection:
        return dict(connection.execute(text("reports/titles"), {"value_ids": ids}).fetchall())
